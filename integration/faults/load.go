package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/time/rate"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/integration/verify"
)

// load is the clients: it starts runs, sends them what they wait for and waits for their results, and writes down what
// it asked for and what it was told.
type load struct {
	client client.Client
	// conn asks the daemon.
	conn *nats.Conn
	dir  string
	pace *rate.Limiter
	// patience bounds one try of an operation: what has not been answered by then is unknown.
	patience time.Duration

	operations   *verify.Operations
	expectations *verify.Expectations
	last         atomic.Int64 // number of the last operation
	// waiting counts operations without an answer yet, asking those of them that the daemon has to answer.
	waiting, asking atomic.Int64

	mu sync.Mutex // guards the rest
	// acknowledged counts operations by kind.
	acknowledged map[verify.OperationKind]int
	// short are the runs that usually take no time worth mentioning, from which one sees when the system works again.
	short []span
	// late is by how much the timers of alarms were late.
	late []time.Duration
	// problems are answers that no fault explains.
	problems []error
}

// span is a time from and to, as evidence has it.
type span struct{ begun, ended int64 }

func newLoad(dir string, c client.Client, nc *nats.Conn, perSecond float64) (*load, error) {
	l := &load{client: c, conn: nc, dir: dir, pace: rate.NewLimiter(rate.Limit(perSecond), 16), patience: 5 * time.Second,
		acknowledged: map[verify.OperationKind]int{}}
	var err error
	if l.operations, err = verify.OpenOperations(dir, "load", verify.WriteOptions{}); err != nil {
		return nil, err
	}
	if l.expectations, err = verify.OpenExpectations(dir, "load", verify.WriteOptions{}); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *load) close() error { return errors.Join(l.operations.Close(), l.expectations.Close()) }

func (l *load) problem(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.problems = append(l.problems, err)
}

func (l *load) count(kind verify.OperationKind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acknowledged[kind]++
}

// lacks says whether fewer operations of a kind have been acknowledged than are wanted.
func (l *load) lacks(wanted map[verify.OperationKind]int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for kind, n := range wanted {
		if l.acknowledged[kind] < n {
			return true
		}
	}
	return false
}

// outcomeOf says what an error means to who asked.
func outcomeOf(err error) verify.Outcome {
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	var missing *serviceerror.NotFound
	var invalid *serviceerror.InvalidArgument
	switch {
	case err == nil:
		return verify.Acknowledged
	case errors.As(err, &already), errors.As(err, &missing), errors.As(err, &invalid):
		return verify.Refused
	}
	return verify.Unknown
}

// try makes one request, and writes it down before and after.
func (l *load) try(ctx context.Context, op verify.Operation, request func(ctx context.Context, op *verify.Operation) error) error {
	if err := l.pace.Wait(ctx); err != nil {
		return err
	}
	op.ID, op.Begun = strconv.FormatInt(l.last.Add(1), 10), verify.Now()
	if err := l.operations.Append(op); err != nil {
		return err
	}
	l.waiting.Add(1)
	bounded, cancel := context.WithTimeout(ctx, l.patience)
	err := request(bounded, &op)
	cancel()
	l.waiting.Add(-1)
	op.Ended, op.Outcome = verify.Now(), outcomeOf(err)
	if err != nil {
		op.Error = err.Error()
	}
	if op.Outcome == verify.Acknowledged {
		l.count(op.Kind)
	}
	return errors.Join(err, l.operations.Append(op))
}

// pause is how soon a request without an answer is repeated.
const pause = 50 * time.Millisecond

// insist makes a request until there is a definite answer. next says what is asked the n-th time.
func (l *load) insist(ctx context.Context, next func(n int) verify.Operation, request func(ctx context.Context, op *verify.Operation) error) error {
	for n := 0; ; n++ {
		err := l.try(ctx, next(n), request)
		if err == nil || ctx.Err() != nil || outcomeOf(err) == verify.Refused {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// start starts a run and says how it has to end.
func (l *load) start(ctx context.Context, id, workflow string, result any, args ...any) (run client.WorkflowRun, err error) {
	if err := l.expect(id, result); err != nil {
		return nil, err
	}
	policy := enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	tries := 0
	err = l.insist(ctx, func(int) verify.Operation {
		return verify.Operation{Kind: verify.OperationStart, WorkflowID: id, Reuse: policy.String()}
	}, func(ctx context.Context, op *verify.Operation) (err error) {
		tries++
		run, err = l.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: id, TaskQueue: taskQueue, WorkflowIDReusePolicy: policy, WorkflowExecutionErrorWhenAlreadyStarted: true,
		}, workflow, args...)
		if err == nil {
			op.RunID = run.GetRunID()
		}
		var already *serviceerror.WorkflowExecutionAlreadyStarted
		if errors.As(err, &already) {
			op.Seen = &verify.Seen{RunID: already.RunId}
		}
		return err
	})
	var already *serviceerror.WorkflowExecutionAlreadyStarted
	if tries > 1 && errors.As(err, &already) {
		return l.client.GetWorkflow(ctx, id, already.RunId), nil // an earlier try had been stored
	}
	return run, err
}

// expect notes how a run has to end; no result stands for any.
func (l *load) expect(id string, result any) error {
	x := verify.Expectation{WorkflowID: id, Status: "Completed"}
	if result != nil {
		encoded, err := json.Marshal(result)
		if err != nil {
			return fmt.Errorf("expected result of %s: %w", id, err)
		}
		text := string(encoded)
		x.Result = &text
	}
	return l.expectations.Append(x)
}

// finish waits for the end of a run. A short run tells by its time how the system is.
func (l *load) finish(ctx context.Context, id string, run client.WorkflowRun, begun int64, short bool) error {
	op := verify.Operation{
		ID: strconv.FormatInt(l.last.Add(1), 10), Kind: verify.OperationCompletion, WorkflowID: id, RunID: run.GetRunID(), Begun: verify.Now(),
	}
	if err := l.operations.Append(op); err != nil {
		return err
	}
	var result any
	err := run.Get(ctx, &result)
	for outcomeOf(err) == verify.Unknown && isUnavailable(err) && ctx.Err() == nil {
		err = run.Get(ctx, &result)
	}
	op.Ended, op.Outcome = verify.Now(), outcomeOf(err)
	if err != nil {
		op.Error = err.Error()
		if ctx.Err() == nil {
			l.problem(fmt.Errorf("result of %s: %w", id, err))
		}
		return errors.Join(err, l.operations.Append(op))
	}
	l.count(op.Kind)
	text, err := json.Marshal(result)
	op.Seen = &verify.Seen{Status: "Completed", Result: string(text)}
	if short {
		l.mu.Lock()
		l.short = append(l.short, span{begun, op.Ended})
		l.mu.Unlock()
	}
	return errors.Join(err, l.operations.Append(op))
}

func isUnavailable(err error) bool {
	var unavailable *serviceerror.Unavailable
	return errors.As(err, &unavailable)
}

// tokenFile is where the activity that waits for a client leaves its token.
func tokenFile(dir, workflowID string) string { return filepath.Join(dir, "token-"+workflowID) }

// token waits for the activity of a run to be there.
func (l *load) token(ctx context.Context, id string) ([]byte, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		token, err := os.ReadFile(tokenFile(l.dir, id))
		if err == nil || !errors.Is(err, os.ErrNotExist) {
			return token, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}
