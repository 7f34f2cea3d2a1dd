package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// queryItem is a query that waits in a run's mailbox, where no transition is being decided at the same time.
type queryItem struct {
	query  *history.Query
	answer chan *history.QueryResult
}

// answer serves one query request. It answers nothing when the asker has given up.
func (c *Coordinator) answer(ctx, work context.Context, data []byte) []byte {
	q, err := history.DecodeQuery(data)
	if err != nil {
		return encodeAnswer(refuse(err))
	}
	qi := &queryItem{query: q, answer: make(chan *history.QueryResult, 1)}
	if !c.post(work, &item{run: q.Run, query: qi}) {
		return encodeAnswer(stoppingAnswer())
	}
	select {
	case r := <-qi.answer:
		return encodeAnswer(r)
	case <-ctx.Done():
		return nil
	}
}

func encodeAnswer(r *history.QueryResult) []byte {
	data, err := history.Encode(r)
	if err != nil {
		// The result came out of the same codec; a failure without details always encodes.
		data, _ = history.Encode(refuse(err))
	}
	return data
}

// stoppingAnswer sends the asker to another coordinator.
func stoppingAnswer() *history.QueryResult {
	return &history.QueryResult{Retry: true, Failure: &failure.Failure{Message: "coordinator is stopping", Source: "millrace"}}
}

func refuse(err error) *history.QueryResult {
	return &history.QueryResult{Failure: &failure.Failure{Message: err.Error(), Source: "millrace"}}
}

// answerQuery runs a handler on a prefix that was compared with the stream leader.
func (c *Coordinator) answerQuery(ctx context.Context, run history.Run, qi *queryItem) {
	e, err := c.open(ctx, run)
	if errors.Is(err, errNoRun) {
		qi.answer <- refuse(fmt.Errorf("there is no run %s", run))
		return
	}
	if err == nil {
		_, err = c.refresh(ctx, e)
	}
	if err != nil {
		if e != nil {
			c.drop(e)
		}
		r := refuse(err)
		r.Retry = true
		qi.answer <- r
		return
	}
	r := c.runQuery(ctx, e, qi.query)
	if e.machine == nil {
		c.drop(e)
	} else {
		c.keepLive(e) // whoever asks once asks again
	}
	qi.answer <- r
}

func (c *Coordinator) runQuery(ctx context.Context, e *entry, q *history.Query) *history.QueryResult {
	s := e.state()
	if rejects(q.Reject, s.Status) {
		return &history.QueryResult{Rejected: s.Status, Event: s.LastEvent}
	}
	if e.machine == nil {
		r := refuse(e.codeErr)
		r.Retry = errors.Is(e.codeErr, errUnknownType) || errors.Is(e.codeErr, errElsewhere)
		return r
	}
	if err := c.fetchArgs(ctx, q.Args); err != nil {
		return refuse(fmt.Errorf("query %q: arguments: %w", q.Type, err))
	}
	r := &history.QueryResult{Event: s.LastEvent}
	machine := e.machine
	err := c.guard(ctx, e, func(func()) (err error) {
		r.Result, err = machine.QueryWithHeader(q.Type, q.Args, q.Header)
		return err
	})
	if err != nil {
		var blocked *BlockedError
		if errors.As(err, &blocked) {
			c.abandon(e, err)
		}
		r := refuse(err)
		// The start is on its way to some coordinator: soon there is an answer.
		r.Retry = errors.Is(err, replay.ErrNotStarted)
		return r
	}
	if n := r.Result.Size(); n > c.cfg.MaxPayload {
		return refuse(fmt.Errorf("query %q: result is %d bytes, the limit is %d", q.Type, n, c.cfg.MaxPayload))
	}
	if c.cfg.Payloads != nil && r.Result != nil {
		if r.Result, err = c.cfg.Payloads.Put(ctx, e.run(), r.Result); err != nil {
			return refuse(fmt.Errorf("query %q: store result: %w", q.Type, err))
		}
	}
	return r
}

// rejects applies a query's reject condition to the run's status.
func rejects(condition enums.QueryRejectCondition, status enums.WorkflowExecutionStatus) bool {
	open := status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	switch condition {
	case enums.QUERY_REJECT_CONDITION_NOT_OPEN:
		return !open
	case enums.QUERY_REJECT_CONDITION_NOT_COMPLETED_CLEANLY:
		return !open && status != enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
	}
	return false
}
