package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/standalone"
	"github.com/millrace-dev/millrace/streams"
)

type (
	// PauseActivityOptions are the options of Admin.PauseActivity. ActivityID is required.
	PauseActivityOptions struct {
		// WorkflowID is the workflow that called the activity; empty for an activity that was started by ExecuteActivity.
		WorkflowID string
		// RunID is the run of either. Default: the newest one.
		RunID string
		// ActivityID is the activity's ID, of the newest one where several that are pending have it.
		ActivityID string
		// Reason is for people: descriptions and histories show it. Identity says who asks; default: the client's.
		Reason   string
		Identity string
	}

	// UnpauseActivityOptions are the options of Admin.UnpauseActivity. The first five fields are those of
	// PauseActivityOptions.
	UnpauseActivityOptions struct {
		WorkflowID, RunID, ActivityID string
		Reason, Identity              string
		// ResetAttempts makes the next attempt the first. ResetHeartbeats hides from it what heartbeats have said.
		ResetAttempts, ResetHeartbeats bool
		// Jitter puts the next attempt off by a random time of at most this much. Default: none.
		Jitter time.Duration
	}

	// ResetActivityOptions are the options of Admin.ResetActivity. The first five fields are those of
	// PauseActivityOptions.
	ResetActivityOptions struct {
		WorkflowID, RunID, ActivityID string
		Reason, Identity              string
		// KeepPaused leaves a paused activity paused. Without it the reset ends the pause.
		KeepPaused bool
		// ResetHeartbeats hides from the next attempt what heartbeats have said.
		ResetHeartbeats bool
		// Jitter puts the next attempt off by a random time of at most this much. Default: none.
		Jitter time.Duration
	}
)

// control is what is asked of an activity.
type control struct {
	verb                          string
	workflowID, runID, activityID string
	identity                      string
	jitter                        time.Duration
	// request makes the request; done says that the activity is as it asks for.
	request func(scheduled int64, identity string, notBefore time.Time) *history.ActivityRequest
	done    func(c *history.Control) bool
}

// PauseActivity is documented at Admin.
func (c *workflowClient) PauseActivity(ctx context.Context, o PauseActivityOptions) error {
	return c.control(ctx, control{verb: "pause", workflowID: o.WorkflowID, runID: o.RunID, activityID: o.ActivityID, identity: o.Identity,
		request: func(id int64, identity string, _ time.Time) *history.ActivityRequest {
			return &history.ActivityRequest{Pause: &history.ActivityTaskPaused{Scheduled: id, Reason: o.Reason, Identity: identity}}
		},
		done: func(c *history.Control) bool { return c != nil && c.Paused },
	})
}

// UnpauseActivity is documented at Admin.
func (c *workflowClient) UnpauseActivity(ctx context.Context, o UnpauseActivityOptions) error {
	return c.control(ctx, control{verb: "unpause", workflowID: o.WorkflowID, runID: o.RunID, activityID: o.ActivityID, identity: o.Identity, jitter: o.Jitter,
		request: func(id int64, identity string, notBefore time.Time) *history.ActivityRequest {
			return &history.ActivityRequest{Unpause: &history.ActivityTaskUnpaused{Scheduled: id, ResetAttempts: o.ResetAttempts,
				ResetHeartbeats: o.ResetHeartbeats, NotBefore: notBefore, Reason: o.Reason, Identity: identity}}
		},
		done: func(c *history.Control) bool { return c == nil || !c.Paused },
	})
}

// ResetActivity is documented at Admin.
func (c *workflowClient) ResetActivity(ctx context.Context, o ResetActivityOptions) error {
	return c.control(ctx, control{verb: "reset", workflowID: o.WorkflowID, runID: o.RunID, activityID: o.ActivityID, identity: o.Identity, jitter: o.Jitter,
		request: func(id int64, identity string, notBefore time.Time) *history.ActivityRequest {
			return &history.ActivityRequest{Reset: &history.ActivityTaskReset{Scheduled: id, KeepPaused: o.KeepPaused,
				ResetHeartbeats: o.ResetHeartbeats, NotBefore: notBefore, Reason: o.Reason, Identity: identity}}
		},
		done: func(*history.Control) bool { return false },
	})
}

func (c *workflowClient) control(ctx context.Context, r control) error {
	if err := c.tryControl(ctx, r); err != nil {
		return fmt.Errorf("%s activity %q%s: %w", r.verb, r.activityID, ofWorkflowID(r.workflowID), serviceError(err))
	}
	return nil
}

func ofWorkflowID(id string) string {
	if id == "" {
		return ""
	}
	return fmt.Sprintf(" of workflow %q", id)
}

// tryControl puts the request into the inbox of the activity's run, and waits until the run has taken note of it.
func (c *workflowClient) tryControl(ctx context.Context, r control) error {
	switch {
	case r.activityID == "":
		return serviceerror.NewInvalidArgument("ActivityID is empty")
	case r.jitter < 0:
		return serviceerror.NewInvalidArgument(fmt.Sprintf("Jitter is %v: it must be at least 0", r.jitter))
	case r.workflowID == "":
		r.workflowID = standalone.WorkflowID(r.activityID)
	}
	if r.identity == "" {
		r.identity = c.options.Identity
	}
	s, a, err := c.pendingActivity(ctx, r)
	if err != nil {
		return err
	}
	if r.done(a.Control) {
		return nil
	}
	var notBefore time.Time
	if r.jitter > 0 {
		notBefore = time.Now().Add(rand.N(r.jitter)).Round(0).UTC()
	}
	run := s.Start.Run
	m := &history.Message{ID: uuid.NewString(), Asked: r.request(a.Event, r.identity, notBefore)}
	if err := c.send(ctx, run, m); err != nil {
		return err
	}
	return c.awaitState(ctx, run.Run, func(s *history.State) (bool, error) {
		a := s.Activities[a.Event]
		switch {
		case s.Seen(m.Identity()), a != nil && r.done(a.Control):
			return true, nil
		case a == nil || s.Closed():
			return false, fmt.Errorf("activity %q of run %s has ended in the meantime: %w", r.activityID, run.Run, streams.ErrNotFound)
		}
		return false, nil
	})
}

// pendingActivity finds the activity that a request is for, in an open run.
func (c *workflowClient) pendingActivity(ctx context.Context, r control) (*history.State, *history.PendingActivity, error) {
	h, err := c.readHistory(ctx, r.workflowID, r.runID)
	if err != nil {
		return nil, nil, err
	}
	s, err := h.State()
	if err != nil {
		return nil, nil, err
	}
	if s.Closed() {
		return nil, nil, fmt.Errorf("run %s is closed: %w", s.Start.Run.Run, streams.ErrNotFound)
	}
	var found *history.PendingActivity
	for id, a := range s.Activities {
		if a.Scheduled.ActivityID == r.activityID && (found == nil || id > found.Event) {
			found = a
		}
	}
	if found == nil {
		return nil, nil, fmt.Errorf("run %s has no pending activity %q (a local activity is none: it cannot be paused or reset): %w",
			s.Start.Run.Run, r.activityID, streams.ErrNotFound)
	}
	return s, found, nil
}

// awaitState waits until a run is as wanted.
func (c *workflowClient) awaitState(ctx context.Context, run history.Run, wanted func(*history.State) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, optionsPatience)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		h, err := c.readHistory(ctx, run.WorkflowID, run.RunID)
		if err != nil {
			return unlessLate(ctx, run, err)
		}
		s, err := h.State()
		if err != nil {
			return err
		}
		if ok, err := wanted(s); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return unlessLate(ctx, run, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// unlessLate is err, unless the time is over: then the change still waits for the run.
func unlessLate(ctx context.Context, run history.Run, err error) error {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return serviceerror.NewDeadlineExceeded(fmt.Sprintf("no worker that decides for it has taken the change for run %s yet: it waits in the run's inbox", run))
	}
	return err
}
