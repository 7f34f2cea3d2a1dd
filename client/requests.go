package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// locate finds a run that can still be asked something: the exact one, or with an empty run ID the newest. A run that
// closed in favour of a successor passes requests on, so it is found; one that closed otherwise is ErrNotFound.
func (c *workflowClient) locate(ctx context.Context, workflowID, runID string) (*streams.StoredStart, error) {
	start, err := c.find(ctx, workflowID, runID)
	if err != nil {
		return nil, err
	}
	if err := c.checkOpen(ctx, start.Run.Run); err != nil {
		return nil, err
	}
	return start, nil
}

// checkOpen fails for a run that is closed without a successor.
func (c *workflowClient) checkOpen(ctx context.Context, run history.Run) error {
	closed, err := streams.RunClosed(ctx, c.ns, run)
	if err == nil && closed != nil && closed.Successor == "" {
		err = fmt.Errorf("run %s is closed as %s: %w", run, closed.Status, streams.ErrNotFound)
	}
	return err
}

// find finds a run, open or closed: the exact one, or with an empty run ID the newest. That there is none is said only
// when the broker's word for it counts.
func (c *workflowClient) find(ctx context.Context, workflowID, runID string) (*streams.StoredStart, error) {
	start, err := c.lookUp(ctx, workflowID, runID)
	if errors.Is(err, streams.ErrNotFound) {
		if err := c.ns.InContact(ctx, workflowID); err != nil {
			return nil, fmt.Errorf("look for a run of workflow %q: %w", workflowID, err)
		}
		start, err = c.lookUp(ctx, workflowID, runID)
	}
	if errors.Is(err, streams.ErrNotFound) {
		return nil, fmt.Errorf("there is no run of workflow %q%s in namespace %q: %w", workflowID, ofRun(runID), c.ns.Name(), streams.ErrNotFound)
	}
	return start, err
}

func (c *workflowClient) lookUp(ctx context.Context, workflowID, runID string) (*streams.StoredStart, error) {
	if runID != "" {
		return c.ns.FindStart(ctx, history.Run{WorkflowID: workflowID, RunID: runID})
	}
	start, _, err := streams.LastRun(ctx, c.ns, workflowID, 0)
	return start, err
}

func ofRun(runID string) string {
	if runID == "" {
		return ""
	}
	return fmt.Sprintf(" with run ID %q", runID)
}

// ask puts a request into the run's inbox. The run is resolved once: a repetition after a lost answer goes to the same.
func (c *workflowClient) ask(ctx context.Context, workflowID, runID string, m *history.Message) error {
	to, err := c.inbox(ctx, workflowID, runID)
	if err != nil {
		return err
	}
	if m.ID == "" {
		m.ID = uuid.NewString()
	}
	return c.send(ctx, to, m)
}

// SignalWorkflow is documented at Client.
func (c *workflowClient) SignalWorkflow(ctx context.Context, workflowID string, runID string, signalName string, arg interface{}) error {
	if c.interceptor != nil {
		return c.interceptor.SignalWorkflow(outgoing(ctx), &SignalWorkflowInput{
			WorkflowID: workflowID, RunID: runID, SignalName: signalName, Arg: arg})
	}
	return c.signalWorkflow(ctx, workflowID, runID, signalName, arg)
}

func (c *workflowClient) signalWorkflow(ctx context.Context, workflowID, runID, signalName string, arg interface{}) error {
	signal, err := c.newSignal(ctx, workflowID, signalName, arg)
	if err == nil {
		err = c.ask(ctx, workflowID, runID, &history.Message{Signal: signal})
	}
	if err != nil {
		return fmt.Errorf("signal %q to workflow %q: %w", signalName, workflowID, serviceError(err))
	}
	return nil
}

func (c *workflowClient) newSignal(ctx context.Context, workflowID, name string, arg interface{}) (*history.Signal, error) {
	if name == "" || len(name) > maxSignalName {
		return nil, serviceerror.NewInvalidArgument(fmt.Sprintf("the signal name has %d bytes, must be 1 to %d", len(name), maxSignalName))
	}
	var args []interface{}
	if arg != nil {
		args = append(args, arg)
	}
	input, err := c.encodeIn(ctx, c.ofWorkflow(workflowID), args)
	if err != nil {
		return nil, fmt.Errorf("argument: %w", err)
	}
	header, err := c.header(ctx)
	if err != nil {
		return nil, err
	}
	return &history.Signal{Name: name, Input: input, Header: header, Identity: c.options.Identity}, nil
}

// SignalWithStartWorkflow is documented at Client.
func (c *workflowClient) SignalWithStartWorkflow(ctx context.Context, workflowID string, signalName string, signalArg interface{},
	options StartWorkflowOptions, workflow interface{}, workflowArgs ...interface{}) (WorkflowRun, error) {
	options.ID = workflowID
	if c.interceptor != nil {
		name, err := calledName(workflow)
		if err != nil {
			return nil, err
		}
		return c.interceptor.SignalWithStartWorkflow(outgoing(ctx), &SignalWithStartWorkflowInput{
			SignalName: signalName, SignalArg: signalArg, Options: &options, WorkflowType: name, Args: workflowArgs})
	}
	return c.signalWithStart(ctx, signalName, signalArg, options, workflow, workflowArgs)
}

func (c *workflowClient) signalWithStart(ctx context.Context, signalName string, signalArg interface{},
	options StartWorkflowOptions, workflow interface{}, workflowArgs []interface{}) (WorkflowRun, error) {
	workflowID := options.ID
	start, err := c.newStart(ctx, options, workflow, workflowArgs)
	if err != nil {
		return nil, err
	}
	signal, err := c.newSignal(ctx, start.Run.WorkflowID, signalName, signalArg)
	if err != nil {
		return nil, fmt.Errorf("signal %q with start of workflow %q: %w", signalName, workflowID, err)
	}
	signal.ID = uuid.NewString()
	with := &history.Message{Signal: signal}
	if err := c.outsourceIn(ctx, start.Run.Run, with); err != nil {
		return nil, fmt.Errorf("signal %q with start of workflow %q: %w", signalName, workflowID, err)
	}
	start.Signal = with.Signal
	n := c.expect(start)
	run, err := c.signalOrStart(ctx, start, signal, options)
	if err != nil {
		c.forget(n)
		return nil, fmt.Errorf("signal %q with start of workflow %q: %w", signalName, workflowID, serviceError(err))
	}
	c.discardUnused(ctx, start, run)
	return c.handle(run, start, n), nil
}

// signalOrStart starts the run or signals the open one, and looks again when that one closes in between.
func (c *workflowClient) signalOrStart(ctx context.Context, start *history.Start, signal *history.Signal, options StartWorkflowOptions) (history.Run, error) {
	for {
		run, err := c.start(ctx, start, options, enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING)
		if err != nil || run.RunID == start.Run.RunID {
			return run.Run, err
		}
		m := &history.Message{ID: signal.ID, Signal: signal}
		located, err := c.locate(ctx, run.WorkflowID, run.RunID)
		if err == nil {
			err = c.send(ctx, located.Run, m)
		}
		if !errors.Is(err, streams.ErrNotFound) {
			return run.Run, err
		}
	}
}

// CancelWorkflow is documented at Client.
func (c *workflowClient) CancelWorkflow(ctx context.Context, workflowID string, runID string) error {
	return c.CancelWorkflowWithOptions(ctx, CancelWorkflowOptions{WorkflowID: workflowID, RunID: runID})
}

// TerminateWorkflow is documented at Client.
func (c *workflowClient) TerminateWorkflow(ctx context.Context, workflowID string, runID string, reason string, details ...interface{}) error {
	return c.TerminateWorkflowWithOptions(ctx, TerminateWorkflowOptions{WorkflowID: workflowID, RunID: runID, Reason: reason, Details: details})
}

// terminate closes a run by a message that asks for it.
func (c *workflowClient) terminate(ctx context.Context, workflowID, runID string, m *history.Message) error {
	start, err := c.locate(ctx, workflowID, runID)
	if err != nil {
		return err
	}
	if err := c.outsourceIn(ctx, start.Run.Run, m); err != nil {
		return err
	}
	return streams.TerminateRun(ctx, c.ns, start, m)
}

// ReleaseWorkflow is documented at Admin.
func (c *workflowClient) ReleaseWorkflow(ctx context.Context, workflowID string, runID string) error {
	start, err := c.locate(ctx, workflowID, runID)
	if err == nil {
		err = c.ns.DeleteBeats(ctx, start.Run.Run, 0)
	}
	if err != nil {
		return fmt.Errorf("release workflow %q: %w", workflowID, serviceError(err))
	}
	return nil
}
