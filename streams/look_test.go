package streams

import (
	"bytes"
	"context"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// looker is looks at a stream that the test plays, letting one look travel by itself.
func (f *fixture) looker() (*looks, chan *nats.Msg) {
	f.Helper()
	asked := f.silence(apiRoot + "DIRECT.GET.PLAYED")
	return &looks{broker: f.ns.broker, stream: "PLAYED", alone: 1}, asked
}

// join looks for a subject, and returns when that waits with n subjects.
func (f *fixture) join(ctx context.Context, k *looks, subject string, n int) (answer chan error, found *atomic.Bool) {
	f.Helper()
	answer, found = make(chan error, 1), &atomic.Bool{}
	go func() {
		yes, err := k.any(ctx, []string{subject})
		found.Store(yes)
		answer <- err
	}()
	for joined := n == 0; !joined; runtime.Gosched() {
		f.ok(f.ctx.Err())
		k.mu.Lock()
		joined = k.next != nil && len(k.next.subjects) == n
		k.mu.Unlock()
	}
	return answer, found
}

func none(m *nats.Msg) error {
	return m.RespondMsg(&nats.Msg{Header: nats.Header{headerNATSStatus: {statusNotFound}, headerDescription: {noResults}}})
}

func TestLooksThatComeTogetherAskTogether(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	k, asked := f.looker()
	first, found := f.join(f.ctx, k, "a", 0)
	request := <-asked
	if want := `{"batch":1,"multi_last":["a"]}`; string(request.Data) != want {
		t.Fatalf("asked %s, want %s", request.Data, want)
	}
	second, secondFound := f.join(f.ctx, k, "b", 1)
	third, thirdFound := f.join(f.ctx, k, "c", 2)
	f.ok(none(request))
	f.ok(<-first)
	request = <-asked
	if want := `{"batch":1,"multi_last":["b","c"]}`; string(request.Data) != want {
		t.Fatalf("asked %s, want %s", request.Data, want)
	}
	f.ok(request.RespondMsg(&nats.Msg{Header: nats.Header{headerSequence: {"7"}}, Data: []byte("something")}))
	f.ok(<-second)
	f.ok(<-third)
	if found.Load() || !secondFound.Load() || !thirdFound.Load() {
		t.Errorf("found %t, %t, %t: only the later ones may have something", found.Load(), secondFound.Load(), thirdFound.Load())
	}
	if k.flying != 0 || k.next != nil {
		t.Errorf("%d requests are under way, %v waits", k.flying, k.next)
	}
}

// Those whose leader gives up have no answer, which proves nothing; the next ones find a way.
func TestALookOutlivesTheOneThatWasToAsk(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	k, asked := f.looker()
	first, _ := f.join(f.ctx, k, "a", 0)
	request := <-asked
	leads, giveUp := context.WithCancel(f.ctx)
	second, _ := f.join(leads, k, "b", 1)
	third, _ := f.join(f.ctx, k, "c", 2)
	giveUp()
	f.is(<-second, context.Canceled)
	f.is(<-third, context.Canceled)
	fourth, _ := f.join(f.ctx, k, "d", 1)
	f.ok(none(request))
	f.ok(<-first)
	f.ok(none(<-asked))
	f.ok(<-fourth)
	if k.flying != 0 {
		t.Errorf("%d requests are under way", k.flying)
	}
}

// What is not certainly empty is not called so.
func TestALookThatProvesNothing(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	k, asked := f.looker()
	for _, h := range []nats.Header{
		{headerNATSStatus: {statusNotFound}, headerDescription: {"Message Not Found"}},
		{headerNATSStatus: {"408"}, headerDescription: {"Bad Request"}},
		{headerNATSStatus: {"413"}, headerDescription: {"Too Many Results"}},
		{headerNATSStatus: {"500"}, headerDescription: {"broken"}},
	} {
		answer, found := f.join(f.ctx, k, "a", 0)
		f.ok((<-asked).RespondMsg(&nats.Msg{Header: h}))
		if err := <-answer; err == nil && !found.Load() {
			t.Errorf("%v was taken for emptiness", h)
		}
	}
}

// Many runs look at once, some of them have something.
func TestManyLooksAtOnce(t *testing.T) {
	t.Parallel()
	for _, alone := range []int{-1, 1, looksAlone} {
		t.Run(strconv.Itoa(alone), func(t *testing.T) {
			t.Parallel()
			f := setup(t, 1)
			f.ns.at("w").looks.alone = alone
			var group sync.WaitGroup
			for i := range 64 {
				run := newRun("w" + strconv.Itoa(i))
				if i%8 == 0 {
					f.ok(f.ns.Send(f.ctx, run, signal("1")))
				}
				group.Go(func() {
					for range 20 {
						empty, err := f.ns.InboxEmpty(f.ctx, run, []history.Source{history.SourceSignals, history.ActivitySource(3)})
						if err != nil || empty && i%8 == 0 {
							t.Errorf("run %d: empty %t, %v", i, empty, err)
						}
					}
				})
			}
			group.Wait()
			if k := f.ns.at("w").looks; k.flying != 0 || k.next != nil {
				t.Errorf("%d requests are under way, %v waits", k.flying, k.next)
			}
			empty, err := f.ns.InboxEmpty(f.ctx, newRun("w"), []history.Source{history.SourceSignals})
			if err != nil || !empty {
				t.Errorf("a run without messages: empty %t, %v", empty, err)
			}
			f.idle()
		})
	}
}

// BenchmarkLooksAtOnce has 64 runs look into their inboxes, together and each for itself. CPU-ns/op is the time of all
// processors, in the server too.
func BenchmarkLooksAtOnce(b *testing.B) {
	for name, alone := range map[string]int{"together": looksAlone, "apart": -1} {
		b.Run(name, func(b *testing.B) {
			f := setup(b, 1)
			f.ns.at("w").looks.alone = alone
			var runs atomic.Int64
			b.SetParallelism(max(64/runtime.GOMAXPROCS(0), 1))
			b.ReportAllocs()
			before := processorTime(b)
			b.RunParallel(func(pb *testing.PB) {
				run := newRun("w" + strconv.FormatInt(runs.Add(1), 10))
				for pb.Next() {
					if empty, err := f.ns.InboxEmpty(context.Background(), run, []history.Source{history.SourceSignals}); err != nil || !empty {
						b.Errorf("empty %t, %v", empty, err)
						return
					}
				}
			})
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "CPU-ns/op")
		})
	}
}

func TestALookIsARequestThatTheBrokerReads(t *testing.T) {
	t.Parallel()
	subjects := make([]string, lookLimit)
	for i := range subjects {
		subjects[i] = strings.Repeat("x", 250)
	}
	if data := appendLook(nil, subjects); len(data) > 1<<18+1<<16 || bytes.Count(data, []byte(`"`)) != 2*lookLimit+4 {
		t.Errorf("%d bytes: %.80s", len(data), data)
	}
}

// The one that is called to ask has not said yet that it will when another place becomes free: one place is enough for it.
func TestAPlaceIsHandedOnOnce(t *testing.T) {
	t.Parallel()
	l := &look{lead: make(chan struct{}, 1), done: make(chan struct{})}
	k := &looks{alone: 2, flying: 2, next: l}
	k.landed()
	<-l.lead
	k.landed()
	if len(l.lead) != 0 || k.flying != 1 {
		t.Errorf("%d calls more, %d requests under way, want 0 and 1", len(l.lead), k.flying)
	}
}
