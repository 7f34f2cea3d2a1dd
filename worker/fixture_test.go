package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
	"github.com/millrace-dev/millrace/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	queue = "q"
	// lossTimeout is the AckWait of the tests' workers.
	lossTimeout = 30 * time.Second
	// scheduled is the number of the event that schedules the activity.
	scheduled = 2
)

// fixture is a run with one activity on an in-memory broker, and the workers that serve it, in a synctest bubble: time
// passes only while everybody waits.
type fixture struct {
	*testing.T
	ctx      context.Context
	model    *streamstest.Model
	registry *registry
	options  Options
	// task is what publish publishes; tests change it first.
	task *history.Task
	logs *logs
	// late makes tasks arrive just when a worker stops.
	late bool
	// onBeat is called when a worker has stored a heartbeat record, before the worker knows.
	onBeat func()

	mu    sync.Mutex
	hook  streamstest.Hook
	calls []streamstest.Op
}

func inBubble(t *testing.T, test func(f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &fixture{
			T: t, ctx: t.Context(), logs: &logs{},
			registry: newRegistry(workflow.DefinitionOptions{}),
			options:  Options{WorkerLossTimeout: lossTimeout, Identity: "w1"},
		}
		f.model = streamstest.New(streamstest.Options{Hook: f.fault})
		f.task = &history.Task{
			Run:          history.Address{Run: history.Run{WorkflowID: "order-7", RunID: "r1"}, Queue: "workflows"},
			WorkflowType: "Order", Event: scheduled, ActivityID: "2", Type: "Act", Queue: queue,
			Scheduled: time.Now(), FirstAttempt: 1,
			StartToClose: history.MillisOf(time.Hour),
			RetryPolicy:  &history.RetryPolicy{InitialInterval: 1000, BackoffCoefficient: 2},
		}
		test(f)
	})
}

// fault notes the calls of the workers, and asks the test's hook.
func (f *fixture) fault(op streamstest.Op, run history.Run, n int) streamstest.Fault {
	f.mu.Lock()
	f.calls = append(f.calls, op)
	hook := f.hook
	f.mu.Unlock()
	if hook == nil {
		return streamstest.Proceed
	}
	return hook(op, run, n)
}

// faults sets the hook that decides which calls fail.
func (f *fixture) faults(hook streamstest.Hook) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

// sent are the calls of the given kinds so far, in order.
func (f *fixture) sent(kinds ...streamstest.Op) []streamstest.Op {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []streamstest.Op
	for _, op := range f.calls {
		if slices.Contains(kinds, op) {
			out = append(out, op)
		}
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (f *fixture) check(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// register registers the activity of the task.
func (f *fixture) register(fn any) {
	f.registry.addActivity(fn, activity.RegisterOptions{Name: "Act"})
}

// publish stores the run's start and the record that schedules the activity, and queues the task.
func (f *fixture) publish(input ...any) {
	f.Helper()
	f.task.Input = must(converter.GetDefaultDataConverter().ToPayloads(input...))
	run := f.task.Run
	start := must(history.Encode(&history.Start{Run: run, Type: "Order", Time: time.Now()}))
	_, err := f.model.PublishStart(f.ctx, run, start, streams.StartInfo{}, 0)
	f.check(err)
	f.append(1, history.NewEvent(scheduled, &history.ActivityTaskScheduled{ActivityID: "2", Type: "Act", Queue: queue}))
	f.queueTask()
}

func (f *fixture) queueTask() {
	f.Helper()
	_, err := f.model.PublishTask(f.ctx, f.ref(), must(history.Encode(f.task)))
	f.check(err)
}

func (f *fixture) ref() streams.TaskRef {
	return streams.TaskRef{Run: f.task.Run.Run, Queue: queue, Activity: scheduled}
}

// append adds a record to the run's history.
func (f *fixture) append(number uint64, events ...history.Event) {
	f.Helper()
	t := &history.Transition{RunID: f.task.Run.RunID, Number: number, CommitID: fmt.Sprint(number), Cover: "start", Time: time.Now(), Events: events}
	loaded, err := f.model.Load(f.ctx, f.task.Run.Run, 0)
	f.check(err)
	info := streams.RecordInfo{Number: number, CommitID: t.CommitID, Previous: loaded.LastSeq}
	t.Previous = loaded.LastSeq
	_, err = f.model.Append(f.ctx, f.task.Run.Run, must(history.Encode(t)), info, loaded.LastSeq)
	f.check(err)
}

// serve starts a worker and returns what stops it.
func (f *fixture) serve() (stop func()) {
	f.Helper()
	_, stop = f.serveBoth()
	return stop
}

// serveBoth starts a worker that a coordinator may use, too, and returns what stops it.
func (f *fixture) serveBoth() (w *activities, stop func()) {
	f.Helper()
	w = newActivities(onModel{f.model, f.late, f.onBeat}, queue, f.options.withDefaults(), f.logs)
	w.namespace, w.find = "ns", f.registry.activity
	w.dataConverter = converter.GetDefaultDataConverter()
	w.failureConverter = millrace.GetDefaultFailureConverter()
	ctx, cancel := context.WithCancel(f.ctx)
	done := make(chan error, 1)
	go func() { done <- w.run(ctx) }()
	return w, sync.OnceFunc(func() {
		f.Helper()
		cancel()
		if err := <-done; err != nil {
			f.Errorf("worker ended with %v", err)
		}
	})
}

// outcome waits for the activity's outcome in the run's inbox.
func (f *fixture) outcome() *history.ActivityResult {
	f.Helper()
	for range 100_000 {
		if r := f.outcomeNow(); r != nil {
			return r
		}
		time.Sleep(100 * time.Millisecond)
	}
	f.Fatalf("no outcome; calls: %v\n%s", f.calls, f.logs)
	return nil
}

// outcomeNow is the outcome in the run's inbox, nil when there is none.
func (f *fixture) outcomeNow() *history.ActivityResult {
	f.Helper()
	waiting, err := f.model.ReadInbox(f.ctx, f.task.Run, history.ActivitySource(scheduled), 10)
	f.check(err)
	if len(waiting) == 0 {
		return nil
	}
	if len(waiting) > 1 {
		f.Fatalf("%d outcomes in the inbox", len(waiting))
	}
	return must(history.DecodeMessage(waiting[0].Data)).Activity
}

// beat is the activity's heartbeat record, nil for none.
func (f *fixture) beat() *history.Beat {
	f.Helper()
	data, _, err := f.model.GetBeat(f.ctx, f.task.Run.Run, scheduled)
	if errors.Is(err, streams.ErrNotFound) {
		return nil
	}
	f.check(err)
	return must(history.DecodeBeat(data))
}

func (f *fixture) putBeat(b *history.Beat) {
	f.Helper()
	_, last, err := f.model.GetBeat(f.ctx, f.task.Run.Run, scheduled)
	if !errors.Is(err, streams.ErrNotFound) {
		f.check(err)
	}
	kept := *b // encoding marks it with the version
	_, err = f.model.PutBeat(f.ctx, f.task.Run.Run, scheduled, must(history.Encode(&kept)), last)
	f.check(err)
}

// lose takes the task as a worker does that dies with it.
func (f *fixture) lose() {
	f.Helper()
	c, err := f.model.Consume(f.ctx, streams.LaneTasks, queue, "", streams.ConsumeOptions{AckWait: lossTimeout})
	f.check(err)
	_, err = c.Pull(f.ctx, 1)
	f.check(err)
	f.check(c.Close())
}

// queued says whether the task is still in its queue.
func (f *fixture) queued() bool {
	f.Helper()
	synctest.Wait()
	stored, err := f.model.PublishTask(f.ctx, f.ref(), []byte("probe"))
	f.check(err)
	if stored {
		f.check(f.model.WithdrawTask(f.ctx, f.ref()))
	}
	return !stored
}

func decode[T any](f *fixture, p *common.Payloads) T {
	f.Helper()
	var v T
	f.check(converter.GetDefaultDataConverter().FromPayloads(p, &v))
	return v
}

// onModel is the in-memory model as a broker.
type onModel struct {
	*streamstest.Model
	// late makes tasks arrive just when the worker stops.
	late   bool
	onBeat func()
}

func (b onModel) PutBeat(ctx context.Context, run history.Run, activity int64, data []byte, after uint64) (uint64, error) {
	seq, err := b.Model.PutBeat(ctx, run, activity, data, after)
	if b.onBeat != nil {
		b.onBeat()
	}
	return seq, err
}

func (b onModel) Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (source, error) {
	c, err := b.Model.Consume(ctx, lane, queue, build, o)
	if b.late {
		return lateSource{c}, err
	}
	return c, err
}

// lateSource delivers nothing before it is drained.
type lateSource struct{ streams.Consumer }

func (s lateSource) Pull(ctx context.Context, _ int) ([]*streams.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s lateSource) Drain() []*streams.Delivery {
	late, err := s.Consumer.Pull(context.Background(), 1)
	if err != nil {
		panic(err)
	}
	s.Consumer.Drain()
	return late
}

// logs keeps what is logged.
type logs struct {
	mu    sync.Mutex
	lines []string
}

func (l *logs) add(level, msg string, keyvals []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, level+" "+msg+" "+fmt.Sprint(keyvals...))
}

func (l *logs) Debug(msg string, keyvals ...any) { l.add("debug", msg, keyvals) }
func (l *logs) Info(msg string, keyvals ...any)  { l.add("info", msg, keyvals) }
func (l *logs) Warn(msg string, keyvals ...any)  { l.add("warn", msg, keyvals) }
func (l *logs) Error(msg string, keyvals ...any) { l.add("error", msg, keyvals) }

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}
