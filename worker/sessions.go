package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/google/uuid"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

// sessions are those that a worker holds. It serves two queues for them: one that all session workers of a task queue
// share, on which they are asked for, and one of its own, on which the activities of its sessions come.
type sessions struct {
	// queue is the worker's own.
	queue string
	host  string
	limit int

	mu   sync.Mutex // guards open
	open map[string]chan struct{}
}

func newSessions(limit int) *sessions {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &sessions{queue: "session-" + uuid.NewString() + "@" + host, host: host, limit: limit, open: map[string]chan struct{}{}}
}

// begin notes a session; what is returned is closed when it is completed.
func (s *sessions) begin(id string) (<-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= s.limit {
		return nil, millrace.NewNonRetryableApplicationError(
			fmt.Sprintf("worker holds %d sessions, the limit is %d", len(s.open), s.limit), "TooManySessions", nil)
	}
	if _, twice := s.open[id]; twice {
		return nil, fmt.Errorf("session %s is open already", id)
	}
	completed := make(chan struct{})
	s.open[id] = completed
	return completed, nil
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, id)
}

// hold is the activity that holds a session on this worker: it lasts as long as the session. At its beginning it tells the
// workflow where it is.
func (s *sessions) hold(ctx context.Context, id string) error {
	completed, err := s.begin(id)
	if err != nil {
		return err
	}
	defer s.end(id)
	info := activity.GetInfo(ctx)
	run := info.WorkflowExecution
	opened := workflow.SessionOpened{TaskQueue: s.queue, HostName: s.host}
	if err := activity.GetClient(ctx).SignalWorkflow(ctx, run.ID, run.RunID, id, opened); err != nil {
		return fmt.Errorf("tell workflow of session %s: %w", id, err)
	}
	beat := time.NewTicker(max(info.HeartbeatTimeout/3, 100*time.Millisecond))
	defer beat.Stop()
	for {
		select {
		case <-completed:
			return nil
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), activity.ErrCanceled) {
				return nil // the workflow is done with it
			}
			return fmt.Errorf("session %s ends with its worker: %w", id, context.Cause(ctx))
		case <-activity.GetWorkerStopChannel(ctx):
			return millrace.NewNonRetryableApplicationError("worker of the session stops", "SessionWorkerStopped", nil)
		case <-beat.C:
			activity.RecordHeartbeat(ctx)
		}
	}
}

// complete is the activity that ends a session.
func (s *sessions) complete(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if completed := s.open[id]; completed != nil {
		close(completed)
		delete(s.open, id)
	}
	return nil
}

// sides are the activity sides that serve the sessions' queues. What is registered runs on the worker's own one.
func (w *worker) sessionSides(logger log.Logger) ([]func(context.Context) error, error) {
	s := newSessions(cmp.Or(w.options.MaxConcurrentSessionExecutionSize, defaultSessions))
	hold, err := newFunction(workflow.SessionCreationActivity, reflect.ValueOf(s.hold))
	if err != nil {
		return nil, err
	}
	complete, err := newFunction(workflow.SessionCompletionActivity, reflect.ValueOf(s.complete))
	if err != nil {
		return nil, err
	}
	creation := w.newActivitiesOf(workflow.SessionCreationQueue(w.queue), logger)
	creation.slots = newSlots(s.limit, 0)
	creation.find = func(name string) (*function, bool) { return hold, name == workflow.SessionCreationActivity }
	own := w.newActivitiesOf(s.queue, logger)
	own.find = func(name string) (*function, bool) {
		switch name {
		case workflow.SessionCreationActivity:
			return hold, true
		case workflow.SessionCompletionActivity:
			return complete, true
		}
		return w.registry.activity(name)
	}
	logger.Info("worker takes sessions", "sessionQueue", s.queue, "most", s.limit)
	return []func(context.Context) error{creation.run, own.run}, nil
}

const defaultSessions = 1000
