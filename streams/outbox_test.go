package streams

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
)

// TestPostedMessagesKeepTheirOrder: a hand-back that overtook a sign of life would be undone by it.
func TestPostedMessagesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	for name, alone := range map[string]int{"gathered": 0, "now and then": defaultAlone, "alone": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, 1)
			f.ns.link.alone = alone
			f.ns.link.busy = append(f.ns.link.busy, &line{}) // a request is under way
			const senders, each = 8, 500
			arrived := make(chan *nats.Msg, senders*each)
			for i := range senders {
				_, err := f.ns.nc.ChanSubscribe("to."+strconv.Itoa(i), arrived)
				f.ok(err)
			}
			var all sync.WaitGroup
			for i := range senders {
				all.Go(func() {
					for n := range each {
						if err := f.ns.post(&nats.Msg{Subject: "to." + strconv.Itoa(i), Data: []byte(strconv.Itoa(n))}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			f.ok(f.ns.flush(answerSlack))
			next := map[string]int{}
			for range senders * each {
				m := <-arrived
				if want := strconv.Itoa(next[m.Subject]); string(m.Data) != want {
					t.Fatalf("%s on %s, want %s", m.Data, m.Subject, want)
				}
				next[m.Subject]++
			}
		})
	}
}

// TestGatheredRequestLearnsWhyItWasNotSent: the error comes when the caller waits already.
func TestGatheredRequestLearnsWhyItWasNotSent(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	f.ns.link.alone = 0
	large := bytes.Repeat([]byte{'x'}, int(f.ns.nc.MaxPayload())+1)
	_, err := f.ns.request(f.ctx, &nats.Msg{Subject: "void", Data: large}, 0)
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("request of %d bytes: %v", len(large), err)
	}
	f.idle()
}

// BenchmarkOutbox compares what publishing by many at once costs when each message leaves alone.
func BenchmarkOutbox(b *testing.B) {
	for _, alone := range []int{-1, defaultAlone} {
		b.Run(fmt.Sprint("alone=", alone), func(b *testing.B) {
			f := setup(b, 1)
			f.ns.link.alone = alone
			sub, err := f.nc.Subscribe("echo", func(m *nats.Msg) { _ = m.Respond(nil) })
			f.ok(err)
			f.ok(sub.SetPendingLimits(-1, -1))
			f.ok(f.nc.Flush())
			b.SetParallelism(32)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := f.ns.request(f.ctx, &nats.Msg{Subject: "echo"}, 0); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
