package streams

import (
	"testing"

	"github.com/nats-io/nats.go"
)

func FuzzRecordHeader(f *testing.F) {
	f.Add(uint64(1), "c", uint64(0), "Order", "Running", int64(2))
	f.Add(uint64(7), "", uint64(6), "a b\n", "", int64(0))
	f.Fuzz(func(t *testing.T, number uint64, commit string, previous uint64, typ, status string, events int64) {
		info := RecordInfo{Number: number>>1 | 1, CommitID: commit, Previous: previous >> 1, Type: typ, Status: status, LastEvent: events & 0xffff,
			Search: `{"n":7}`}
		got, ok := parseRecordHeader(recordHeader(info))
		if !ok || got != info {
			t.Fatalf("%+v became %+v, %v", info, got, ok)
		}
	})
}

func TestForeignHeadersAreNoRecord(t *testing.T) {
	t.Parallel()
	good := func() nats.Header { return recordHeader(RecordInfo{Number: 1, CommitID: "c", Type: "Order"}) }
	if _, ok := parseRecordHeader(good()); !ok {
		t.Fatal("our own header is refused")
	}
	for name, spoil := range map[string]func(h nats.Header){
		"no number":    func(h nats.Header) { h.Del(headerNumber); delete(h, headerNumber) },
		"number 0":     func(h nats.Header) { h[headerNumber] = []string{"0"} },
		"no commit":    func(h nats.Header) { delete(h, headerCommit) },
		"two commits":  func(h nats.Header) { h[headerCommit] = []string{"c", "d"} },
		"bad previous": func(h nats.Header) { h[headerPrevious] = []string{"-1"} },
		"bad token":    func(h nats.Header) { h[headerType] = []string{"a b"} },
		"huge number":  func(h nats.Header) { h[headerNumber] = []string{"18446744073709551615"} },
	} {
		h := good()
		spoil(h)
		if info, ok := parseRecordHeader(h); ok {
			t.Errorf("%s: accepted as %+v", name, info)
		}
	}
}
