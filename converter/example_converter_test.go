package converter_test

import (
	"fmt"

	"github.com/millrace-dev/millrace/converter"
)

func ExampleGetDefaultDataConverter() {
	dc := converter.GetDefaultDataConverter()
	payloads, err := dc.ToPayloads("hello", 3, []byte("raw"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range payloads.Payloads {
		fmt.Println(string(p.Metadata[converter.MetadataEncoding]), dc.ToString(p))
	}

	var greeting string
	var times int
	if err := dc.FromPayloads(payloads, &greeting, &times); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(greeting, times)
	// Output:
	// json/plain "hello"
	// json/plain 3
	// binary/plain cmF3
	// binary/null nil
	// hello 3
}

// A program that wants smaller payloads puts MessagePack before JSON; it still reads both.
func ExampleNewCompositeDataConverter() {
	dc := converter.NewCompositeDataConverter(
		converter.NewNilPayloadConverter(),
		converter.NewByteSlicePayloadConverter(),
		converter.NewMsgpackPayloadConverter(),
		converter.NewJSONPayloadConverter(),
	)
	p, err := dc.ToPayload(map[string]int{"epochs": 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(p.Metadata[converter.MetadataEncoding]), len(p.Data), "bytes")
	// Output: binary/msgpack 9 bytes
}
