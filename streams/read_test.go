package streams

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
)

// A scan finds the same by batches of any size and one by one.
func TestScan(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	stream := f.ns.partitions[0].streamNames.inbox
	subject := f.ns.partitions[0].prefix + "inbox.q.-.w.r."
	var all []uint64
	for n := range 8 {
		for batch := range 5 {
			for from := range uint64(3) {
				var got []uint64
				f.ok(f.ns.scan(f.ctx, stream, subject+"*", from, batch, func(m *stored) bool {
					got = append(got, m.seq)
					return true
				}))
				want := all
				if from == 2 && len(want) > 0 { // sequence 1 is the first
					want = want[1:]
				}
				if !slices.Equal(got, want) {
					t.Errorf("from %d in batches of %d: %d, want %d", from, batch, got, want)
				}
			}
		}
		seq, err := f.ns.putRetried(f.ctx, &nats.Msg{Subject: subject + "s", Data: []byte(strconv.Itoa(n))})
		f.ok(err)
		all = append(all, seq)
		// Headers that look like the broker's own, on a message without content, do not end a batch too early.
		_, err = f.ns.putRetried(f.ctx, &nats.Msg{Subject: subject + "s", Header: nats.Header{headerNATSStatus: {statusEndOfBatch}}})
		f.ok(err)
		all = append(all, all[len(all)-1]+1)
	}
	stopped := 0
	f.ok(f.ns.scan(f.ctx, stream, subject+"*", 1, 4, func(*stored) bool {
		stopped++
		return stopped < 6
	}))
	if stopped != 6 {
		t.Errorf("a scan to be ended after 6 messages read %d", stopped)
	}
}

// A batch of which a message was lost on its way is not taken for all there is.
func TestIncompleteBatch(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	for name, answers := range map[string][][2]string{ // sequence, and that of the message before
		"the first is lost":  {{"7", "5"}, {"", "7"}},
		"one is lost":        {{"5", "0"}, {"9", "7"}, {"", "9"}},
		"the last is lost":   {{"5", "0"}, {"", "7"}},
		"all are lost":       {{"", "5"}},
		"the end is unclear": {{"5", "0"}, {"", ""}},
	} {
		sub, err := f.nc.Subscribe("$JS.API.DIRECT.GET.LOSSY", func(m *nats.Msg) {
			for _, a := range answers {
				reply := &nats.Msg{Header: nats.Header{headerLastSequence: {a[1]}, headerNumPending: {"0"}}}
				if a[0] == "" {
					reply.Header.Set(headerNATSStatus, statusEndOfBatch)
				} else {
					reply.Data = []byte("x")
					reply.Header.Set(headerSequence, a[0])
					reply.Header.Set(headerTimestamp, "2026-01-02T03:04:05Z")
				}
				if err := m.RespondMsg(reply); err != nil {
					t.Error(err)
				}
			}
		})
		f.ok(err)
		f.ok(f.nc.Flush())
		found, _, err := f.ns.getBatch(f.ctx, "LOSSY", getRequest{Seq: 1, Next: "a.>", Batch: 9})
		f.ok(sub.Unsubscribe())
		if len(found) > 0 {
			t.Errorf("%s: %d messages", name, len(found))
		}
		f.is(err, errNoDirectAnswer)
	}
}

func TestGetRequest(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]getRequest{
		`{"seq":7}`:                    {Seq: 7},
		`{"last_by_subj":"a.*.>"}`:     {Last: "a.*.>"},
		`{"seq":1,"next_by_subj":"a"}`: {Seq: 1, Next: "a"},
		fmt.Sprintf(`{"seq":1,"next_by_subj":"a","batch":3,"max_bytes":%d}`, maxBatchBytes): {Seq: 1, Next: "a", Batch: 3},
	} {
		if got := string(r.encode()); got != want || !json.Valid([]byte(got)) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
