package integration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// meter counts what it is told, by name and tags.
type meter struct {
	mu   *sync.Mutex
	seen map[string]int64
	tags map[string]string
}

func newMeter() meter { return meter{&sync.Mutex{}, map[string]int64{}, nil} }

func (m meter) WithTags(tags map[string]string) client.MetricsHandler {
	all := maps.Clone(m.tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	return meter{m.mu, m.seen, all}
}

func (m meter) add(name string, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[fmt.Sprint(name, " ", m.tags)] += n
}

func (m meter) Counter(name string) client.MetricsCounter { return meterOf{m, name} }
func (m meter) Gauge(name string) client.MetricsGauge     { return meterOf{m, name} }
func (m meter) Timer(name string) client.MetricsTimer     { return meterOf{m, name} }

type meterOf struct {
	meter
	name string
}

func (m meterOf) Inc(n int64)            { m.add(m.name, n) }
func (m meterOf) Update(float64)         { m.add(m.name, 1) }
func (m meterOf) Record(d time.Duration) { m.add(m.name, 1) }

// TestWorkersTellTheirNumbersUnderTemporalsNames runs work that ends in each way.
func TestWorkersTellTheirNumbersUnderTemporalsNames(t *testing.T) {
	e := newEngine(t)
	m := newMeter()
	e.workOn(e.dialWith(client.Options{MetricsHandler: m}), queue, worker.Options{}, func(w worker.Worker) {
		register(w, code{
			"Do": func(ctx workflow.Context, again bool) error {
				ctx = quick(workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute,
					RetryPolicy: &millrace.RetryPolicy{InitialInterval: time.Millisecond}}))
				if again {
					return workflow.NewContinueAsNewError(ctx, "Do", false)
				}
				return errors.Join(workflow.ExecuteActivity(ctx, "Act").Get(ctx, nil), workflow.ExecuteLocalActivity(ctx, "Act").Get(ctx, nil))
			},
			"Fail":  func(workflow.Context) error { return errors.New("no") },
			"Wait":  func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) },
			"Panic": func(workflow.Context) error { panic("stuck") },
		}, code{"Act": func(ctx context.Context) error {
			switch activity.GetInfo(ctx).Attempt {
			case 1:
				return errors.New("an error")
			case 2:
				return millrace.NewApplicationErrorWithOptions("nothing there", "Empty",
					millrace.ApplicationErrorOptions{Category: millrace.ApplicationErrorCategoryBenign})
			}
			return nil
		}})
	})
	if err := e.execute("do", "Do", true).Get(e.ctx, nil); err != nil {
		t.Fatal(err)
	}
	e.failure(e.execute("fail", "Fail"))
	wait := e.execute("wait", "Wait")
	if err := e.client.CancelWorkflow(e.ctx, "wait", ""); err != nil {
		t.Fatal(err)
	}
	e.failure(wait)
	e.execute("panic", "Panic")
	e.await("panic", "a reason for being stuck", func(d *client.WorkflowExecutionDescription) bool { return d.Stuck != "" })
	if err := e.client.TerminateWorkflow(e.ctx, "panic", "", "seen"); err != nil {
		t.Fatal(err)
	}
	e.awaitStatus("panic", enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)

	const run, act = " map[namespace:default task_queue:main workflow_type:", " map[activity_type:Act namespace:default task_queue:main workflow_type:Do]"
	wanted := map[string]int64{
		"temporal_worker_start map[namespace:default task_queue:main]": 1,
		"temporal_workflow_completed" + run + "Do]":                    1,
		"temporal_workflow_continue_as_new" + run + "Do]":              1,
		"temporal_workflow_failed" + run + "Fail]":                     1,
		"temporal_workflow_canceled" + run + "Wait]":                   1,
		"temporal_workflow_endtoend_latency" + run + "Do]":             2,
		"temporal_activity_execution_failed" + act:                     1,
		"temporal_activity_execution_latency" + act:                    3,
		"temporal_activity_schedule_to_start_latency" + act:            1,
		"temporal_activity_succeed_endtoend_latency" + act:             1,
		"temporal_local_activity_total" + act:                          3,
		"temporal_local_activity_execution_failed" + act:               1,
		"temporal_local_activity_execution_latency" + act:              3,
		"temporal_local_activity_succeed_endtoend_latency" + act:       1,
		// How often, is a matter of when messages come.
		"temporal_workflow_task_execution_latency" + run + "Do]":                                                                          0,
		"temporal_workflow_task_execution_failed map[failure_reason:WorkflowError namespace:default task_queue:main workflow_type:Panic]": 0,
	}
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	// The close of a run may be seen before who closed it has counted it.
	for deadline := time.Now().Add(10 * time.Second); ; <-poll.C {
		missing := m.missing(wanted)
		if len(missing) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("counted %v\nmissing %v", m.seen, missing)
		}
	}
}

// missing are the numbers that are not as wanted; 0 stands for any above it.
func (m meter) missing(wanted map[string]int64) (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, want := range wanted {
		if got := m.seen[name]; got == 0 || want != 0 && got != want {
			names = append(names, fmt.Sprint(name, ": ", got, ", not ", want))
		}
	}
	return names
}
