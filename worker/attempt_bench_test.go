package worker

import (
	"context"
	"strconv"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
	"github.com/millrace-dev/millrace/workflow"
)

// benched is a worker on the in-memory model whose one activity does nothing.
type benched struct {
	*activities
	model *streamstest.Model
	task  history.Task
}

func newBenched(b *testing.B, change func(w *activities)) *benched {
	b.Helper()
	model := streamstest.New(streamstest.Options{})
	r := newRegistry(workflow.DefinitionOptions{})
	r.addActivity(func(context.Context) error { return nil }, activity.RegisterOptions{Name: "Act"})
	w := newActivities(onModel{Model: model}, queue, Options{Identity: "w1"}.withDefaults(), log.Discard{})
	w.namespace, w.find = "ns", r.activity
	w.dataConverter, w.failureConverter = converter.GetDefaultDataConverter(), millrace.GetDefaultFailureConverter()
	if change != nil {
		change(w)
	}
	return &benched{w, model, history.Task{
		Run:          history.Address{Run: history.Run{WorkflowID: "order-7", RunID: "r1"}, Queue: "workflows"},
		WorkflowType: "Order", Event: scheduled, ActivityID: "2", Type: "Act", Queue: queue,
		Scheduled: time.Now(), FirstAttempt: 1, StartToClose: history.MillisOf(10 * time.Second),
	}}
}

// BenchmarkAttempt is what one attempt costs the worker, from its delivery to its acknowledgement. The model of the broker
// is part of it.
func BenchmarkAttempt(b *testing.B) {
	variants := []struct {
		name   string
		change func(w *activities)
	}{
		{"default", nil},
		{"no kept goroutines", func(w *activities) { w.pool.Keep = 0 }},
		{"cancel flag read", func(w *activities) { w.freshFor = 0 }},
	}
	for _, v := range variants {
		b.Run(v.name, func(b *testing.B) {
			w := newBenched(b, v.change)
			data := must(history.Encode(&w.task))
			work := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				d := &streams.Delivery{
					Run: w.task.Run, Activity: scheduled, Deliveries: 1, Published: time.Now(), Data: data, Acker: taken{},
				}
				if !w.slots.take() {
					b.Fatal("no slot")
				}
				a := w.newAttempt(d, time.Now())
				w.pool.Run(func() { a.handle(work) })
				w.busy.Wait()
			}
			w.pool.Close()
		})
	}
}

// BenchmarkEagerAttempt is what an attempt costs that its coordinator asks for.
func BenchmarkEagerAttempt(b *testing.B) {
	w := newBenched(b, nil)
	w.serveEager(true)
	ctx := b.Context()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		task := w.task
		task.ActivityID = strconv.Itoa(i)
		if o, _ := w.Reserve(&task).Run(ctx, nil); o.Result == nil {
			b.Fatalf("outcome is %+v", o)
		}
	}
	w.busy.Wait()
	w.pool.Close()
}

// taken takes every answer to a delivery.
type taken struct{ streams.Acker }

func (taken) Ack(context.Context) error { return nil }
