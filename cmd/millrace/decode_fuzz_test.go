package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/millrace-dev/millrace/converter"
)

// FuzzReadable shows any bytes, as the command does with what anybody has published: never for long, and as JSON.
func FuzzReadable(f *testing.F) {
	data, err := msgpack.Marshal(map[string]any{"v": 1, "ti": time.UnixMilli(1), "in": map[string]any{"p": []any{map[string]any{
		"m": map[string]any{converter.MetadataEncoding: []byte(converter.MetadataEncodingJSON)}, "d": []byte(`{"a": 1}`)}}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"a": 1}`))
	f.Add([]byte("\x81\xc6\xff\xff\xff\xff"))
	f.Add([]byte("\x81\xa1a\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte(strings.Repeat("\x91", 1<<20)))
	f.Fuzz(func(t *testing.T, data []byte) {
		began := time.Now()
		v := readable(data)
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("%d bytes took %v", len(data), d)
		}
		if text, err := json.Marshal(v); err == nil && !json.Valid(text) {
			t.Errorf("shown as %s", text)
		}
	})
}
