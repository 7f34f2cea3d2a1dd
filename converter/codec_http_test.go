package converter_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

func TestRemoteConverterIsTheCodecOnTheServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.StripPrefix("/ns", converter.NewPayloadCodecHTTPHandler(tagCodec{letter: "a"}, tagCodec{letter: "b"})))
	t.Cleanup(server.Close)
	remote := converter.NewRemoteDataConverter(converter.GetDefaultDataConverter(), converter.RemoteDataConverterOptions{
		Endpoint: server.URL + "/ns/",
		ModifyRequest: func(r *http.Request) error {
			r.Header.Set("Authorization", "Bearer x")
			return nil
		},
	})
	local := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), tagCodec{letter: "a"}, tagCodec{letter: "b"})
	got, want := must(remote.ToPayloads("x", []byte{1}))(t), must(local.ToPayloads("x", []byte{1}))(t)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var s string
	if err := remote.FromPayloads(got, &s); err != nil || s != "x" {
		t.Errorf("got %q, %v", s, err)
	}
	var n int
	if err := remote.FromPayload(&common.Payload{Data: []byte("1")}, &n); err == nil || !strings.Contains(err.Error(), "not tagged a") {
		t.Errorf("the server's reason is lost: %v", err)
	}
}

func TestRemoteCodecPassesOnTheErrorOfModifyRequest(t *testing.T) {
	t.Parallel()
	no := errors.New("no token")
	c := converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{
		Endpoint: "http://127.0.0.1:0", ModifyRequest: func(*http.Request) error { return no },
	})
	if _, err := c.Encode([]*common.Payload{{}}); !errors.Is(err, no) {
		t.Errorf("got %v", err)
	}
}

func TestCodecServerRefusesWhatItCannotUse(t *testing.T) {
	t.Parallel()
	h := converter.NewPayloadCodecHTTPHandler(tagCodec{letter: "a"})
	for _, test := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/encode", `{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"MQ=="}]}`, 200},
		{"POST", "/any/where/decode", `{"payloads":[]}`, 200},
		{"GET", "/encode", "", 405},
		{"POST", "/", `{"payloads":[]}`, 404},
		{"POST", "/download", `{"payloads":[]}`, 404},
		{"POST", "/encode", `{"payloads":[null]}`, 400},
		{"POST", "/encode", `{"payloads":`, 400},
		{"POST", "/decode", `{"payloads":[{"data":"MQ=="}]}`, 400},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(test.method, test.path, strings.NewReader(test.body)))
		if w.Code != test.want {
			body, _ := io.ReadAll(w.Body)
			t.Errorf("%s %s %s: %d, want %d: %s", test.method, test.path, test.body, w.Code, test.want, body)
		}
	}
}

func TestPayloadServerDownloadsReferencesOnRequestOnly(t *testing.T) {
	t.Parallel()
	driver := &mapDriver{name: "map", stored: map[string]*common.Payload{}}
	h := must(converter.NewPayloadHTTPHandler(converter.PayloadHTTPHandlerOptions{
		PreStorageCodecs: []converter.PayloadCodec{tagCodec{letter: "a"}}, PostStorageCodecs: []converter.PayloadCodec{tagCodec{letter: "b"}},
		ExternalStorage: converter.ExternalStorage{Drivers: []converter.StorageDriver{driver}, PayloadSizeThreshold: 100},
	}))(t)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c := converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{Endpoint: server.URL})
	json := map[string][]byte{"encoding": []byte("json/plain")}
	small, large := &common.Payload{Metadata: json, Data: []byte("1")}, &common.Payload{Metadata: json, Data: []byte(strings.Repeat("1", 100))}
	encoded := must(c.Encode([]*common.Payload{small, large}))(t)
	if len(driver.stored) != 1 || string(encoded[0].Data) != "ba1" {
		t.Fatalf("stored %d, small %s", len(driver.stored), encoded[0].Data)
	}
	decoded := must(c.Decode(encoded))(t)
	if string(decoded[0].Data) != "1" || !converter.IsReference(decoded[1]) {
		t.Errorf("decode gives %s and %s", decoded[0].Data, decoded[1].Data)
	}
	download := converter.NewRemotePayloadCodec(converter.RemotePayloadCodecOptions{
		Endpoint: server.URL, ModifyRequest: func(r *http.Request) error { r.URL.Path = "/download"; return nil },
	})
	whole := must(download.Decode(encoded[1:]))(t)
	if diff := cmp.Diff([]*common.Payload{large}, whole); diff != "" {
		t.Error(diff)
	}
}
