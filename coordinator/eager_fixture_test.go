package coordinator_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// eagerWorker makes eager attempts as a worker does that has nothing else to do.
type eagerWorker struct {
	// attempt makes an attempt; nil: the attempt succeeds at once.
	attempt func(ctx context.Context, task *history.Task) coordinator.EagerOutcome
	// full is set when the worker has no slot for anybody.
	full bool

	reserved, released, running atomic.Int64
}

func (w *eagerWorker) Reserve(task *history.Task) coordinator.EagerAttempt {
	w.reserved.Add(1)
	if w.full {
		return nil
	}
	return &attempt{w, task}
}

type attempt struct {
	w    *eagerWorker
	task *history.Task
}

func (a *attempt) Release() { a.w.released.Add(1) }

func (a *attempt) Run(ctx context.Context, _ func(coordinator.EagerOutcome)) (coordinator.EagerOutcome, bool) {
	a.w.running.Add(1)
	defer a.w.running.Add(-1)
	if a.w.attempt == nil {
		return success(a.task), true
	}
	return a.w.attempt(ctx, a.task), true
}

// success ends the activity with a result that tells that it was made eagerly.
func success(task *history.Task) coordinator.EagerOutcome {
	return coordinator.EagerOutcome{Result: &history.ActivityResult{Scheduled: task.Event, Attempt: 1,
		Result: text("eager " + task.Type)}}
}

// retried is how an attempt ends that failed and may be repeated after a minute.
func retried(*history.Task) coordinator.EagerOutcome {
	return coordinator.EagerOutcome{Requeue: &coordinator.EagerRequeue{Attempt: 2, NotBefore: time.Now().Add(time.Minute)}}
}

// lasting is an attempt that takes d, and is lost when it is told to end before.
func lasting(d time.Duration, end func(*history.Task) coordinator.EagerOutcome) func(context.Context, *history.Task) coordinator.EagerOutcome {
	return func(ctx context.Context, task *history.Task) coordinator.EagerOutcome {
		select {
		case <-time.After(d):
			return end(task)
		case <-ctx.Done():
			return coordinator.EagerOutcome{}
		}
	}
}

// journal is the order in which calls of some kinds were made.
type journal struct {
	mu  sync.Mutex // guards ops
	ops []streamstest.Op
}

// record notes the calls of these kinds from now on; hook decides which fail, nil for none.
func (f *fixture) record(hook streamstest.Hook, kinds ...streamstest.Op) *journal {
	j := &journal{}
	f.faults(func(op streamstest.Op, run history.Run, n int) streamstest.Fault {
		fault := streamstest.Proceed
		if hook != nil {
			fault = hook(op, run, n)
		}
		if fault == streamstest.Proceed && slices.Contains(kinds, op) {
			j.mu.Lock()
			defer j.mu.Unlock()
			j.ops = append(j.ops, op)
		}
		return fault
	})
	return j
}

// want fails the test when other calls were made, or these in another order.
func (j *journal) want(f *fixture, want ...streamstest.Op) {
	f.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Equal(j.ops, want) {
		f.Fatalf("calls were %v, want %v", j.ops, want)
	}
}

func (j *journal) count(op streamstest.Op) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, o := range j.ops {
		if o == op {
			n++
		}
	}
	return n
}

// written are the calls that tell whether the order of things is kept.
var written = []streamstest.Op{streamstest.OpAppend, streamstest.OpPublishTask, streamstest.OpSend, streamstest.OpAck}

// task takes the next task from the queue, as a worker would.
func (f *fixture) task() *history.Task {
	f.Helper()
	tasks, err := f.model.Consume(f.ctx, streams.LaneTasks, queue, "", streams.ConsumeOptions{AckWait: time.Minute})
	if err != nil {
		f.Fatal(err)
	}
	d, err := tasks.Pull(f.ctx, 1)
	if err != nil {
		f.Fatal(err)
	}
	task, err := history.DecodeTask(d[0].Data)
	if err != nil {
		f.Fatal(err)
	}
	if err := d[0].AckSync(f.ctx); err != nil {
		f.Fatal(err)
	}
	if err := tasks.Close(); err != nil {
		f.Fatal(err)
	}
	return task
}

// wantEvents compares the events of a run by type.
func (f *fixture) wantEvents(run history.Address, want ...string) {
	f.Helper()
	var got []string
	for _, e := range f.events(run) {
		got = append(got, e.String())
	}
	if !slices.Equal(got, want) {
		f.Fatalf("events are %v, want %v", got, want)
	}
}

// oneStart is the broker as a process sees it that gets one start, and then none any more.
type oneStart struct{ *streamstest.Model }

func (b *oneStart) Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (streams.Consumer, error) {
	c, err := b.Model.Consume(ctx, lane, queue, build, o)
	if lane == streams.LaneStarts {
		return &oneDelivery{Consumer: c}, err
	}
	return c, err
}

type oneDelivery struct {
	streams.Consumer
	made bool
}

func (c *oneDelivery) Pull(ctx context.Context, _ int) ([]*streams.Delivery, error) {
	if c.made {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	d, err := c.Consumer.Pull(ctx, 1)
	c.made = len(d) > 0
	return d, err
}

// schedule asks for an activity with these options and returns its result when it has one.
func schedule(env *replay.Env, a history.ActivityTaskScheduled, done func()) {
	if _, err := env.ScheduleActivity(&a, func(replay.Outcome) { done() }); err != nil {
		panic(err)
	}
}
