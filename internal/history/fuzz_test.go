package history

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/millrace-dev/millrace/api/common"
)

func decodeAny(t testing.TB, data []byte) any {
	t.Helper()
	var v any
	if err := msgpack.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func addSeeds(f *testing.F, name string) {
	f.Helper()
	for _, file := range goldenFiles(f, name+".*.bin") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte{})
	f.Add([]byte{0x81, 0xa1, 'v', 0x01})
	f.Add([]byte{0x82, 0xa1, 'v', 0x01, 0xa2, 'e', 'v', 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Add(pack(f, fields{"v", 1, "in", fields{"p", []any{fields{"m", time.Unix(0x81a178dd, 0)}, "\x91\x91\x91"}}}))
}

// fuzzRecord checks that a decoder survives any bytes, and that what it accepts is stable: encoding what was decoded
// and decoding that gives the same encoding.
func fuzzRecord(f *testing.F, kind string) {
	addSeeds(f, goldenName(kind))
	_, decode := newRecords[kind]()
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := decode(data)
		if err != nil {
			return
		}
		stored := encode(t, first)
		second, err := decode(stored)
		if err != nil {
			t.Fatalf("what was decoded and encoded does not decode: %v", err)
		}
		if again := encode(t, second); !bytes.Equal(again, stored) {
			t.Fatalf("encodes as %x, then as %x", stored, again)
		}
	})
}

func FuzzDecodeTransition(f *testing.F) { fuzzRecord(f, "transition") }
func FuzzDecodeStart(f *testing.F)      { fuzzRecord(f, "start") }
func FuzzDecodeMessage(f *testing.F)    { fuzzRecord(f, "message") }
func FuzzDecodeTask(f *testing.F)       { fuzzRecord(f, "task") }
func FuzzDecodeTaskToken(f *testing.F)  { fuzzRecord(f, "task token") }
func FuzzDecodeBeat(f *testing.F)       { fuzzRecord(f, "heartbeat") }

func FuzzDecodeQuery(f *testing.F)        { fuzzRecord(f, "query") }
func FuzzDecodeQueryResult(f *testing.F)  { fuzzRecord(f, "query result") }
func FuzzDecodeTrouble(f *testing.F)      { fuzzRecord(f, "trouble") }
func FuzzDecodeUpdateAnswer(f *testing.F) { fuzzRecord(f, "update answer") }

// FuzzDecodeEnd checks that DecodeEnd agrees with DecodeTransition on all that the latter accepts.
func FuzzDecodeEnd(f *testing.F) {
	addSeeds(f, "transition")
	f.Fuzz(func(t *testing.T, data []byte) {
		end, err := DecodeEnd(data)
		whole, errWhole := DecodeTransition(data)
		if errWhole != nil {
			return
		}
		if err != nil {
			t.Fatalf("the end of a record that decodes does not: %v", err)
		}
		if n := len(whole.Events); n > 1 {
			whole.Events = whole.Events[n-1:]
		}
		if got, want := encode(t, end), encode(t, whole); !bytes.Equal(got, want) {
			t.Fatalf("end encodes as %x, want %x", got, want)
		}
	})
}

func FuzzDecodeEvents(f *testing.F) {
	addSeeds(f, "*")
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := DecodeEvents(data)
		if err != nil {
			return
		}
		stored, err := EncodeEvents(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := DecodeEvents(stored)
		if err != nil {
			t.Fatalf("what was decoded and encoded does not decode: %v", err)
		}
		again, err := EncodeEvents(second)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, stored) {
			t.Fatalf("encodes as %x, then as %x", stored, again)
		}
	})
}

// FuzzDecodeTransitionHead checks that DecodeTransitionHead agrees with DecodeTransition on all that the latter accepts.
func FuzzDecodeTransitionHead(f *testing.F) {
	addSeeds(f, "transition")
	f.Fuzz(func(t *testing.T, data []byte) {
		head, err := DecodeTransitionHead(data)
		whole, errWhole := DecodeTransition(data)
		if errWhole != nil {
			return
		}
		if err != nil {
			t.Fatalf("the head of a record that decodes does not: %v", err)
		}
		if head.Number != whole.Number || head.CommitID != whole.CommitID {
			t.Fatalf("head is %+v of %+v", head, whole)
		}
	})
}

// FuzzDecodeSearch takes any type and bytes for a search attribute, as clients send them.
func FuzzDecodeSearch(f *testing.F) {
	for _, kind := range []string{"Text", "Keyword", "Int", "Double", "Bool", "Datetime", "KeywordList", "?"} {
		for _, value := range []string{`"a"`, `7`, `1e999`, `true`, `"2026-01-01T00:00:00Z"`, `["a","b"]`, `null`, `[null]`} {
			f.Add(kind, []byte(value))
		}
	}
	f.Fuzz(func(t *testing.T, kind string, value []byte) {
		sa := &common.SearchAttributes{IndexedFields: map[string]*common.Payload{"a": {Data: value,
			Metadata: map[string][]byte{metadataType: []byte(kind), metadataEncoding: []byte(encodingJSON)}}, "b": nil}}
		if n := DecodeSearch(sa).Size(); n > 1 {
			t.Errorf("%d attributes", n)
		}
		if text := SearchText(sa); text != "" && !json.Valid([]byte(text)) {
			t.Errorf("search text is %q", text)
		}
	})
}
