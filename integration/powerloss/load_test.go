//go:build linux

package powerloss

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/integration/verify"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

const (
	queue      = "powerloss"
	signalName = "item"
	// steps is how many signals an order gets.
	steps = 4
	// workerLoss is how soon a worker that does not say that it lives is given up. No worker dies here, but the
	// broker may forget what a worker has told it.
	workerLoss = 2 * time.Second
)

// order takes items by signals, handles each by an activity, and returns what the activities returned, in order.
func order(ctx workflow.Context, items int) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	var handled []string
	for range items {
		var item, result string
		workflow.GetSignalChannel(ctx, signalName).Receive(ctx, &item)
		if err := workflow.ExecuteActivity(ctx, "handle", item).Get(ctx, &result); err != nil {
			return "", err
		}
		handled = append(handled, result)
	}
	return strings.Join(handled, ","), nil
}

// load is clients, which start orders and send them items, and workers. Everything is noted as evidence.
type load struct {
	*testing.T
	dir          string // of the evidence
	client       client.Client
	conn         *nats.Conn // for what tests want to know beside
	said         *journal
	operations   *verify.Operations
	executions   *verify.Executions
	expectations *verify.Expectations
	faults       *verify.Faults

	orders, acked, inFlight atomic.Int64
	// progress holds something when acked has grown since somebody looked.
	progress chan struct{}
	// full is closed when no more orders are to be started.
	full    chan struct{}
	clients sync.WaitGroup
	giveUp  context.CancelFunc
	// patience is how long clients wait for one order, 0 for ever; rest is how long they do nothing between two.
	patience, rest time.Duration
	// ticks let each of the patient orders have its next item.
	ticks []chan struct{}
}

// newLoad creates the namespace and starts the workers.
func newLoad(ctx context.Context, s *site, o streams.CreateOptions) *load {
	s.Helper()
	l := &load{T: s.T, dir: s.T.TempDir(), said: &journal{}, progress: make(chan struct{}, 1), full: make(chan struct{})}
	open := verify.WriteOptions{}
	var errs [5]error
	l.operations, errs[0] = verify.OpenOperations(l.dir, "clients", open)
	l.executions, errs[1] = verify.OpenExecutions(l.dir, "workers", open)
	l.expectations, errs[2] = verify.OpenExpectations(l.dir, "clients", open)
	l.faults, errs[3] = verify.OpenFaults(l.dir, "test", open)
	l.conn, errs[4] = nats.Connect(s.url(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err := errors.Join(errs[:]...); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		l.conn.Close()
		if err := errors.Join(l.operations.Close(), l.executions.Close(), l.expectations.Close(), l.faults.Close()); err != nil {
			s.Error(err)
		}
	})
	if err := provide(ctx, l.conn, o); err != nil {
		s.Fatal(err)
	}
	l.client = l.dial(ctx, s, "clients")
	for i := range 2 {
		l.work(ctx, s, fmt.Sprintf("worker-%d", i))
	}
	return l
}

// provide creates the namespace as soon as the servers can: those of a cluster have to find each other.
func provide(ctx context.Context, nc *nats.Conn, o streams.CreateOptions) error {
	limit, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		plan, err := streams.PlanNamespace(limit, nc, client.DefaultNamespace, o)
		if err == nil {
			err = plan.Apply(limit)
		}
		if err == nil || limit.Err() != nil || o.Replicas <= 1 {
			return err
		}
		<-time.After(100 * time.Millisecond)
	}
}

func (l *load) dial(ctx context.Context, s *site, name string) client.Client {
	l.Helper()
	c, err := client.DialContext(ctx, client.Options{HostPort: s.url(), Identity: name, Logger: l.said.of(name),
		ConnectionOptions: client.ConnectionOptions{NATS: []nats.Option{nats.ReconnectWait(50 * time.Millisecond),
			nats.ReconnectJitter(50*time.Millisecond, 50*time.Millisecond)}}})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(c.Close)
	return c
}

func (l *load) work(ctx context.Context, s *site, name string) {
	l.Helper()
	w := worker.New(l.dial(ctx, s, name), queue, worker.Options{WorkerLossTimeout: workerLoss})
	w.RegisterWorkflow(order)
	w.RegisterActivityWithOptions(l.handle, activity.RegisterOptions{Name: "handle"})
	if err := w.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(w.Stop)
}

// handle is the activity.
func (l *load) handle(ctx context.Context, item string) (string, error) {
	info := activity.GetInfo(ctx)
	end, err := l.executions.Begin(verify.Execution{WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID,
		ActivityID: info.ActivityID, Attempt: info.Attempt})
	if err == nil {
		err = end(nil)
	}
	_, number, _ := strings.Cut(item, "/")
	return number, err
}

// run keeps a number of orders open until finish is called, and beside them patient ones, which get an item a tick.
func (l *load) run(ctx context.Context, parallel, patient, ticks int) {
	ctx, l.giveUp = context.WithCancel(ctx)
	l.Cleanup(l.giveUp)
	for range parallel {
		l.clients.Go(func() {
			for {
				select {
				case <-l.full:
					return
				case <-ctx.Done():
					return
				case <-time.After(l.rest):
					l.order(ctx, steps, nil)
				}
			}
		})
	}
	for range patient {
		tick := make(chan struct{}, ticks)
		l.ticks = append(l.ticks, tick)
		l.clients.Go(func() { l.order(ctx, ticks, tick) })
	}
}

// tick lets the patient orders have an item each.
func (l *load) tick() {
	for _, t := range l.ticks {
		t <- struct{}{}
	}
}

// finish starts no more orders and waits for the open ones, at most for so long.
func (l *load) finish(limit time.Duration) {
	close(l.full)
	timer := time.AfterFunc(limit, l.giveUp)
	defer timer.Stop()
	l.clients.Wait()
}

// order is placeOrder, given up after some time where what it waits for may have been lost.
func (l *load) order(ctx context.Context, items int, tick <-chan struct{}) {
	if l.patience > 0 && tick == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.patience)
		defer cancel()
	}
	l.placeOrder(ctx, items, tick)
}

// placeOrder starts an order, sends its items, each when the one before was acknowledged, and waits for its result.
func (l *load) placeOrder(ctx context.Context, items int, tick <-chan struct{}) {
	id := fmt.Sprintf("order-%d", l.orders.Add(1))
	var numbers []string
	for i := range items {
		numbers = append(numbers, strconv.Itoa(i))
	}
	result := strconv.Quote(strings.Join(numbers, ","))
	l.note(l.expectations.Append(verify.Expectation{WorkflowID: id, Status: "Completed", Result: &result, Signals: items}))

	start := verify.Operation{ID: id, Kind: verify.OperationStart, WorkflowID: id, Reuse: "RejectDuplicate"}
	var run client.WorkflowRun
	tries := 0
	if !l.operate(ctx, &start, func() (err error) {
		tries++
		run, err = l.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue,
			WorkflowIDReusePolicy:                    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
			WorkflowExecutionErrorWhenAlreadyStarted: true}, order, items)
		var already *serviceerror.WorkflowExecutionAlreadyStarted
		if tries > 1 && errors.As(err, &already) {
			run, err = l.client.GetWorkflow(ctx, id, already.RunId), nil
		}
		if err == nil {
			start.RunID = run.GetRunID()
		}
		return err
	}) {
		return
	}
	for i := range items {
		if tick != nil {
			select {
			case <-tick:
			case <-ctx.Done():
				return
			}
		}
		text := fmt.Sprintf("%s/%d", id, i)
		signal := verify.Operation{ID: text, Kind: verify.OperationSignal, WorkflowID: id, RunID: run.GetRunID(), Message: text}
		if !l.operate(ctx, &signal, func() error { return l.client.SignalWorkflow(ctx, id, run.GetRunID(), signalName, text) }) {
			return
		}
	}
	end := verify.Operation{ID: id + "/end", Kind: verify.OperationCompletion, WorkflowID: id, RunID: run.GetRunID()}
	l.operate(ctx, &end, func() error {
		var got string
		err := run.Get(ctx, &got)
		if err == nil {
			end.Seen = &verify.Seen{RunID: run.GetRunID(), Status: "Completed", Result: strconv.Quote(got)}
		}
		return err
	})
}

// operate notes an operation around its request, which is repeated while the broker does not answer. It says whether
// the operation was acknowledged.
func (l *load) operate(ctx context.Context, op *verify.Operation, request func() error) bool {
	op.Begun = verify.Now()
	l.note(l.operations.Append(*op))
	l.inFlight.Add(1)
	err := again(ctx, request)
	l.inFlight.Add(-1)
	op.Ended, op.Outcome = verify.Now(), verify.Acknowledged
	if err != nil {
		op.Outcome, op.Error = verify.Unknown, err.Error()
	}
	l.note(l.operations.Append(*op))
	if err != nil {
		return false
	}
	l.acked.Add(1)
	select {
	case l.progress <- struct{}{}:
	default:
	}
	return true
}

// again repeats a request while the broker does not answer.
func again(ctx context.Context, request func() error) error {
	for {
		err := request()
		var unavailable *serviceerror.Unavailable
		if err == nil || ctx.Err() != nil || !errors.As(err, &unavailable) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (l *load) note(err error) {
	if err != nil {
		l.Error(err)
	}
}

// awaitFor returns when so many more operations have been acknowledged, and ends the test when that takes too long.
func (l *load) awaitFor(ctx context.Context, more int64, limit time.Duration) {
	l.Helper()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for until := l.acked.Load() + more; l.acked.Load() < until; {
		select {
		case <-l.progress:
		case <-timer.C:
			l.Fatalf("%d operations are acknowledged after %v, not %d; said: %q", l.acked.Load(), limit, until, l.said.last(20))
		case <-ctx.Done():
			l.Fatal(context.Cause(ctx))
		}
	}
}
