package testsuite

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// The environment takes all sessions: it is the only worker.
const (
	sessionQueue = "test-session-queue"
	sessionHost  = "test-host"
)

// sessionCall is what an activity does that holds or ends a session, nil for any other. Holding one is an activity that is
// completed when the session ends: nobody is at work meanwhile.
func (e *engine) sessionCall(t *history.Task) func(context.Context, activity.Info) (*common.Payloads, error) {
	var begin func(r *run, id string) error
	switch t.Type {
	case workflow.SessionCreationActivity:
		begin = func(r *run, id string) error { return e.holdSession(r, t.Event, id) }
	case workflow.SessionCompletionActivity:
		begin = e.endSession
	default:
		return nil
	}
	return func(context.Context, activity.Info) (*common.Payloads, error) {
		var id string
		if err := e.dataConverter.FromPayloads(t.Input, &id); err != nil {
			return nil, fmt.Errorf("decode session ID: %w", err)
		}
		return nil, begin(e.find(t.Run.WorkflowID, t.Run.RunID), id)
	}
}

func (e *engine) holdSession(r *run, event int64, id string) error {
	e.mu.Lock()
	limit := e.workerOptions.MaxConcurrentSessionExecutionSize
	full := limit > 0 && len(e.sessions) >= limit
	if !full {
		e.sessions[id] = event
	}
	e.mu.Unlock()
	if full {
		return millrace.NewNonRetryableApplicationError(fmt.Sprintf("worker holds %d sessions, the limit is %d", limit, limit), "TooManySessions", nil)
	}
	opened, err := e.dataConverter.ToPayloads(workflow.SessionOpened{TaskQueue: sessionQueue, HostName: sessionHost})
	if err != nil {
		return fmt.Errorf("tell workflow of session %s: %w", id, err)
	}
	r.deliver(&history.Message{ID: uuid.NewString(), Signal: &history.Signal{Name: id, Input: opened, Identity: e.identity}})
	return activity.ErrResultPending
}

func (e *engine) endSession(r *run, id string) error {
	e.mu.Lock()
	event := e.sessions[id]
	delete(e.sessions, id)
	e.mu.Unlock()
	e.post(func() {
		if t := r.tasks[event]; t != nil {
			t.current.complete(nil, nil)
		}
	})
	return nil
}
