package streamstest

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

const (
	// ackWait is that of the suite's consumers: long enough that a busy machine answers in time.
	ackWait = 2 * time.Second
	// patience is how long the suite waits for what must happen.
	patience = 30 * time.Second
	// silence is how long it waits for what must not happen.
	silence = 300 * time.Millisecond
	// lagAllowed is how late a wake-up may be.
	lagAllowed = 10 * time.Second
)

// atOnce is how many checks run side by side: most of their time they wait for a redelivery.
const atOnce = 16

// Run checks that a namespace does what package streams promises. open is called once; the checks share what it
// returns, and in it nothing but its streams.
func Run(t *testing.T, open func(t *testing.T) Subject) {
	s := open(t)
	// Not t.Parallel: it runs no more tests than there are processors, and these only wait.
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, c := range checks() {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			t.Run(c.name, func(t *testing.T) { c.run(newFixture(t, s)) })
		})
	}
	wg.Wait()
}

// check is one promise of package streams.
type check struct {
	name string
	run  func(f *fixture)
}

func checks() []check {
	var all []check
	for _, group := range [][]check{startChecks(), recordChecks(), inboxChecks(), consumerChecks(), taskChecks(), liveChecks()} {
		all = append(all, group...)
	}
	return all
}

// fixture is what one check works with: a queue of its own, and runs with names that no other check uses.
type fixture struct {
	*testing.T
	Subject
	ctx   context.Context
	queue string
}

func newFixture(t *testing.T, s Subject) *fixture {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	return &fixture{T: t, Subject: s, ctx: ctx, queue: "queue-" + uuid.NewString()}
}

// Name is the test's; the broker's is Subject.Name.
func (f *fixture) Name() string { return f.T.Name() }

// newRun is a run of a workflow ID of its own. Its name needs encoding.
func (f *fixture) newRun() history.Address { return f.runOf("order 7.a/*>é-" + uuid.NewString()) }

func (f *fixture) runOf(workflowID string) history.Address {
	return history.Address{Run: history.Run{WorkflowID: workflowID, RunID: uuid.NewString()}, Queue: f.queue}
}

func (f *fixture) noError(what string, err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("%s: %v", what, err)
	}
}

func (f *fixture) wantError(what string, err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

// equal compares what is comparable.
func equal[T comparable](f *fixture, what string, got, want T) {
	f.Helper()
	if got != want {
		f.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// start publishes a run's start and must succeed.
func (f *fixture) start(run history.Address, expected uint64) uint64 {
	f.Helper()
	seq, err := f.PublishStart(f.ctx, run, startData(f, run), streams.StartInfo{Type: "Order"}, expected)
	f.noError("publish start", err)
	return seq
}

func startData(f *fixture, run history.Address) []byte {
	f.Helper()
	data, err := history.Encode(&history.Start{Run: run, Type: "Order", Time: time.Unix(1700000000, 0)})
	f.noError("encode start", err)
	return data
}

// signal is a signal of the given ID.
func signal(id string) *history.Message {
	return &history.Message{ID: id, Signal: &history.Signal{Name: "paint"}}
}

func result(activity int64, attempt int32) *history.Message {
	return &history.Message{
		ID:       strconv.Itoa(int(attempt)),
		Activity: &history.ActivityResult{Scheduled: activity, Attempt: attempt},
	}
}

func (f *fixture) send(to history.Address, messages ...*history.Message) {
	f.Helper()
	for _, m := range messages {
		f.noError("send "+m.Identity(), f.Send(f.ctx, to, m))
	}
}

func (f *fixture) consume(lane streams.Lane) streams.Consumer {
	f.Helper()
	c, err := f.Consume(f.ctx, lane, f.queue, "", streams.ConsumeOptions{AckWait: ackWait})
	f.noError("consume "+lane.String(), err)
	f.Cleanup(func() {
		if err := c.Close(); err != nil {
			f.Errorf("close consumer of %v: %v", lane, err)
		}
	})
	return c
}

// pull returns the next n deliveries.
func (f *fixture) pull(c streams.Consumer, n int) []*streams.Delivery {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, patience)
	defer cancel()
	var all []*streams.Delivery
	for len(all) < n {
		ds, err := c.Pull(ctx, n-len(all))
		if err != nil {
			f.Fatalf("pull: %v, after %d of %d deliveries", err, len(all), n)
		}
		if len(ds) == 0 || len(ds) > n-len(all) {
			f.Fatalf("pull of %d returned %d deliveries", n-len(all), len(ds))
		}
		all = append(all, ds...)
	}
	return all
}

func (f *fixture) pullOne(c streams.Consumer) *streams.Delivery {
	f.Helper()
	return f.pull(c, 1)[0]
}

// nothing demands that nothing is delivered for some time.
func (f *fixture) nothing(c streams.Consumer, within time.Duration) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.ctx, within)
	defer cancel()
	ds, err := c.Pull(ctx, 1)
	if err == nil {
		f.Fatalf("delivered %s of run %s (delivery %d), want nothing", ds[0].Source, ds[0].Run, ds[0].Deliveries)
	}
	f.wantError("pull of nothing", err, context.DeadlineExceeded)
}

// race runs n functions at the same time and waits for them.
func race(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// settles waits until a replicated broker has caught up with a confirmed acknowledgement: it removes the message from
// the stream some milliseconds later.
func (f *fixture) settles(what string, settled func() bool) {
	f.Helper()
	for deadline := time.Now().Add(patience); !settled(); {
		if time.Now().After(deadline) {
			f.Fatalf("%s: not after %v", what, patience)
		}
		time.Sleep(time.Millisecond) // no event tells of it
	}
}
