package client

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/payloads"
	"github.com/millrace-dev/millrace/streams"
)

// Backend is a client as package internal/gateway needs it: it takes and returns payloads as they are stored, and its
// callers choose what tells two requests apart. Programs have no use for it. It is safe for concurrent use; its errors are
// those of package streams and of package api/serviceerror.
type Backend struct{ client *workflowClient }

// BackendOf returns the Backend of a client made by Dial, which must stay open.
func BackendOf(c Client) (*Backend, error) {
	w, err := unwrap(context.Background(), c)
	if err != nil {
		return nil, err
	}
	return &Backend{w}, nil
}

// Streams are the namespace's streams.
func (b *Backend) Streams() *streams.Namespace { return b.client.ns }

// Payloads stores large payloads.
func (b *Backend) Payloads() *payloads.Store { return b.client.payloads }

// Start starts a run, or returns the one that the policies name in its place. It chooses the build and stores what is
// large. A start that is repeated under the same run ID finds the first one's run.
func (b *Backend) Start(ctx context.Context, start *history.Start, reuse enums.WorkflowIdReusePolicy, conflict enums.WorkflowIdConflictPolicy) (history.Run, error) {
	start, err := b.complete(ctx, start)
	if err != nil {
		return history.Run{}, err
	}
	run, err := b.client.start(ctx, start, StartWorkflowOptions{WorkflowIDReusePolicy: reuse}, conflict)
	if err != nil {
		return history.Run{}, err
	}
	b.client.discardUnused(ctx, start, run.Run)
	return run.Run, nil
}

// SignalWithStart signals the open run, or starts one that has the signal in its start from the beginning.
func (b *Backend) SignalWithStart(ctx context.Context, start *history.Start, reuse enums.WorkflowIdReusePolicy) (history.Run, error) {
	signal := start.Signal
	start, err := b.complete(ctx, start)
	if err != nil {
		return history.Run{}, err
	}
	run, err := b.client.signalOrStart(ctx, start, signal, StartWorkflowOptions{WorkflowIDReusePolicy: reuse})
	if err != nil {
		return history.Run{}, err
	}
	b.client.discardUnused(ctx, start, run)
	return run, nil
}

// complete adds what only somebody can know who reads the streams.
func (b *Backend) complete(ctx context.Context, start *history.Start) (*history.Start, error) {
	build, err := b.client.build(ctx, start.Run.Queue, start.Run.WorkflowID, start.Type)
	if err != nil {
		return nil, err
	}
	start.Run.Build = build
	return start.MapPayloads(func(run history.Run, list *common.Payloads) (*common.Payloads, error) {
		return b.client.outsource(ctx, run, list)
	})
}

// Send puts a message, which must have an ID, into the inbox of a run. An empty run ID is the newest run, which with
// first, unless that is empty, must belong to the chain that first began.
func (b *Backend) Send(ctx context.Context, run history.Run, first string, m *history.Message) error {
	runID, err := b.client.runOfChain(ctx, run.WorkflowID, run.RunID, first)
	if err == nil {
		err = b.client.ask(ctx, run.WorkflowID, runID, m)
	}
	return err
}

// Terminate is Send for a message that closes the run.
func (b *Backend) Terminate(ctx context.Context, run history.Run, first string, m *history.Message) error {
	runID, err := b.client.runOfChain(ctx, run.WorkflowID, run.RunID, first)
	if err == nil {
		err = b.client.terminate(ctx, run.WorkflowID, runID, m)
	}
	return err
}

// Query asks a run. What is large in the answer is not in references.
func (b *Backend) Query(ctx context.Context, q *history.Query) (*history.QueryResult, error) {
	request := &QueryWorkflowWithOptionsRequest{WorkflowID: q.Run.WorkflowID, RunID: q.Run.RunID, QueryType: q.Type, QueryRejectCondition: q.Reject}
	return b.client.query(ctx, request, q.Args, q.Header)
}

// UpdateState is how far an update has come. Answer is nil before its outcome is known.
type UpdateState struct {
	Run    history.Run
	Answer *history.UpdateAnswer
}

// Update sends an update and waits for a stage. When ctx ends first the error is a
// *WorkflowUpdateServiceTimeoutOrCanceledError, and the state says which run was asked.
func (b *Backend) Update(ctx context.Context, run history.Run, first string, request *history.UpdateRequest, stage WorkflowUpdateStage) (UpdateState, error) {
	to, err := b.client.updateTarget(ctx, UpdateWorkflowOptions{WorkflowID: run.WorkflowID, RunID: run.RunID, FirstExecutionRunID: first})
	if err != nil {
		return UpdateState{Run: run}, err
	}
	u := &updateHandle{client: b.client, id: request.ID, request: request}
	err = u.ask(ctx, to.Run, stage)
	b.client.forget(u.notice)
	return UpdateState{Run: *u.run.Load(), Answer: u.outcome.Load()}, err
}

// Outcome waits for the outcome of an update that was sent before. It fails like Update.
func (b *Backend) Outcome(ctx context.Context, run history.Run, updateID string) (UpdateState, error) {
	u := &updateHandle{client: b.client, id: updateID}
	u.run.Store(&run)
	answer, err := u.await(ctx, false)
	return UpdateState{Run: *u.run.Load(), Answer: answer}, u.asked(ctx, err)
}

// Describe is Client.DescribeWorkflow.
func (b *Backend) Describe(ctx context.Context, run history.Run) (*WorkflowExecutionDescription, error) {
	return b.client.describe(ctx, run.WorkflowID, run.RunID)
}

// EndedRun is how a run ended: by a result, or else a failure.
type EndedRun struct {
	Run       history.Run
	Type      string
	Closed    bool
	Status    enums.WorkflowExecutionStatus
	Result    *common.Payloads
	Failure   *failure.Failure
	Successor string
}

// AwaitEnd waits until a run has closed, or as long as wait. Of one that is open then it says which it is.
func (b *Backend) AwaitEnd(ctx context.Context, run history.Run, wait time.Duration) (EndedRun, error) {
	start, err := b.client.find(ctx, run.WorkflowID, run.RunID)
	if err != nil {
		return EndedRun{Run: run}, err
	}
	end := EndedRun{Run: start.Run.Run, Type: start.Type}
	closed, err := streams.RunClosed(ctx, b.client.ns, start.Run.Run)
	if err == nil && closed == nil && wait > 0 {
		ctx, cancel := context.WithTimeout(ctx, wait)
		defer cancel()
		if closed, err = b.client.awaitRecord(ctx, start.Run.Run, true); err != nil && ctx.Err() != nil {
			return end, nil
		}
	}
	if err != nil || closed == nil {
		return end, err
	}
	e := closed.Closing.Events[len(closed.Closing.Events)-1]
	end.Closed, end.Status, end.Successor = true, e.ClosedStatus(), closed.Successor
	end.Result, end.Failure = outcome(e)
	return end, nil
}

// CompleteActivity reports the outcome of an activity that some attempt is completed of from outside, as
// Client.CompleteActivity does.
func (b *Backend) CompleteActivity(ctx context.Context, token *history.TaskToken, r *history.ActivityResult) error {
	r.Scheduled, r.Attempt = token.Event, token.Attempt
	return b.client.report(ctx, token, r)
}

// Heartbeat is Client.RecordActivityHeartbeat. It says whether the activity was asked to cancel, and whether the attempt is
// noted to be completed from outside.
func (b *Backend) Heartbeat(ctx context.Context, token *history.TaskToken, details *common.Payloads) (canceled, pending bool, err error) {
	return b.client.beat(ctx, token, details)
}
