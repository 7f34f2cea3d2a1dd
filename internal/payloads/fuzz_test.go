package payloads

import (
	"context"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
)

// FuzzRetrieve follows any reference, as anybody can put one into a payload. It leads to what was stored, or nowhere.
func FuzzRetrieve(f *testing.F) {
	m := newMemory()
	s, err := New(m, Options{})
	if err != nil {
		f.Fatal(err)
	}
	large := &common.Payload{Metadata: map[string][]byte{converter.MetadataEncoding: []byte("binary/plain")}, Data: []byte(strings.Repeat("x", s.Threshold()))}
	run := history.Run{WorkflowID: "w", RunID: "r"}
	stored, err := s.Put(context.Background(), run, &common.Payloads{Payloads: []*common.Payload{large}})
	if err != nil {
		f.Fatal(err)
	}
	reference := stored.Payloads[0]
	if !converter.IsReference(reference) {
		f.Fatal("the payload is not stored")
	}
	f.Add(reference.Data)
	f.Add([]byte(strings.ReplaceAll(string(reference.Data), `"1"`, `"1000000000"`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p := &common.Payload{Metadata: reference.Metadata, Data: data}
		_ = converter.GetDefaultDataConverter().ToString(p)
		var got []byte
		if err := s.Converter(converter.GetDefaultDataConverter()).FromPayload(p, &got); err == nil && string(got) != string(large.Data) {
			t.Errorf("%s leads to %d bytes", data, len(got))
		}
	})
}
