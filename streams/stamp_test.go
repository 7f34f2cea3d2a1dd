package streams

import (
	"testing"

	"github.com/nats-io/nats.go"
)

// Whoever publishes a message can give it headers of the names under which the broker says where it is stored.
func TestForgedStampsAreNotBelieved(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	stream, prefix := f.ns.partitions[0].streamNames.history, f.ns.partitions[0].prefix
	subject := prefix + "run.w.r.history"
	forged := nats.Header{headerStoredSubject: {prefix + "run.other.r.history"}, headerSequence: {"77"}, headerTimestamp: {"2001-02-03T04:05:06Z"},
		headerNumPending: {"0"}, headerLastSequence: {"76"}, headerStoredStream: {"OTHER"}}
	bare := nats.Header{headerNATSStatus: {statusNoResponders}, headerSequence: {""}}
	var want []uint64
	for _, h := range []nats.Header{forged, bare, forged, bare} {
		m := &nats.Msg{Subject: subject, Header: nats.Header{}}
		for k, v := range h {
			m.Header[k] = v
		}
		seq, err := f.ns.putRetried(f.ctx, m)
		f.ok(err)
		want = append(want, seq)
	}
	check := func(m *stored, seq uint64) {
		t.Helper()
		if m.subject != subject || m.seq != seq || m.time.Year() == 2001 {
			t.Errorf("sequence %d is read as %s at %d of %v", seq, m.subject, m.seq, m.time)
		}
	}
	m, err := f.ns.last(f.ctx, stream, subject)
	f.ok(err)
	check(m, want[3])
	for _, batch := range []int{1, 2, 10} {
		n := 0
		f.ok(f.ns.scan(f.ctx, stream, subject, 1, batch, func(m *stored) bool {
			check(m, want[n])
			n++
			return true
		}))
		if n != len(want) {
			t.Errorf("a scan in batches of %d found %d messages of %d", batch, n, len(want))
		}
	}
}
