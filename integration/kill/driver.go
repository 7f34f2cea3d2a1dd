package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
)

// expectation is a run that was asked for, with what its client was told.
type expectation struct {
	WorkflowID string
	Workflow   string
	Input      string
	Steps      int
	// RunID is the run that the client was given, empty when its start was never acknowledged.
	RunID string
	// Result is what the client got, when Err is nil.
	Result string
	Err    error
	Ended  time.Time
}

// want is the result that the inputs give.
func (e *expectation) want() string { return resultOf(e.Input, e.Steps) }

// driver starts runs and waits for their results.
type driver struct {
	client client.Client
	o      options

	open, starting atomic.Int64
	// retried counts requests that were sent again because no answer came, ambiguous the starts among them that had
	// been stored all the same.
	retried, ambiguous atomic.Int64

	mu   sync.Mutex // guards runs
	runs []*expectation
}

// inFlight says how many runs are open, and how many starts wait for their acknowledgement.
func (d *driver) inFlight() (open, starting int) {
	return int(d.open.Load()), int(d.starting.Load())
}

// load starts the runs and waits for all of them: the planned ones, and further ones of one activity until enough is
// closed. It closes planned when all planned runs have been started. When ctx ends, what is open stays without a result.
func (d *driver) load(ctx context.Context, enough <-chan struct{}, planned chan<- struct{}) {
	var left atomic.Int64
	left.Store(int64(d.o.runs + d.o.sequences))
	started := func() {
		if left.Add(-1) == 0 {
			close(planned)
		}
	}
	further := func() {}
	more := func(n int) bool {
		select {
		case <-enough:
			return n < d.o.runs
		default:
			return true
		}
	}
	var wg sync.WaitGroup
	feed(ctx, &wg, d.o.parallel, func(n int) bool { return n < d.o.sequences }, func(n int) {
		d.do(ctx, &expectation{WorkflowID: fmt.Sprint(prefixSteps, n), Workflow: nameSequence, Steps: d.o.steps}, started)
	})
	feed(ctx, &wg, d.o.concurrency, more, func(n int) {
		counted := started
		if n >= d.o.runs {
			counted = further
		}
		d.do(ctx, &expectation{WorkflowID: fmt.Sprint(prefixOne, n), Workflow: nameOne, Steps: 1}, counted)
	})
	wg.Wait()
}

// feed calls do with 0, 1, 2, ... as long as more says so and ctx lasts, parallel of them at a time.
func feed(ctx context.Context, wg *sync.WaitGroup, parallel int, more func(int) bool, do func(int)) {
	var next atomic.Int64
	for range parallel {
		wg.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1)) - 1
				if !more(n) {
					return
				}
				do(n)
			}
		})
	}
}

// do starts one run and waits for its result. It notes what came of it in e.
func (d *driver) do(ctx context.Context, e *expectation, started func()) {
	e.Input = "input of " + e.WorkflowID
	d.mu.Lock()
	d.runs = append(d.runs, e)
	d.mu.Unlock()
	d.open.Add(1)
	defer d.open.Add(-1)
	run, err := d.start(ctx, e)
	started()
	if err != nil {
		e.Err = err
		return
	}
	e.RunID = run.GetRunID()
	e.Err = d.again(ctx, func() error { return run.Get(ctx, &e.Result) })
	e.Ended = time.Now()
}

// start asks for a run until there is an answer. Asking again cannot start a second one: no second run of a workflow ID
// is allowed, open or closed.
func (d *driver) start(ctx context.Context, e *expectation) (client.WorkflowRun, error) {
	d.starting.Add(1)
	defer d.starting.Add(-1)
	args := []interface{}{e.Input}
	if e.Workflow == nameSequence {
		args = append(args, e.Steps)
	}
	var run client.WorkflowRun
	tries := 0
	err := d.again(ctx, func() error {
		tries++
		var err error
		run, err = d.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: e.WorkflowID, TaskQueue: taskQueue,
			WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			WorkflowExecutionErrorWhenAlreadyStarted: true,
		}, e.Workflow, args...)
		var already *serviceerror.WorkflowExecutionAlreadyStarted
		if tries > 1 && errors.As(err, &already) {
			d.ambiguous.Add(1)
			run, err = d.client.GetWorkflow(ctx, e.WorkflowID, already.RunId), nil
		}
		return err
	})
	return run, err
}

// again repeats a request while the broker does not answer.
func (d *driver) again(ctx context.Context, request func() error) error {
	const pause = 50 * time.Millisecond
	for {
		err := request()
		var unavailable *serviceerror.Unavailable
		if err == nil || ctx.Err() != nil || !errors.As(err, &unavailable) {
			return err
		}
		d.retried.Add(1)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// outcomes are the runs that were asked for. It must not be called before load has returned.
func (d *driver) outcomes() []*expectation {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.runs
}

// lastEnd is when the last result came.
func lastEnd(runs []*expectation) time.Time {
	var last time.Time
	for _, e := range runs {
		if e.Err == nil && e.Ended.After(last) {
			last = e.Ended
		}
	}
	return last
}
