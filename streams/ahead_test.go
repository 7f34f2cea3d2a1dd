package streams

import (
	"fmt"
	"testing"
)

// TestALongHistoryIsReadByFewRequests, wherever its records lie among those of others, and in what order.
func TestALongHistoryIsReadByFewRequests(t *testing.T) {
	t.Parallel()
	const records = 600
	for _, c := range []struct {
		name string
		// foreign is how many messages of others lie before record k.
		foreign  func(k int) int
		requests uint64
	}{
		{"alone", func(int) int { return 0 }, 60},
		{"among others", func(k int) int { return k % 4 }, 60},
		{"close together at first, then apart", func(k int) int { return k / (records - 50) * 15 }, 150},
		{"apart at first, then close together", func(k int) int { return (records - 1 - k) / (records - 50) * 15 }, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, 1)
			run, last := newRun("w").Run, uint64(0)
			for k := range records {
				if n := c.foreign(k); n > 0 {
					f.appendAll(newRun(fmt.Sprint("other-", k)).Run, n)
				}
				last = f.append(run, uint64(k)+1, last)
			}
			for _, after := range []uint64{0, 100, records - 40, records - 1} {
				before := f.ns.nc.Stats().OutMsgs
				loaded, err := f.ns.Load(f.ctx, run, after)
				f.ok(err)
				f.wantRecords(c.name, loaded, after+1, records)
				if sent := f.ns.nc.Stats().OutMsgs - before; sent > c.requests {
					t.Errorf("after %d: %d requests for %d records, want at most %d", after, sent, len(loaded.Records), c.requests)
				}
			}
		})
	}
}
