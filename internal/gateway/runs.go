package gateway

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/schedule"
	"github.com/millrace-dev/millrace/internal/standalone"
	"github.com/millrace-dev/millrace/streams"
)

// workTimeout bounds what does not wait for workflow code. It is less than the patience of those who ask.
const workTimeout = 20 * time.Second

func checkQueue(queue string) error {
	if err := streams.CheckTaskQueue(queue); err != nil {
		return err
	}
	if queue == schedule.TaskQueue {
		return &gatewire.Error{Code: gatewire.Denied, Message: "task queue " + queue + " is the engine's own"}
	}
	return nil
}

// runOf is the run that a request names. Those of the engine's own workflows take requests from those only who may reach
// the streams: they do more than who sends them.
func runOf(r gatewire.Run) (history.Run, error) {
	if err := checkWorkflowID(r.WorkflowID); err != nil {
		return history.Run{}, err
	}
	if len(r.RunID) > maxRunID {
		return history.Run{}, gatewire.Refuse("runId has %d bytes, the limit is %d", len(r.RunID), maxRunID)
	}
	return history.Run{WorkflowID: r.WorkflowID, RunID: r.RunID}, nil
}

const maxRunID = 200

// minUpdateWait is what sending an update, or looking for one, may take at least, however short its sender waits.
const minUpdateWait = 2 * time.Second

func checkWorkflowID(id string) error {
	if err := streams.CheckWorkflowID(id); err != nil {
		return err
	}
	for _, prefix := range []string{schedule.WorkflowID(""), standalone.WorkflowID("")} {
		if strings.HasPrefix(id, prefix) {
			return &gatewire.Error{Code: gatewire.Denied, Message: "workflow ID " + id + " is the engine's own"}
		}
	}
	return nil
}

func (g *Gateway) start(ctx context.Context, queue string, r *gatewire.StartRequest) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	if r.Signal != nil {
		return nil, gatewire.Refuse("signal: ask for signal-with-start")
	}
	start, err := newStart(queue, r)
	if err != nil {
		return nil, err
	}
	run, err := g.backend.Start(ctx, start, r.ReusePolicy, r.ConflictPolicy)
	return gatewire.RunOf(run), err
}

func newStart(queue string, r *gatewire.StartRequest) (*history.Start, error) {
	if err := checkWorkflowID(r.WorkflowID); err != nil {
		return nil, err
	}
	return r.Start(queue, time.Now())
}

func (g *Gateway) signalWithStart(ctx context.Context, queue string, r *gatewire.StartRequest) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	if r.Signal == nil {
		return nil, gatewire.Refuse("signal is missing")
	}
	start, err := newStart(queue, r)
	if err != nil {
		return nil, err
	}
	run, err := g.backend.SignalWithStart(ctx, start, r.ReusePolicy)
	return gatewire.RunOf(run), err
}

func (g *Gateway) signal(ctx context.Context, _ string, r *gatewire.SignalRequest) (any, error) {
	return g.send(ctx, r.Run, r.ID, &history.Message{Signal: &history.Signal{
		Name: r.Name, Input: r.Input, Header: r.Header, Identity: r.Identity}}, "")
}

func (g *Gateway) cancel(ctx context.Context, _ string, r *gatewire.CancelRequest) (any, error) {
	return g.send(ctx, r.Run, r.ID, &history.Message{Cancel: &history.CancelRequest{Reason: r.Reason, Identity: r.Identity}}, r.FirstRunID)
}

func (g *Gateway) terminate(ctx context.Context, _ string, r *gatewire.TerminateRequest) (any, error) {
	return g.send(ctx, r.Run, r.ID, &history.Message{Terminate: &history.Termination{
		Reason: r.Reason, Identity: r.Identity, Details: r.Details}}, r.FirstRunID)
}

// send puts a message into a run's inbox, or has it close the run.
func (g *Gateway) send(ctx context.Context, to gatewire.Run, id string, m *history.Message, first string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	run, err := runOf(to)
	if err != nil {
		return nil, err
	}
	m.ID = id
	if m.Terminate != nil {
		err = g.backend.Terminate(ctx, run, first, m)
	} else {
		err = g.backend.Send(ctx, run, first, m)
	}
	return struct{}{}, err
}

func (g *Gateway) query(ctx context.Context, _ string, r *gatewire.QueryRequest) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	run, err := runOf(r.Run)
	if err != nil {
		return nil, err
	}
	answer, err := g.backend.Query(ctx, &history.Query{Run: run, Type: r.Type, Args: r.Args, Header: r.Header, Reject: r.Reject})
	if err != nil {
		return nil, err
	}
	reply := gatewire.QueryReply{Rejected: answer.Rejected}
	reply.Result, err = g.whole(ctx, answer.Result)
	return reply, err
}

// whole is a list of payloads for somebody who cannot fetch what is stored elsewhere.
func (g *Gateway) whole(ctx context.Context, list *common.Payloads) (*common.Payloads, error) {
	return g.backend.Payloads().Whole(ctx, list)
}

func (g *Gateway) update(ctx context.Context, _ string, r *gatewire.UpdateRequest) (any, error) {
	run, err := runOf(r.Run)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, max(waitOf(r.WaitMillis), minUpdateWait))
	defer cancel()
	request := &history.UpdateRequest{ID: r.ID, Name: r.Name, Input: r.Input, Header: r.Header, Identity: r.Identity, Exact: run.RunID != ""}
	state, err := g.backend.Update(ctx, run, r.FirstRunID, request, client.WorkflowUpdateStage(r.Stage))
	return g.updateReply(ctx, state, err)
}

func (g *Gateway) outcome(ctx context.Context, _ string, r *gatewire.OutcomeRequest) (any, error) {
	run, err := runOf(r.Run)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, max(waitOf(r.WaitMillis), minUpdateWait))
	defer cancel()
	state, err := g.backend.Outcome(ctx, run, r.ID)
	return g.updateReply(ctx, state, err)
}

// updateReply says how far an update has come, or that the time for it was over first.
func (g *Gateway) updateReply(ctx context.Context, state client.UpdateState, err error) (any, error) {
	reply := gatewire.UpdateReply{Run: gatewire.RunOf(state.Run)}
	var over *client.WorkflowUpdateServiceTimeoutOrCanceledError
	if errors.As(err, &over) || err != nil && ctx.Err() != nil {
		reply.Waiting = true
		return reply, nil
	}
	if err != nil || state.Answer == nil {
		return reply, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTimeout)
	defer cancel()
	reply.Done = true
	if reply.Result, err = g.whole(ctx, state.Answer.Result); err != nil {
		return nil, err
	}
	reply.Failure, err = g.backend.Payloads().WholeFailure(ctx, state.Answer.Failure)
	return reply, err
}

func (g *Gateway) describe(ctx context.Context, _ string, r *gatewire.Run) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	run, err := runOf(*r)
	if err != nil {
		return nil, err
	}
	return g.backend.Describe(ctx, run)
}

func (g *Gateway) result(ctx context.Context, _ string, r *gatewire.ResultRequest) (any, error) {
	run, err := runOf(r.Run)
	if err != nil {
		return nil, err
	}
	wait := waitOf(r.WaitMillis)
	ctx, cancel := context.WithTimeout(ctx, wait+workTimeout)
	defer cancel()
	end, err := g.backend.AwaitEnd(ctx, run, wait)
	if err != nil {
		return nil, err
	}
	reply := gatewire.ResultReply{Run: gatewire.RunOf(end.Run), Type: end.Type, Closed: end.Closed, Status: end.Status, Successor: end.Successor}
	if !end.Closed {
		return reply, nil
	}
	if reply.Result, err = g.whole(ctx, end.Result); err != nil {
		return nil, err
	}
	if end.Status == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED {
		return reply, nil
	}
	reply.Failure, err = g.backend.Payloads().WholeFailure(ctx, end.Failure)
	return reply, err
}
