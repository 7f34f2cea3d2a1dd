package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// CompleteActivity is documented at Client.
func (c *workflowClient) CompleteActivity(ctx context.Context, taskToken []byte, result interface{}, err error) error {
	token, terr := c.decodeToken(taskToken)
	if terr == nil {
		terr = c.complete(ctx, token, result, err)
	}
	if terr != nil {
		return fmt.Errorf("complete activity: %w", serviceError(terr))
	}
	return nil
}

// CompleteActivityByID is documented at Client.
func (c *workflowClient) CompleteActivityByID(ctx context.Context, namespace, workflowID, runID, activityID string, result interface{}, err error) error {
	token, terr := c.tokenByID(ctx, namespace, workflowID, runID, activityID)
	if terr == nil {
		terr = c.complete(ctx, token, result, err)
	}
	if terr != nil {
		return fmt.Errorf("complete activity %q of workflow %q: %w", activityID, workflowID, serviceError(terr))
	}
	return nil
}

// RecordActivityHeartbeat is documented at Client.
func (c *workflowClient) RecordActivityHeartbeat(ctx context.Context, taskToken []byte, details ...interface{}) error {
	token, err := c.decodeToken(taskToken)
	if err == nil {
		err = c.heartbeat(ctx, token, details)
	}
	if err != nil {
		return fmt.Errorf("record activity heartbeat: %w", serviceError(err))
	}
	return nil
}

// RecordActivityHeartbeatByID is documented at Client.
func (c *workflowClient) RecordActivityHeartbeatByID(ctx context.Context, namespace, workflowID, runID, activityID string, details ...interface{}) error {
	token, err := c.tokenByID(ctx, namespace, workflowID, runID, activityID)
	if err == nil {
		err = c.heartbeat(ctx, token, details)
	}
	if err != nil {
		return fmt.Errorf("record heartbeat of activity %q of workflow %q: %w", activityID, workflowID, serviceError(err))
	}
	return nil
}

func (c *workflowClient) decodeToken(data []byte) (*history.TaskToken, error) {
	token, err := history.DecodeTaskToken(data)
	if err != nil {
		return nil, serviceerror.NewInvalidArgument("task token: " + err.Error())
	}
	if token.Namespace != c.ns.Name() {
		return nil, serviceerror.NewInvalidArgument(fmt.Sprintf("task token is of namespace %q, the client's is %q", token.Namespace, c.ns.Name()))
	}
	return token, nil
}

// tokenByID finds the pending activity with the author's ID.
func (c *workflowClient) tokenByID(ctx context.Context, namespace, workflowID, runID, activityID string) (*history.TaskToken, error) {
	if namespace != "" && namespace != c.ns.Name() {
		return nil, serviceerror.NewInvalidArgument(fmt.Sprintf("namespace %q is not the client's, %q", namespace, c.ns.Name()))
	}
	h, err := c.readHistory(ctx, workflowID, runID)
	if err != nil {
		return nil, err
	}
	s, err := h.State()
	if err != nil {
		return nil, err
	}
	if s.Closed() {
		return nil, fmt.Errorf("run %s is closed: %w", s.Start.Run.Run, streams.ErrNotFound)
	}
	for id, a := range s.Activities {
		if a.Scheduled.ActivityID == activityID {
			p := s.Priority(a)
			return &history.TaskToken{Namespace: c.ns.Name(), Run: s.Start.Run, Event: id, Attempt: c.newestAttempt(ctx, s.Start.Run.Run, id),
				Queue: a.Scheduled.Queue, ActivityID: activityID, Type: a.Scheduled.Type, Build: a.Scheduled.Build, Class: p.Class(), Bucket: p.Bucket(),
				Generation: a.Generation()}, nil
		}
	}
	return nil, fmt.Errorf("run %s has no pending activity %q: %w", s.Start.Run.Run, activityID, streams.ErrNotFound)
}

// newestAttempt is the newest attempt that a worker has noted, 1 when there is none.
func (c *workflowClient) newestAttempt(ctx context.Context, run history.Run, id int64) int32 {
	data, _, err := c.ns.GetBeat(ctx, run, id)
	if err != nil {
		return 1
	}
	beat, err := history.DecodeBeat(data)
	if err != nil {
		return 1
	}
	return max(beat.Attempt, 1)
}

// complete reports the outcome and takes the task, which was left to rest, out of its queue. The first outcome wins: a
// later one finds the activity no longer pending. A failure that may be retried is no outcome yet.
func (c *workflowClient) complete(ctx context.Context, token *history.TaskToken, result interface{}, failed error) error {
	r := &history.ActivityResult{Scheduled: token.Event, Attempt: token.Attempt, Identity: c.options.Identity}
	if failed != nil {
		r.Failure = c.failuresOf(c.ofActivity(token)).ErrorToFailure(failed)
	} else if result != nil {
		var err error
		if r.Result, err = c.encode(c.ofActivity(token), []interface{}{result}); err != nil {
			return fmt.Errorf("result: %w", err)
		}
	}
	return c.report(ctx, token, r)
}

func (c *workflowClient) report(ctx context.Context, token *history.TaskToken, r *history.ActivityResult) error {
	if r.Failure != nil {
		if !endsActivity(r.Failure) {
			return c.reportFailure(ctx, token, r)
		}
		r.Retry = enums.RETRY_STATE_NON_RETRYABLE_FAILURE
	}
	if err := c.send(ctx, token.Run, resultMessage(r)); err != nil {
		return err
	}
	return c.ns.WithdrawTask(ctx, taskOf(token))
}

func resultMessage(r *history.ActivityResult) *history.Message {
	return &history.Message{ID: strconv.Itoa(int(r.Attempt)), Activity: r}
}

func taskOf(token *history.TaskToken) streams.TaskRef {
	return streams.TaskRef{Run: token.Run.Run, Queue: token.Queue, Activity: token.Event,
		TaskLane: streams.TaskLane{Build: token.Build, Class: token.Class, Bucket: token.Bucket}}
}

// endsActivity says whether a failure ends the activity whatever its retry policy is.
func endsActivity(f *failure.Failure) bool {
	return f.CanceledFailureInfo != nil || f.ApplicationFailureInfo != nil && f.ApplicationFailureInfo.NonRetryable
}

// reportFailure leaves the failure to the retry policy, which only the worker knows that looks at the task next. The task
// stays: it is what the next attempt is made of.
func (c *workflowClient) reportFailure(ctx context.Context, token *history.TaskToken, r *history.ActivityResult) error {
	// Nobody would look at the report, or delete it.
	queued, err := c.ns.TaskQueued(ctx, taskOf(token))
	if err != nil {
		return err
	}
	if !queued {
		return fmt.Errorf("activity %q of run %s is not pending: %w", token.ActivityID, token.Run.Run, streams.ErrNotFound)
	}
	// A late report must not take the place of one by the newest attempt.
	if newest := c.newestAttempt(ctx, token.Run.Run, token.Event); newest > token.Attempt {
		return succeededError(token, newest)
	}
	m := resultMessage(r)
	if err := c.outsourceIn(ctx, token.Run.Run, m); err != nil {
		return err
	}
	data, err := history.Encode(m)
	if err != nil {
		return err
	}
	return c.ns.ReportFailure(ctx, token.Run.Run, token.Event, data)
}

func succeededError(token *history.TaskToken, newest int32) error {
	return fmt.Errorf("attempt %d of activity %q was succeeded by attempt %d: %w", token.Attempt, token.ActivityID, newest, streams.ErrNotFound)
}

// heartbeat stores the details and the time, and tells of a requested cancel.
func (c *workflowClient) heartbeat(ctx context.Context, token *history.TaskToken, details []interface{}) error {
	payloads, err := c.encode(c.ofActivity(token), details)
	if err != nil {
		return fmt.Errorf("details: %w", err)
	}
	canceled, _, err := c.beat(ctx, token, payloads)
	if err == nil && canceled {
		return millrace.NewCanceledError()
	}
	return err
}

// beat says also whether the attempt is noted to be completed from outside.
func (c *workflowClient) beat(ctx context.Context, token *history.TaskToken, details *common.Payloads) (canceled, pending bool, err error) {
	run := token.Run.Run
	if details, err = c.outsource(ctx, run, details); err != nil {
		return false, false, fmt.Errorf("details: %w", err)
	}
	for range beatTries {
		pending, err = c.putBeat(ctx, token, details)
		if !errors.Is(err, streams.ErrConflict) {
			break
		}
	}
	if err != nil {
		return false, false, err
	}
	canceled, err = c.ns.CancelRequested(ctx, run, token.Event)
	return canceled, pending, err
}

// beatTries is how often a heartbeat is put that crosses those of others.
const beatTries = 5

// putBeat adds details to the record of the token's attempt. With ErrConflict somebody else has left another record meanwhile.
func (c *workflowClient) putBeat(ctx context.Context, token *history.TaskToken, details *common.Payloads) (pending bool, err error) {
	run := token.Run.Run
	beat := &history.Beat{Attempt: token.Attempt}
	data, last, err := c.ns.GetBeat(ctx, run, token.Event)
	if err != nil && !errors.Is(err, streams.ErrNotFound) {
		return false, err
	}
	if err == nil {
		if old, err := history.DecodeBeat(data); err == nil {
			beat = old
		}
	}
	if beat.Generation > token.Generation || beat.Generation == token.Generation && beat.Attempt > token.Attempt {
		return false, succeededError(token, beat.Attempt)
	}
	if beat.Generation < token.Generation {
		beat = &history.Beat{Attempt: token.Attempt, Generation: token.Generation}
	}
	beat.Details, beat.Time = details, time.Now().Round(0).UTC()
	if data, err = history.Encode(beat); err != nil {
		return false, err
	}
	_, err = c.ns.PutBeat(ctx, run, token.Event, data, last)
	return beat.Pending, err
}
