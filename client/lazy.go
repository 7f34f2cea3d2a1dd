package client

import (
	"context"
	"fmt"
	"sync"

	"github.com/millrace-dev/millrace/api/enums"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/api/serviceerror"
)

// NewLazyClient is Dial without connecting: the client connects when it is first used, and that call fails when it
// cannot. The next one tries again.
func NewLazyClient(options Options) (Client, error) {
	return makeClient(context.Background(), options, PluginNewClientOptions{Lazy: true}, func(_ context.Context, options Options) (Client, error) {
		return &lazyClient{options: options}, nil
	})
}

// lazyClient is a Client that connects when it is used.
type lazyClient struct {
	options Options

	mu     sync.Mutex // guards the rest; held while connecting
	client Client     // of this package and connected, nil before
	closed bool
}

func (l *lazyClient) dial(ctx context.Context) (Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, serviceerror.NewUnavailable("client is closed")
	}
	if l.client == nil {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		c, err := open(ctx, l.options)
		if err != nil {
			return nil, err
		}
		l.client = c
	}
	return l.client, nil
}

// Close is documented at Client.
func (l *lazyClient) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil && !l.closed {
		l.client.Close()
	}
	l.closed = true
}

// dialed is a client of this package, connected.
func dialed(ctx context.Context, c Client) (Client, error) {
	switch c := c.(type) {
	case *workflowClient, *gatewayClient:
		return c, nil
	case *lazyClient:
		return c.dial(ctx)
	}
	return nil, fmt.Errorf("client %T was not made by package client", c)
}

// unwrap is dialed for what needs a client with streams.
func unwrap(ctx context.Context, c Client) (*workflowClient, error) {
	c, err := dialed(ctx, c)
	if err != nil {
		return nil, err
	}
	w, ok := c.(*workflowClient)
	if !ok {
		return nil, notOffered("this")
	}
	return w, nil
}

// GetWorkflow is documented at Client.
func (l *lazyClient) GetWorkflow(_ context.Context, workflowID string, runID string) WorkflowRun {
	return &lazyRun{lazy: l, workflowID: workflowID, runID: runID}
}

// lazyRun is a WorkflowRun of a client that may not be connected.
type lazyRun struct {
	lazy              *lazyClient
	workflowID, runID string
	mu                sync.Mutex // guards run
	run               WorkflowRun
}

func (r *lazyRun) get(ctx context.Context) (WorkflowRun, error) {
	c, err := r.lazy.dial(ctx)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run == nil {
		r.run = c.GetWorkflow(ctx, r.workflowID, r.runID)
	}
	return r.run, nil
}

func (r *lazyRun) GetID() string                  { return r.workflowID }
func (r *lazyRun) GetFirstExecutionRunID() string { return "" }

func (r *lazyRun) GetRunID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.run == nil {
		return r.runID
	}
	return r.run.GetRunID()
}

func (r *lazyRun) Get(ctx context.Context, valuePtr interface{}) error {
	return r.GetWithOptions(ctx, valuePtr, WorkflowRunGetOptions{})
}

func (r *lazyRun) GetWithOptions(ctx context.Context, valuePtr interface{}, options WorkflowRunGetOptions) error {
	run, err := r.get(ctx)
	if err != nil {
		return err
	}
	return run.GetWithOptions(ctx, valuePtr, options)
}

// GetWorkflowHistory is documented at Client.
func (l *lazyClient) GetWorkflowHistory(ctx context.Context, workflowID string, runID string, isLongPoll bool, filterType enums.HistoryEventFilterType) HistoryEventIterator {
	c, err := l.dial(ctx)
	if err != nil {
		return failedIterator{err}
	}
	return c.GetWorkflowHistory(ctx, workflowID, runID, isLongPoll, filterType)
}

// failedIterator has nothing but an error to tell.
type failedIterator struct{ err error }

func (i failedIterator) HasNext() bool                           { return true }
func (i failedIterator) Next() (*apihistory.HistoryEvent, error) { return nil, i.err }

// NewWithStartWorkflowOperation is documented at Client.
func (l *lazyClient) NewWithStartWorkflowOperation(options StartWorkflowOptions, workflow interface{}, args ...interface{}) WithStartWorkflowOperation {
	return newWithStart(options, workflow, args)
}

// GetWorkflowUpdateHandle is documented at Client.
func (l *lazyClient) GetWorkflowUpdateHandle(ref GetWorkflowUpdateHandleOptions) WorkflowUpdateHandle {
	return &lazyUpdate{lazy: l, ref: ref}
}

// lazyUpdate is a WorkflowUpdateHandle of a client that may not be connected.
type lazyUpdate struct {
	lazy *lazyClient
	ref  GetWorkflowUpdateHandleOptions
}

func (u *lazyUpdate) WorkflowID() string { return u.ref.WorkflowID }
func (u *lazyUpdate) RunID() string      { return u.ref.RunID }
func (u *lazyUpdate) UpdateID() string   { return u.ref.UpdateID }

func (u *lazyUpdate) Get(ctx context.Context, valuePtr interface{}) error {
	c, err := u.lazy.dial(ctx)
	if err != nil {
		return err
	}
	return c.GetWorkflowUpdateHandle(u.ref).Get(ctx, valuePtr)
}

// GetActivityHandle is documented at Client.
func (l *lazyClient) GetActivityHandle(options GetActivityHandleOptions) ActivityHandle {
	return &lazyActivity{lazy: l, options: options}
}

// lazyActivity is an ActivityHandle of a client that may not be connected.
type lazyActivity struct {
	lazy    *lazyClient
	options GetActivityHandleOptions
}

func (a *lazyActivity) GetID() string    { return a.options.ActivityID }
func (a *lazyActivity) GetRunID() string { return a.options.RunID }

// handle is the handle of the client that is behind it.
func (a *lazyActivity) handle(ctx context.Context) (ActivityHandle, error) {
	c, err := a.lazy.dial(ctx)
	if err != nil {
		return nil, err
	}
	return c.GetActivityHandle(a.options), nil
}

func (a *lazyActivity) Get(ctx context.Context, valuePtr any) error {
	h, err := a.handle(ctx)
	if err != nil {
		return err
	}
	return h.Get(ctx, valuePtr)
}

func (a *lazyActivity) Describe(ctx context.Context, options DescribeActivityOptions) (*ActivityExecutionDescription, error) {
	h, err := a.handle(ctx)
	if err != nil {
		return nil, err
	}
	return h.Describe(ctx, options)
}

func (a *lazyActivity) Cancel(ctx context.Context, options CancelActivityOptions) error {
	h, err := a.handle(ctx)
	if err != nil {
		return err
	}
	return h.Cancel(ctx, options)
}

func (a *lazyActivity) Terminate(ctx context.Context, options TerminateActivityOptions) error {
	h, err := a.handle(ctx)
	if err != nil {
		return err
	}
	return h.Terminate(ctx, options)
}
