package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/query"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// QueryTypeStackTrace asks a run where its coroutines wait. Every workflow answers it.
const QueryTypeStackTrace string = "__stack_trace"

// QueryTypeOpenSessions asks a run for its open sessions, a list of workflow.SessionInfo. Every workflow answers it.
const QueryTypeOpenSessions string = "__open_sessions"

// defaultQueryTimeout bounds a query whose context has no deadline.
const defaultQueryTimeout = 10 * time.Second

// QueryWorkflowWithOptionsRequest asks a query handler.
type QueryWorkflowWithOptionsRequest struct {
	WorkflowID string
	// RunID is the run, empty for the newest.
	RunID     string
	QueryType string
	Args      []interface{}
	// QueryRejectCondition refuses runs by their status. Default: none.
	QueryRejectCondition enums.QueryRejectCondition
	// Header goes along with the query, below what interceptors and propagators write. Default: none.
	Header *common.Header
}

// QueryWorkflowWithOptionsResponse is the answer: a result, or the status for which the query was rejected.
type QueryWorkflowWithOptionsResponse struct {
	QueryRejected *query.QueryRejected
	QueryResult   converter.EncodedValue
}

// QueryWorkflow is documented at Client.
func (c *workflowClient) QueryWorkflow(ctx context.Context, workflowID string, runID string, queryType string, args ...interface{}) (converter.EncodedValue, error) {
	if c.interceptor != nil {
		return c.interceptor.QueryWorkflow(outgoing(ctx), &QueryWorkflowInput{WorkflowID: workflowID, RunID: runID, QueryType: queryType, Args: args})
	}
	return c.queryWorkflow(ctx, &QueryWorkflowWithOptionsRequest{WorkflowID: workflowID, RunID: runID, QueryType: queryType, Args: args})
}

// queryWorkflow has no way to tell that the query was rejected but an error.
func (c *workflowClient) queryWorkflow(ctx context.Context, request *QueryWorkflowWithOptionsRequest) (converter.EncodedValue, error) {
	r, err := c.queryWithOptions(ctx, request)
	if err != nil {
		return nil, err
	}
	if r.QueryRejected != nil {
		return nil, &rejectedError{r.QueryRejected}
	}
	return r.QueryResult, nil
}

// rejectedError is how a rejected query passes through interceptors.
type rejectedError struct{ rejected *query.QueryRejected }

func (e *rejectedError) Error() string {
	return fmt.Sprintf("query rejected: workflow is %v", e.rejected.Status)
}

// QueryWorkflowWithOptions is documented at Client.
func (c *workflowClient) QueryWorkflowWithOptions(ctx context.Context, request *QueryWorkflowWithOptionsRequest) (*QueryWorkflowWithOptionsResponse, error) {
	if c.interceptor == nil {
		return c.queryWithOptions(ctx, request)
	}
	ctx = workflow.ContextWithHeader(ctx, workflow.FieldsOf(request.Header))
	value, err := c.interceptor.QueryWorkflow(ctx, &QueryWorkflowInput{WorkflowID: request.WorkflowID, RunID: request.RunID,
		QueryType: request.QueryType, Args: request.Args, QueryRejectCondition: request.QueryRejectCondition})
	var rejected *rejectedError
	if errors.As(err, &rejected) {
		return &QueryWorkflowWithOptionsResponse{QueryRejected: rejected.rejected}, nil
	}
	if err != nil {
		return nil, err
	}
	return &QueryWorkflowWithOptionsResponse{QueryResult: value}, nil
}

func (c *workflowClient) queryWithOptions(ctx context.Context, request *QueryWorkflowWithOptionsRequest) (*QueryWorkflowWithOptionsResponse, error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultQueryTimeout)
		defer cancel()
	}
	args, err := c.encodeIn(ctx, c.ofWorkflow(request.WorkflowID), request.Args)
	if err != nil {
		return nil, fmt.Errorf("query %q of workflow %q: arguments: %w", request.QueryType, request.WorkflowID, err)
	}
	header, err := c.header(ctx)
	if err != nil {
		return nil, fmt.Errorf("query %q of workflow %q: %w", request.QueryType, request.WorkflowID, err)
	}
	if request.Header != nil {
		all := workflow.FieldsOf(request.Header)
		maps.Copy(all, workflow.FieldsOf(header))
		header = all.Encoded()
	}
	result, err := c.query(ctx, request, args, header)
	if err != nil {
		return nil, fmt.Errorf("query %q of workflow %q: %w", request.QueryType, request.WorkflowID, serviceError(err))
	}
	if result.Rejected != enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED {
		return &QueryWorkflowWithOptionsResponse{QueryRejected: &query.QueryRejected{Status: result.Rejected}}, nil
	}
	return &QueryWorkflowWithOptionsResponse{QueryResult: converter.NewEncodedValue(result.Result, c.converterOf(c.ofWorkflow(request.WorkflowID)))}, nil
}

// query asks a coordinator of the run's queue, and another when that one cannot answer.
func (c *workflowClient) query(ctx context.Context, request *QueryWorkflowWithOptionsRequest, args *common.Payloads, header *common.Header) (*history.QueryResult, error) {
	start, err := c.find(ctx, request.WorkflowID, request.RunID)
	if err != nil {
		return nil, err
	}
	if args, err = c.outsource(ctx, start.Run.Run, args); err != nil {
		return nil, err
	}
	data, err := history.Encode(&history.Query{Run: start.Run.Run, Type: request.QueryType, Args: args, Header: header, Reject: request.QueryRejectCondition})
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		result, err := c.queryOnce(ctx, start.Run, data)
		if errors.Is(err, streams.ErrUnavailable) && time.Since(begun) > workerGrace {
			return nil, serviceerror.NewUnavailable(fmt.Sprintf("no worker answers for task queue %q: %v", start.Run.Queue, err))
		}
		if err != nil && !errors.Is(err, streams.ErrUnavailable) || result != nil {
			return result, err
		}
		select {
		case <-ctx.Done():
			return nil, serviceerror.NewUnavailable(fmt.Sprintf("no worker of task queue %q can answer: %v", start.Run.Queue, ctx.Err()))
		case <-time.After(pause):
		}
	}
}

// workerGrace is how long a query waits for a worker to appear, as one does that is just starting.
const workerGrace = 3 * time.Second

// queryOnce asks one coordinator. It returns nothing when that one cannot answer but another might.
func (c *workflowClient) queryOnce(ctx context.Context, run history.Address, data []byte) (*history.QueryResult, error) {
	answer, err := c.ns.Query(ctx, run.Queue, run.Build, data)
	if err != nil {
		return nil, err
	}
	result, err := history.DecodeQueryResult(answer)
	switch {
	case err != nil:
		return nil, err
	case result.Failure == nil:
		return result, nil
	case !result.Retry:
		return nil, serviceerror.NewQueryFailed(result.Failure.Message)
	}
	return nil, nil
}
