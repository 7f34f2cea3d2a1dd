package coordinator

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// Updates. Whether an update is accepted the code decides, and it decides on a prefix that holds everything that came
// before the update: what the same transition would bring before it is committed first. A rejected update is answered
// and leaves nothing behind; an accepted one is an event like a signal, and its answers can be had from the history.

// rejected is an update that the code did not take.
type rejected struct {
	*item
	failure *failure.Failure
}

// planUpdate drafts what an update leads to. It postpones one that cannot be judged before the transition is committed,
// and with it what was sent after it.
func (c *Coordinator) planUpdate(ctx context.Context, e *entry, p *plan, it *item) error {
	v := p.draft.Awaits(it.message)
	switch {
	case v != history.Taken:
		p.place(it, v)
		return nil
	case e.machine == nil: // nobody can judge it here; but a later order to terminate does not wait for it
		p.postponed = append(p.postponed, it)
		return nil
	case e.state().Transitions == 0:
		p.postpone(e, it)
		return nil
	case e.machine.Ahead(): // it will be judged when the run has been loaded again
		p.place(it, p.draft.Add(it.message))
		return nil
	case e.machine.Judges(it.message.Update.Name) && len(p.draft.Events()) > 0:
		p.postpone(e, it)
		return nil
	}
	if err := c.fetchArgs(ctx, it.message.Update.Input); err != nil {
		return err
	}
	invalid, err := c.validate(e, it.message.Update)
	if err != nil {
		return err
	}
	if invalid != nil {
		p.rejected = append(p.rejected, rejected{it, invalid})
		return nil
	}
	p.place(it, p.draft.Add(it.message))
	return nil
}

// postpone leaves an update to the next transition. When the run is about to close there may be none, and what was sent
// after it is not kept from this one.
func (p *plan) postpone(e *entry, it *item) {
	p.postponed = append(p.postponed, it)
	p.behind = !e.closing
}

// isBehind says whether an item was sent after an update that is postponed, and must not overtake it. An order to
// terminate may.
func (p *plan) isBehind(it *item) bool { return p.behind && it.isRequest() && !it.isTerminate() }

func (c *Coordinator) validate(e *entry, u *history.UpdateRequest) (invalid *failure.Failure, err error) {
	machine := e.machine
	err = c.guard(e, func(func()) (err error) {
		invalid, err = machine.Validate(u)
		return err
	})
	var blocked *BlockedError
	if errors.As(err, &blocked) {
		c.abandon(e, err)
	}
	return invalid, err
}

// resume gives what was postponed back to the run's mailbox. What was not delivered to this process is found again, or
// comes when it is.
func (c *Coordinator) resume(ctx context.Context, p *plan) {
	for _, it := range p.postponed {
		if it.delivery != nil && !c.post(ctx, it) {
			it.handBack(0)
		}
	}
}

// answerRejected tells those who asked that their updates were rejected. The prefix has been compared with the leader,
// or the transition that it led to is committed.
func (c *Coordinator) answerRejected(ctx context.Context, e *entry, p *plan) {
	for _, r := range p.rejected {
		u := r.message.Update
		c.answerUpdate(u.Asker, &history.UpdateAnswer{Run: e.run(), ID: u.ID, Step: history.UpdateRejected, Failure: r.failure})
		r.ack(ctx)
	}
}

// answerAgain answers an update that the history has settled, for whoever did not get the first answer.
func (c *Coordinator) answerAgain(e *entry, it *item) {
	if !it.isUpdate() {
		return
	}
	if answer := e.state().UpdateAnswer(it.message.Update.ID); answer != nil {
		c.answerUpdate(it.message.Update.Asker, answer)
	}
}

// answerCommitted tells those who asked what a committed transition means for their updates.
func (c *Coordinator) answerCommitted(e *entry, events []history.Event) {
	s := e.state()
	if s.Updates == nil {
		return
	}
	for i := range events {
		switch a := events[i].Attributes.(type) {
		case *history.WorkflowExecutionUpdateAccepted:
			if a.Asker != nil && a.Asker.Acceptance {
				c.answerUpdate(a.Asker, s.UpdateAnswer(a.ID))
			}
		case *history.WorkflowExecutionUpdateCompleted:
			u := s.Updates[a.ID]
			if u.Asker != nil && !(u.Asker.Acceptance && u.Event >= events[0].ID) { // else its acceptance has told it
				c.tell(u.Asker.Waiter, u.Asker.OutcomeKey(), s.UpdateAnswer(a.ID))
			}
		}
	}
	if !isClosing(events) {
		return
	}
	for _, id := range s.RunningUpdates() {
		if asker := s.Updates[id].Asker; asker != nil {
			c.tell(asker.Waiter, asker.OutcomeKey(), s.UpdateAnswer(id))
		}
	}
}

// answerUpdate answers a request, under the key that its asker looks at.
func (c *Coordinator) answerUpdate(to *history.UpdateAsker, answer *history.UpdateAnswer) {
	switch {
	case to == nil:
	case to.Acceptance:
		c.tell(to.Waiter, to.AcceptanceKey(), answer)
	case answer.Step != history.UpdateAccepted:
		c.tell(to.Waiter, to.OutcomeKey(), answer)
	}
}

func (c *Coordinator) tell(waiter, key string, answer *history.UpdateAnswer) {
	data, err := history.Encode(answer)
	if err == nil {
		err = c.broker.Answer(waiter, key, data)
	}
	if err != nil {
		c.cfg.Logger.Debug("whoever asked for an update was not told of it", "run", answer.Run.String(), "update", answer.ID, "error", err)
	}
}

// tooLate answers an update that reached a run after it had closed, or that nobody takes over.
func (c *Coordinator) tooLate(e *entry, it *item) {
	u, status := it.message.Update, e.state().Status
	c.answerUpdate(u.Asker, &history.UpdateAnswer{Run: e.run(), ID: u.ID, Step: history.UpdateTooLate, Status: status,
		Failure: tooLateFailure(status)})
}

func tooLateFailure(status enums.WorkflowExecutionStatus) *failure.Failure {
	return &failure.Failure{Message: fmt.Sprintf("workflow execution already completed, as %v", status), Source: "millrace"}
}
