package converter_test

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/millrace-dev/millrace/converter"
)

func ExampleNewCodecDataConverter() {
	dc := converter.NewCodecDataConverter(
		converter.GetDefaultDataConverter(),
		converter.NewZlibCodec(converter.ZlibCodecOptions{}),
	)
	p, err := dc.ToPayload(strings.Repeat("epoch ", 1000))
	if err != nil {
		fmt.Println(err)
		return
	}
	var text string
	if err := dc.FromPayload(p, &text); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(p.Metadata[converter.MetadataEncoding]), len(p.Data) < 200, len(text))
	// Output: binary/zlib true 6000
}

// The keys stay on the codec server; a program that may use it needs none.
func ExampleNewRemoteDataConverter() {
	server := httptest.NewServer(converter.NewPayloadCodecHTTPHandler(converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true})))
	defer server.Close()

	dc := converter.NewRemoteDataConverter(converter.GetDefaultDataConverter(), converter.RemoteDataConverterOptions{Endpoint: server.URL})
	p, err := dc.ToPayload("hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(p.Metadata[converter.MetadataEncoding]), dc.ToString(p))
	// Output: binary/zlib "hello"
}
