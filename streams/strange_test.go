package streams

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// The broker does not count messages whose subject holds the byte 127, though it delivers them: who reads as many as it
// has counted misses the last ones.
func TestListsAreWholeBesideStrangeSubjects(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	prefix := f.ns.partitions[0].prefix
	strange := func() {
		t.Helper()
		_, err := f.ns.putRetried(f.ctx, &nats.Msg{Subject: prefix + "run.w.r.start.q.\x7f", Header: nats.Header{}})
		f.ok(err)
	}
	var last uint64
	for i, id := range []string{"r1", "r2", "r3"} {
		for range 3 {
			strange()
		}
		var err error
		last, err = f.ns.PublishStart(f.ctx, history.Address{Run: history.Run{WorkflowID: "w", RunID: id}, Queue: "q"}, []byte("x"), StartInfo{}, last)
		f.ok(err)
		for _, filter := range []StartFilter{{WorkflowID: "w"}, {}} {
			n := 0
			for s, err := range f.ns.ListStarts(f.ctx, filter) {
				f.ok(err)
				if n == 0 && s.Run.RunID != id {
					t.Errorf("the newest start is that of run %s, want %s", s.Run.RunID, id)
				}
				n++
			}
			if n != i+1 {
				t.Errorf("%d starts are listed, want %d", n, i+1)
			}
		}
	}
}
