package converter_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

// FuzzCodecHTTPHandler sends any body to a codec server. It answers with payloads or says what is wrong.
func FuzzCodecHTTPHandler(f *testing.F) {
	for _, body := range []string{
		`{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"Nw=="}]}`, `{"payloads":[null]}`, `{"payloads":[{}]}`, `{}`, `null`, ``,
		`{"payloads":[{"metadata":{"encoding":"YmluYXJ5L3psaWI="},"data":"eJwBAAD//wAAAAE="}]}`,
		`{"payloads":[{"metadata":{"encoding":"anNvbi9leHRlcm5hbC1zdG9yYWdlLXJlZmVyZW5jZQ=="},"data":"e30="}]}`,
	} {
		f.Add("/decode", []byte(body))
		f.Add("/encode", []byte(body))
		f.Add("/download", []byte(body))
	}
	zlib := []converter.PayloadCodec{converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true})}
	stored, err := converter.NewPayloadHTTPHandler(converter.PayloadHTTPHandlerOptions{PostStorageCodecs: zlib, PreStorageCodecs: zlib})
	if err != nil {
		f.Fatal(err)
	}
	handlers := []http.Handler{converter.NewPayloadCodecHTTPHandler(zlib...), stored}
	f.Fuzz(func(t *testing.T, path string, body []byte) {
		for _, h := range handlers {
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
			r.URL.Path = path
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			var answer common.Payloads
			switch {
			case w.Code == http.StatusOK:
				if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
					t.Errorf("answers %q: %v", w.Body, err)
				}
			case w.Code < 400 || w.Code > 499 || w.Body.Len() == 0:
				t.Errorf("answers %d, %q", w.Code, w.Body)
			}
		}
	})
}

// FuzzRemoteAnswer lets a codec server answer anything. What does not fit the question is an error.
func FuzzRemoteAnswer(f *testing.F) {
	f.Add(200, []byte(`{"payloads":[{"metadata":{"encoding":"anNvbi9wbGFpbg=="},"data":"Nw=="}]}`))
	f.Add(200, []byte(`{"payloads":[null]}`))
	f.Add(200, []byte(`{"payloads":[{},{}]}`))
	f.Add(200, []byte(`{}`))
	f.Add(404, []byte("nothing here"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		remote := converter.NewRemoteDataConverter(converter.GetDefaultDataConverter(), converter.RemoteDataConverterOptions{
			Endpoint: "http://codec.test",
			Client:   http.Client{Transport: answering{status, body}},
		})
		var n int
		err := remote.FromPayload(&common.Payload{Data: []byte("7")}, &n)
		if status != http.StatusOK && err == nil {
			t.Errorf("status %d is no error", status)
		}
		_ = remote.ToString(&common.Payload{})
		if _, err := remote.ToPayloads(1, 2); err == nil {
			var list common.Payloads
			if json.Unmarshal(body, &list) != nil || len(list.Payloads) != 2 {
				t.Errorf("two payloads were encoded as %q", body)
			}
		}
	})
}

// answering answers every request in the same way.
type answering struct {
	status int
	body   []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, _ = w.Write(a.body)
	resp := w.Result()
	resp.StatusCode, resp.Status, resp.Request = a.status, fmt.Sprint(a.status), r
	return resp, nil
}

// FuzzReadReference reads any bytes as a reference to a stored payload.
func FuzzReadReference(f *testing.F) {
	const encoding = "json/external-storage-reference"
	f.Add(encoding, []byte(`{"driver_name":"nats","size_bytes":7,"driver_claim":{"ClaimData":{"hash":"00"}}}`))
	f.Add(encoding, []byte(`null`))
	f.Add("json/plain", []byte(`{}`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		p := &common.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte(name)}, Data: data}
		if _, err := converter.ReadReference(p); err == nil && !converter.IsReference(p) {
			t.Error("what is no reference is read as one")
		}
		_ = converter.GetDefaultDataConverter().ToString(p)
	})
}

// FuzzMsgpackOfCommon reads any bytes as the types of package api/common that encode themselves, which a program may have
// in its values. What is read can be written, and reads as the same; lengths are believed only as far as there are bytes.
func FuzzMsgpackOfCommon(f *testing.F) {
	c := converter.NewMsgpackPayloadConverter()
	p := &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain"), "a": nil}, Data: []byte("7")}
	fields := map[string]*common.Payload{"x": p, "y": {}}
	for _, v := range []any{p, &common.Payloads{Payloads: []*common.Payload{p, nil}}, &common.Header{Fields: fields}, &common.Memo{Fields: fields},
		&common.SearchAttributes{IndexedFields: fields}} {
		encoded, err := c.ToPayload(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded.Data)
	}
	f.Add([]byte("\x81\xa1m\xdf\xff\xff\xff\xff"))
	f.Add([]byte("\x81\xc6\t\xcd|P"))
	f.Add([]byte("\x81\xa1f\xd6\xff\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, first := range []any{new(common.Payload), new(common.Payloads), new(common.Header), new(common.Memo), new(common.SearchAttributes)} {
			began := time.Now()
			err := c.FromPayload(&common.Payload{Data: data}, first)
			if d := time.Since(began); d > time.Second {
				t.Fatalf("%T: %d bytes took %v", first, len(data), d)
			}
			if err != nil {
				continue
			}
			stored, err := c.ToPayload(first)
			if err != nil {
				t.Fatalf("%T: what was read cannot be written: %v", first, err)
			}
			second := reflect.New(reflect.TypeOf(first).Elem()).Interface()
			if err := c.FromPayload(stored, second); err != nil {
				t.Fatalf("%T: %x cannot be read: %v", first, stored.Data, err)
			}
			if again, err := c.ToPayload(second); err != nil || !bytes.Equal(again.Data, stored.Data) {
				t.Fatalf("%T: %x became %x, %v", first, stored.Data, again, err)
			}
		}
	})
}
