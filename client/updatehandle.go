package client

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/update"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// An update is a message in the run's inbox, like a signal. What becomes of it is told to this client once, by a message
// that may be lost; that it was accepted and how it ended stands in the history as well. So whoever waits waits for the
// message, looks at the history from time to time and, as long as it says nothing, sends the update again: to an update
// that was rejected only that brings another answer.

// updateHandle is an update that this client has sent, or that somebody else has.
type updateHandle struct {
	client *workflowClient
	id     string
	// run is the run that was asked, or that has answered; its run ID may be empty.
	run atomic.Pointer[history.Run]
	// request is nil for an update of somebody else's; to is then the zero address.
	request *history.UpdateRequest
	to      history.Address
	// notice is that of the outcome, of a handle that was returned before it came, else nil.
	notice *notice
	// outcome is the answer that ends the update, nil until it is known.
	outcome atomic.Pointer[history.UpdateAnswer]
}

func (u *updateHandle) WorkflowID() string { return u.run.Load().WorkflowID }
func (u *updateHandle) RunID() string      { return u.run.Load().RunID }
func (u *updateHandle) UpdateID() string   { return u.id }

// Get is documented at WorkflowUpdateHandle.
func (u *updateHandle) Get(ctx context.Context, valuePtr interface{}) error {
	poll := func() (*PollWorkflowUpdateOutput, error) { return u.poll(ctx) }
	if i := u.client.interceptor; i != nil && u.outcome.Load() == nil {
		poll = func() (*PollWorkflowUpdateOutput, error) {
			run := u.run.Load()
			return i.PollWorkflowUpdate(ctx, &PollWorkflowUpdateInput{UpdateRef: &update.UpdateRef{UpdateId: u.id,
				WorkflowExecution: &common.WorkflowExecution{WorkflowId: run.WorkflowID, RunId: run.RunID}}})
		}
	}
	out, err := poll()
	switch {
	case err != nil:
		return err
	case out.Error != nil:
		return out.Error
	case valuePtr == nil || out.Result == nil || !out.Result.HasValue():
		return nil
	}
	if err := out.Result.Get(valuePtr); err != nil {
		return fmt.Errorf("decode result of update %q: %w", u.id, err)
	}
	return nil
}

// poll waits for the outcome.
func (u *updateHandle) poll(ctx context.Context) (*PollWorkflowUpdateOutput, error) {
	answer := u.outcome.Load()
	if answer == nil {
		var err error
		if answer, err = u.await(ctx, false); err != nil {
			return nil, u.failed(ctx, err)
		}
	}
	var value converter.EncodedValue
	if answer.Result != nil {
		value = u.client.updateValue(ctx, answer)
	}
	return &PollWorkflowUpdateOutput{Result: value, Error: u.client.updateError(answer)}, nil
}

func (u *updateHandle) failed(ctx context.Context, err error) error {
	if isEnd(ctx, err) {
		return NewWorkflowUpdateServiceTimeoutOrCanceledError(err)
	}
	return fmt.Errorf("update %q of workflow %q: %w", u.id, u.WorkflowID(), serviceError(err))
}

// ask sends the update and waits for the given stage.
func (u *updateHandle) ask(ctx context.Context, to history.Address, stage WorkflowUpdateStage) error {
	run := to.Run
	u.to = to
	u.run.Store(&run)
	known, err := u.closedBefore(ctx)
	if err != nil || known {
		return err
	}
	if u.client.notices != nil {
		u.request.Asker = &history.UpdateAsker{Waiter: u.client.notices.waiter, Key: uuid.NewString(),
			Acceptance: stage == WorkflowUpdateStageAccepted}
	}
	if u.request.Asker != nil && stage != WorkflowUpdateStageCompleted {
		u.notice = u.client.notices.expect(u.request.Asker.OutcomeKey())
	}
	w := u.wait(stage == WorkflowUpdateStageAccepted)
	defer w.end()
	if err := u.send(ctx); err != nil {
		return u.asked(ctx, err)
	}
	if stage == WorkflowUpdateStageAdmitted {
		return nil
	}
	answer, err := w.await(ctx)
	if err == nil && answer.Step == history.UpdateTooLate {
		err = errTooLate(answer.Run)
	}
	if err != nil || answer.Step != history.UpdateAccepted {
		u.client.forget(u.notice)
	}
	return u.asked(ctx, err)
}

func (u *updateHandle) asked(ctx context.Context, err error) error {
	if err != nil && isEnd(ctx, err) {
		return NewWorkflowUpdateServiceTimeoutOrCanceledError(err)
	}
	return err
}

// closedBefore looks at a run that is closed, so that nobody needs to be asked: whether it has accepted the update before.
func (u *updateHandle) closedBefore(ctx context.Context) (known bool, err error) {
	closed, err := streams.RunClosed(ctx, u.client.ns, u.to.Run)
	if err != nil || closed == nil {
		return false, err
	}
	w := u.wait(false)
	defer w.end()
	answer, err := w.look(ctx)
	if err != nil || answer == nil {
		return false, err
	}
	u.learn(answer)
	return true, nil
}

func (u *updateHandle) send(ctx context.Context) error {
	m := &history.Message{ID: history.UpdateMessageID(u.id), Update: u.request}
	return u.client.send(ctx, u.to, m)
}

// learn notes an answer.
func (u *updateHandle) learn(answer *history.UpdateAnswer) {
	run := answer.Run
	u.run.Store(&run)
	if answer.Step != history.UpdateAccepted {
		u.outcome.Store(answer)
	}
}

func (u *updateHandle) await(ctx context.Context, acceptance bool) (*history.UpdateAnswer, error) {
	w := u.wait(acceptance)
	defer w.end()
	return w.await(ctx)
}

// updateWait is one wait for an update.
type updateWait struct {
	*updateHandle
	// acceptance ends the wait when the update is accepted.
	acceptance bool
	key        string
	// notice is the handle's, or that of this wait.
	notice *notice
	// state is what the history said last of the run that was looked at, nil before.
	state *history.State
}

// wait begins to listen for the answer that is sent once.
func (u *updateHandle) wait(acceptance bool) *updateWait {
	w := &updateWait{updateHandle: u, acceptance: acceptance}
	if u.request == nil || u.request.Asker == nil {
		return w
	}
	if w.key = u.request.Asker.OutcomeKey(); acceptance {
		w.key = u.request.Asker.AcceptanceKey()
	} else if u.notice != nil {
		w.notice = u.notice
		return w
	}
	w.notice = u.client.notices.expect(w.key)
	return w
}

func (w *updateWait) end() {
	if w.notice != w.updateHandle.notice || w.outcome.Load() != nil {
		w.client.forget(w.notice)
	}
}

// maxUpdatePause is the longest time, in seconds, between two looks at the history for an update that is not accepted.
const maxUpdatePause = 30

func (w *updateWait) await(ctx context.Context) (*history.UpdateAnswer, error) {
	for pause := 1; ; pause = min(2*pause, maxUpdatePause) {
		for range pause {
			if answer, err := w.hear(ctx); err != nil || answer != nil {
				return answer, err
			}
			if w.request == nil {
				break // there is nothing to hear
			}
		}
		answer, err := w.look(ctx)
		switch {
		case err != nil:
			return nil, err
		case answer == nil && w.request == nil:
			err = w.admitted(ctx)
		case answer == nil && pause > 1:
			err = w.send(ctx)
		case answer == nil:
		case answer.Step == history.UpdateAccepted && !w.acceptance:
			return w.follow(ctx)
		default:
			w.learn(answer)
			return answer, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// hear waits for the answer, for a second at most.
func (w *updateWait) hear(ctx context.Context) (*history.UpdateAnswer, error) {
	if w.notice == nil {
		if w.request == nil && w.state == nil {
			return nil, nil // the first look comes before the first wait
		}
		timer := time.NewTimer(noticeTick)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	data, err := w.client.notices.await(ctx, w.notice)
	if err != nil {
		return nil, err
	}
	if data == nil {
		if w.notice.isSettled() {
			w.notice = w.client.notices.expect(w.key)
		}
		return nil, nil
	}
	answer, err := history.DecodeUpdateAnswer(data)
	if err != nil || answer.ID != w.id || answer.Run.WorkflowID != w.to.WorkflowID {
		w.notice = w.client.notices.expect(w.key) // it was not sent by us
		return nil, nil
	}
	w.learn(answer)
	return answer, nil
}

// look reads what is new in the history. It follows the run's successors, unless the update is for one run only, and
// fails when there is none that could accept the update.
func (w *updateWait) look(ctx context.Context) (*history.UpdateAnswer, error) {
	for {
		if err := w.read(ctx); err != nil {
			return nil, err
		}
		if answer := w.state.UpdateAnswer(w.id); answer != nil || !w.state.Closed() {
			return answer, nil
		}
		next := w.state.SuccessorStart()
		if next == nil || w.request == nil || w.request.Exact {
			return nil, errTooLate(w.state.Start.Run.Run)
		}
		if _, err := w.client.ns.FindStart(ctx, next.Run.Run); errors.Is(err, streams.ErrNotFound) {
			return nil, nil // whoever passes the update on starts it first
		} else if err != nil {
			return nil, err
		}
		w.state = nil
		w.run.Store(&next.Run.Run)
	}
}

func (w *updateWait) read(ctx context.Context) error {
	if w.state == nil {
		run := w.run.Load()
		h, err := w.client.readHistory(ctx, run.WorkflowID, run.RunID)
		if err != nil {
			return err
		}
		w.state, err = h.State()
		w.run.Store(&h.Start.Run.Run)
		return err
	}
	_, transitions, err := streams.ReadTransitions(ctx, w.client.ns, w.state.Start.Run.Run, w.state.Transitions)
	for _, t := range transitions {
		if err == nil {
			err = w.state.Apply(t)
		}
	}
	return err
}

// follow waits for the outcome of an update that the run has accepted.
func (w *updateWait) follow(ctx context.Context) (*history.UpdateAnswer, error) {
	f, err := w.client.ns.Follow(ctx, w.state.Start.Run.Run, w.state.Transitions)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // fails only on a connection that is closed
	for {
		record, err := f.Next(ctx)
		if err != nil {
			return nil, err
		}
		t, err := streams.TransitionOf(ctx, w.client.ns, record)
		if err == nil {
			err = w.state.Apply(t)
		}
		if err != nil {
			return nil, err
		}
		if answer := w.state.UpdateAnswer(w.id); answer.Step != history.UpdateAccepted {
			w.learn(answer)
			return answer, nil
		}
	}
}

// admitted fails when somebody else's update is neither accepted nor waiting to be.
func (w *updateWait) admitted(ctx context.Context) error {
	run := w.state.Start.Run
	waiting, err := w.client.ns.ReadInbox(ctx, run, history.SourceSignals, 0)
	if err != nil {
		return err
	}
	for i := range waiting {
		if m, err := history.DecodeMessage(waiting[i].Data); err == nil && m.Update != nil && m.Update.ID == w.id {
			return nil
		}
	}
	// It may have been accepted between the two looks.
	if answer, err := w.look(ctx); err != nil || answer != nil {
		return err
	}
	return fmt.Errorf("there is no update %q of run %s: %w", w.id, run.Run, streams.ErrNotFound)
}
