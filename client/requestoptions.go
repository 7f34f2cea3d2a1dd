package client

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/history"
)

// CancelWorkflowOptions are the options of Client.CancelWorkflowWithOptions. WorkflowID is required.
type CancelWorkflowOptions struct {
	WorkflowID string
	// RunID is the run. Default: the newest one. It is not used with FirstExecutionRunID.
	RunID string
	// FirstExecutionRunID, unless it is empty, selects the newest run, which has to belong to the chain that this run began.
	FirstExecutionRunID string
	// Reason is kept in the history.
	Reason string
}

// TerminateWorkflowOptions are the options of Client.TerminateWorkflowWithOptions. WorkflowID is required.
type TerminateWorkflowOptions struct {
	// WorkflowID, RunID, FirstExecutionRunID and Reason are as in CancelWorkflowOptions.
	WorkflowID          string
	RunID               string
	FirstExecutionRunID string
	Reason              string
	// Details are kept in the history.
	Details []interface{}
}

// CancelWorkflowWithOptions is documented at Client.
func (c *workflowClient) CancelWorkflowWithOptions(ctx context.Context, options CancelWorkflowOptions) error {
	if c.interceptor != nil {
		return c.interceptor.CancelWorkflow(ctx, &CancelWorkflowInput{WorkflowID: options.WorkflowID, RunID: options.RunID,
			FirstExecutionRunID: options.FirstExecutionRunID, Reason: options.Reason})
	}
	return c.cancelWorkflow(ctx, options)
}

func (c *workflowClient) cancelWorkflow(ctx context.Context, o CancelWorkflowOptions) error {
	m := &history.Message{Cancel: &history.CancelRequest{Reason: o.Reason, Identity: c.options.Identity}}
	run, err := c.runOfChain(ctx, o.WorkflowID, o.RunID, o.FirstExecutionRunID)
	if err == nil {
		err = c.ask(ctx, o.WorkflowID, run, m)
	}
	if err != nil {
		return fmt.Errorf("cancel workflow %q: %w", o.WorkflowID, serviceError(err))
	}
	return nil
}

// TerminateWorkflowWithOptions is documented at Client.
func (c *workflowClient) TerminateWorkflowWithOptions(ctx context.Context, options TerminateWorkflowOptions) error {
	if c.interceptor != nil {
		return c.interceptor.TerminateWorkflow(ctx, &TerminateWorkflowInput{WorkflowID: options.WorkflowID, RunID: options.RunID,
			FirstExecutionRunID: options.FirstExecutionRunID, Reason: options.Reason, Details: options.Details})
	}
	return c.terminateWorkflow(ctx, options)
}

func (c *workflowClient) terminateWorkflow(ctx context.Context, o TerminateWorkflowOptions) error {
	payloads, err := c.encode(c.ofWorkflow(o.WorkflowID), o.Details)
	if err == nil {
		o.RunID, err = c.runOfChain(ctx, o.WorkflowID, o.RunID, o.FirstExecutionRunID)
	}
	if err == nil {
		err = c.terminate(ctx, o.WorkflowID, o.RunID, &history.Message{ID: uuid.NewString(),
			Terminate: &history.Termination{Reason: o.Reason, Details: payloads, Identity: c.options.Identity}})
	}
	if err != nil {
		return fmt.Errorf("terminate workflow %q: %w", o.WorkflowID, serviceError(err))
	}
	return nil
}

// runOfChain is the run ID to ask: the given one, or that of the newest run, which has to belong to the chain that first
// began.
func (c *workflowClient) runOfChain(ctx context.Context, workflowID, runID, first string) (string, error) {
	if first == "" {
		return runID, nil
	}
	found, err := c.find(ctx, workflowID, "")
	if err != nil {
		return "", err
	}
	return found.Run.RunID, c.checkChain(found, first)
}
