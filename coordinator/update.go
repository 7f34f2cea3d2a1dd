package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// Updates. A rejection is an acknowledgement that the history does not account for. So only who holds the message of an
// update alone judges it: one that was delivered before, or may have been since, is put into the inbox anew. Whoever
// still holds the old one can neither take the new one away, which covers what its acceptance leads to, nor come to
// another judgement than its holder while the history stays as it is.
//
// Whether an update is accepted the code decides, and it decides on a prefix that holds everything that came
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
	same := slices.IndexFunc(p.rejected, func(r rejected) bool { return r.message.Update.ID == it.message.Update.ID })
	v := p.draft.Awaits(it.message)
	switch {
	case v != history.Taken:
		p.place(it, v)
		return nil
	case it.missing: // it was dealt with while this process stood still
		p.postponed = append(p.postponed, it)
		return nil
	case e.machine == nil: // nobody can judge it here; but a later order to terminate does not wait for it
		p.postponed = append(p.postponed, it)
		return nil
	case it.delivery != nil && !c.holdsAlone(it):
		p.shared, p.behind = append(p.shared, it), !e.closing
		return nil
	case same >= 0: // the same question, again
		p.rejected = append(p.rejected, rejected{it, p.rejected[same].failure})
		return nil
	case e.state().Transitions == 0 || it.delivery == nil:
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
	invalid, err := c.validate(ctx, e, it.message.Update)
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

// missUpdates marks the updates among items that are not among those that wait.
func missUpdates(items []*item, waiting []streams.Waiting) {
	for _, it := range items {
		if it.isUpdate() && it.delivery != nil {
			it.missing = !slices.ContainsFunc(waiting, func(w streams.Waiting) bool { return w.Seq == it.seq })
		}
	}
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

// holdsAlone says whether nobody else has been given a delivered update, nor will be while it is dealt with here. When it was
// delivered is not known, but that it was stored before: one that was on its way for long, or in a process that stood still,
// is taken for lost to somebody else. A fresh copy is not: copies that wait in a backlog would be made anew for ever.
func (c *Coordinator) holdsAlone(it *item) bool {
	if it.deliveries() > 1 || !c.keeper.certain(it) {
		return false
	}
	return it.isRenewed() || c.cfg.Now().Sub(it.delivery.Published) <= c.cfg.AckWait/2
}

func (c *Coordinator) validate(ctx context.Context, e *entry, u *history.UpdateRequest) (invalid *failure.Failure, err error) {
	machine := e.machine
	err = c.execute(ctx, e, func(func()) (err error) {
		invalid, err = machine.Validate(u)
		return err
	})
	var blocked *BlockedError
	if errors.As(err, &blocked) {
		c.abandon(e, err)
	}
	return invalid, err
}

// renew puts a fresh copy of a shared message into the inbox, in the old one's place, and lets that go: what becomes of it
// in other hands does not matter any more. Whatever names the old one as its cover is covered by the copy.
func (c *Coordinator) renew(ctx context.Context, e *entry, p *plan) error {
	for _, it := range p.shared {
		m := *it.message
		m.Forwarded = it.place()
		if err := c.broker.Send(ctx, e.start.Run, &m); err != nil {
			return fmt.Errorf("renew %s of run %s: %w", it.identity(), e.run(), err)
		}
		it.ack(ctx)
		e.troubled = false // what is noted against the old one counts against the copy
	}
	return nil
}

// resume gives what was postponed back to the run's mailbox. What was not delivered to this process is found again, or
// comes when it is.
func (c *Coordinator) resume(ctx context.Context, items []*item) {
	for _, it := range items {
		if it.delivery != nil && !c.post(ctx, it) {
			it.handBack(0)
		}
	}
}

// answerRejected tells those who asked that their updates were rejected. The prefix has been compared with the leader,
// or the transition that it led to is committed.
//
// The message goes first, for certain: nothing else would keep it from being judged again, otherwise perhaps, when its
// sender has been told and has gone. Who is told nothing asks again.
func (c *Coordinator) answerRejected(ctx context.Context, e *entry, p *plan) {
	for _, r := range p.rejected {
		if !r.end() {
			continue // it was delivered to somebody else, or will be
		}
		if err := r.delivery.AckSync(ctx); err != nil {
			continue
		}
		u := r.message.Update
		c.answerUpdate(u.Asker, &history.UpdateAnswer{Run: e.run(), ID: u.ID, Step: history.UpdateRejected, Failure: r.failure})
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
			if u.Asker != nil && !toldBy(u, events) {
				c.tell(u.Asker.Waiter, u.Asker.OutcomeKey(), s.UpdateAnswer(a.ID))
			}
		}
	}
	if !isClosing(events) {
		return
	}
	for _, id := range s.RunningUpdates() {
		u := s.Updates[id]
		if u.Asker != nil && !toldBy(u, events) {
			c.tell(u.Asker.Waiter, u.Asker.OutcomeKey(), s.UpdateAnswer(id))
		}
	}
}

// toldBy says whether the answer to the acceptance of an update, among the same events, has told the outcome.
func toldBy(u *history.AcceptedUpdate, events []history.Event) bool {
	return u.Asker.Acceptance && u.Event >= events[0].ID
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
