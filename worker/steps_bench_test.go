package worker

import (
	"context"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
	"github.com/millrace-dev/millrace/workflow"
)

// takesAll is the model with a history that takes every record at once and keeps none.
type takesAll struct {
	*streamstest.Model
	last atomic.Uint64
}

func (t *takesAll) Append(context.Context, history.Run, []byte, streams.RecordInfo, uint64) (uint64, error) {
	runtime.Gosched() // other runs go on while one waits for the broker
	return t.last.Add(1), nil
}

func (t *takesAll) InboxEmpty(context.Context, history.Address, []history.Source) (bool, error) {
	return true, nil
}

// BenchmarkEagerSteps is what a step of a run costs that does one activity after the other eagerly, 64 runs at a time,
// without the broker and all that speaks to it: coordinator, workflow code, worker, conversions and codec.
func BenchmarkEagerSteps(b *testing.B) {
	const runs = 64
	var left atomic.Int64
	left.Store(int64(b.N))
	var ended sync.WaitGroup
	ended.Add(runs)
	w := newBenched(b, nil)
	broker := &takesAll{Model: w.model}
	code := newRegistry(workflow.DefinitionOptions{DataConverter: w.dataConverter, FailureConverter: w.failureConverter})
	code.addActivity(func(_ context.Context, in []byte) ([]byte, error) { return in, nil }, activity.RegisterOptions{Name: "Step"})
	code.addWorkflow(func(ctx workflow.Context, in []byte) error {
		defer ended.Done()
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
		for left.Add(-1) >= 0 {
			if err := workflow.ExecuteActivity(ctx, "Step", in).Get(ctx, &in); err != nil {
				b.Error(err)
				return err
			}
		}
		return nil
	}, workflow.RegisterOptions{Name: "Steps"})
	w.find = code.activity
	w.serveEager(true)
	c := must(coordinator.New(broker, coordinator.Config{Queue: queue, Definition: code.workflow, Eager: w.activities, Logger: log.Discard{}}))
	input := must(w.dataConverter.ToPayloads([]byte("0123456789abcdef")))
	for i := range runs {
		run := history.Address{Run: history.Run{WorkflowID: "run-" + strconv.Itoa(i), RunID: "01912d68-783e-7a3c-8467-6cb9c5ac1f9c"}, Queue: queue}
		data := must(history.Encode(&history.Start{Run: run, Type: "Steps", Input: input, Time: time.Now(), Attempt: 1}))
		must(broker.PublishStart(b.Context(), run, data, streams.StartInfo{Type: "Steps"}, 0))
	}
	ctx, stop := context.WithCancel(b.Context())
	stopped := make(chan error, 1)
	b.ReportAllocs()
	b.ResetTimer()
	go func() { stopped <- c.Run(ctx) }()
	ended.Wait()
	b.StopTimer()
	stop()
	if err := <-stopped; err != nil {
		b.Error(err)
	}
	w.busy.Wait()
	w.pool.Close()
}
