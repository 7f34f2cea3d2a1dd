package coordinator

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// maxClosingRounds bounds how often a run is decided again because something arrived while it was closing.
const maxClosingRounds = 8

// decide runs the code on the plan, appends the transition, sends its effects and acknowledges.
func (c *Coordinator) decide(ctx context.Context, e *entry, p *plan) error {
	began := c.codeBegins()
	events, err := c.runCode(ctx, e, p)
	if err != nil {
		return err
	}
	c.measureCode(e, began)
	e.closing = false
	if isClosing(events) && !p.draft.Closed() {
		if p, events, err = c.closeLast(ctx, e, p, events); err != nil {
			return err
		}
	}
	cover, held, err := c.coverOf(ctx, e, p)
	if err != nil {
		return err
	}
	c.bind(e, events)
	calls := c.reserve(e, p, events, held)
	if err := c.commit(ctx, e, p, events, cover); err != nil {
		for _, call := range calls {
			call.attempt.Release()
		}
		return err
	}
	c.launch(ctx, e, calls)
	// Only while the cover was certainly ours can nobody else have sent the effects; those of what it has covered before, whoever
	// began the activities that are queued now may have sent.
	certain := held != nil && held != p.covering && c.keeper.certain(held)
	if err := c.sendEffects(ctx, e, cover, !certain); err != nil {
		return err
	}
	if len(p.wakes) > 0 {
		if err := c.rearm(ctx, e, p.draft.Time()); err != nil {
			return err
		}
	}
	if err := c.keepArmed(ctx, e, cover, e.state().Time); err != nil {
		return err
	}
	// Whoever consumed these before may have died before it sent what they cover.
	if err := c.sendOwed(ctx, e, p); err != nil {
		return err
	}
	for _, it := range p.settled {
		c.answerAgain(e, it)
	}
	// What an event of the draft settled is settled now that the draft is committed.
	for it := range each(p.taken, p.settled, p.wakes) {
		if len(calls) > 0 && it != held && it.delivery != nil && it.covers() == cover {
			it.handBack(aheadDelay) // another delivery of the message that covers what now runs
			continue
		}
		it.ack(ctx)
		c.sweep(ctx, e, it)
	}
	if err := c.settleRest(ctx, e, p); err != nil {
		return err
	}
	c.watchClock(e)
	c.resume(ctx, p.postponed)
	return nil
}

var errNoCover = errors.New("no message at hand covers the transition")

// coverOf chooses the message that stays unacknowledged until the transition's effects are sent, and returns it when
// this process holds it. It must be one that the transition consumes: what the history settled before, whoever else was
// given it may acknowledge without looking at this transition.
func (c *Coordinator) coverOf(ctx context.Context, e *entry, p *plan) (identity string, held *item, err error) {
	first := e.state().Transitions == 0
	for _, it := range p.items {
		if it.delivery != nil && (slices.Contains(p.taken, it) || first && it.isStart()) {
			return it.identity(), it, nil
		}
	}
	for _, it := range p.taken {
		if it.call != nil {
			return it.call.held.identity(), it.call.held, nil
		}
	}
	if p.covering != nil {
		return p.covering.identity(), p.covering, nil
	}
	if first {
		return history.StartIdentity, nil, nil
	}
	for _, it := range p.taken {
		if !it.inherited {
			return it.identity(), nil, nil
		}
	}
	if p.due {
		return c.clockCover(ctx, e, p)
	}
	return "", nil, errNoCover
}

// clockCover covers what the clock alone leads to by a wake-up: one that certainly nobody else has been given, or the
// one that this process has armed on the prefix that it decides on. Failing these it arms one first. Whoever is woken
// by a wake-up for the time that is named, or an earlier one, sends what it covers.
func (c *Coordinator) clockCover(ctx context.Context, e *entry, p *plan) (identity string, held *item, err error) {
	due := dueSince(e, p)
	sure, rung, least := false, false, due
	for _, it := range p.wakes {
		var at time.Time
		if it.isAlarm() {
			at, rung = it.alarm.due, true
		} else {
			at = it.message.WakeUp.Due
		}
		if at.After(due) {
			due = at
		}
		// One that is older than the deadline may have been dealt with long ago, by the time that it reached us.
		if it.delivery != nil && c.keeper.certain(it) && !at.Before(least) {
			held, sure = it, true
		}
	}
	if !sure && !(rung && !e.armed.IsZero() && !e.armed.After(due)) {
		if err := c.arm(ctx, e, due); err != nil {
			return "", nil, err
		}
	}
	return history.NewWakeUp(due).Identity(), held, nil
}

// dueSince is the earliest deadline for which the draft has events. Whoever else had been given a wake-up for that time or
// a later one would have appended them. Of a ScheduleToStart time-out that is not certain, as others may have found that the
// activity had started; so it counts where there is nothing else only.
func dueSince(e *entry, p *plan) (due time.Time) {
	if due = e.state().NextDeadline(p.draft.Time()); !due.IsZero() && !due.After(p.draft.Time()) {
		return due
	}
	due = time.Time{}
	for _, event := range p.draft.Events() {
		out, ok := event.Attributes.(*history.ActivityTaskTimedOut)
		if !ok {
			continue
		}
		if start := e.state().Activities[out.Scheduled].StartDeadline(); due.IsZero() || start.Before(due) {
			due = start
		}
	}
	return due
}

// runCode returns all events of the transition: the draft's, and what the workflow code decides on them.
func (c *Coordinator) runCode(ctx context.Context, e *entry, p *plan) ([]history.Event, error) {
	if e.machine == nil {
		return p.draft.Events(), nil // closed from outside, which needs no code
	}
	if err := c.fetch(ctx, e, p.draft.Events()); err != nil {
		if !isOutage(err) {
			c.abandon(e, err)
		}
		return nil, err
	}
	// Code that is given up on may end later: what it writes then is read by nobody.
	var decided []history.Event
	machine := e.machine
	err := c.execute(ctx, e, func(func()) (err error) {
		decided, err = machine.Decide(p.draft)
		return err
	})
	if err != nil {
		c.abandon(e, err)
		return nil, err
	}
	if len(machine.Locals()) > 0 {
		return c.runLocals(ctx, e, decided)
	}
	return decided, nil
}

func isClosing(events []history.Event) bool {
	return len(events) > 0 && events[len(events)-1].IsClosing()
}

// closeLast makes sure that a closing transition consumes what already waits in the inbox: as long as it finds
// something, the run is decided again with it. What arrives later is forwarded or becomes a dead letter.
func (c *Coordinator) closeLast(ctx context.Context, e *entry, p *plan, events []history.Event) (*plan, []history.Event, error) {
	for range maxClosingRounds {
		items, err := c.withWaiting(ctx, e, p.items, "")
		if err != nil {
			return nil, nil, err
		}
		// An update that does not wait any more was judged by somebody else.
		missing := slices.ContainsFunc(p.taken, func(it *item) bool { return it.missing })
		// What was sent after an update that has to wait for another transition does not wait when there may be none.
		waits := p.behind
		e.closing = e.closing || waits
		if len(items) == len(p.items) && !waits && !missing {
			break
		}
		again, err := c.plan(ctx, e, items)
		if err != nil {
			return nil, nil, err
		}
		if len(again.draft.Events()) == len(p.draft.Events()) {
			break
		}
		if err := c.reload(ctx, e); err != nil {
			return nil, nil, err
		}
		if again, err = c.plan(ctx, e, items); err != nil {
			return nil, nil, err
		}
		if events, err = c.runCode(ctx, e, again); err != nil {
			return nil, nil, err
		}
		p = again
		if !isClosing(events) || p.draft.Closed() {
			break
		}
	}
	return p, events, nil
}

// reload replaces the contents of an entry by the history's, because its machine ran ahead.
func (c *Coordinator) reload(ctx context.Context, e *entry) error {
	e.destroy()
	loaded, err := c.newEntry(knownStart{e.found, e.epoch})
	if err != nil {
		return err
	}
	loaded.suspicion, loaded.asked = e.suspicion, e.asked
	if err := c.fill(ctx, loaded); err != nil {
		return err
	}
	if loaded.lastSeq != e.lastSeq {
		loaded.destroy()
		return fmt.Errorf("reload run %s: %w", e.run(), streams.ErrConflict)
	}
	loaded.armed, loaded.sent, loaded.verified, loaded.troubled = e.armed, e.sent, e.verified, e.troubled
	loaded.closing, loaded.finished, loaded.overtaken = e.closing, e.finished, e.overtaken
	loaded.later, loaded.yielded, loaded.lane, loaded.pace = e.later, e.yielded, e.lane, e.pace
	*e = *loaded
	if e.machine == nil {
		return e.codeErr
	}
	return nil
}

// commit appends the transition. A refusal means that the entry is behind or ran ahead: the caller drops it.
func (c *Coordinator) commit(ctx context.Context, e *entry, p *plan, events []history.Event, cover string) error {
	events, err := c.outsource(ctx, e, events)
	if err != nil {
		return err
	}
	s := e.state()
	t := &history.Transition{
		RunID:        e.run().RunID,
		Number:       s.Transitions + 1,
		CommitID:     rand.Text(),
		Previous:     e.lastSeq,
		PreviousHash: e.lastHash,
		Cover:        cover,
		Time:         p.draft.Time(),
		Consumed:     p.draft.Consumed(),
		Events:       events,
		HistorySize:  e.size(),
	}
	t.TargetChanged = p.draft.TargetChanged()
	if t.Number == 1 {
		t.Consumed = append([]string{history.StartIdentity}, t.Consumed...)
	}
	data, err := c.encode(ctx, e, t)
	if err != nil {
		return err
	}
	info := streams.RecordInfo{
		Number:    t.Number,
		CommitID:  t.CommitID,
		Previous:  t.Previous,
		Type:      e.start.Type,
		Status:    statusAfter(events).String(),
		LastEvent: s.LastEvent + int64(len(events)),
		Search:    history.SearchText(searchAfter(s, events)),
	}
	if isClosing(events) {
		info.Waiter = e.start.Waiter // the effects do not wait for the notice, and nothing depends on it: it may be lost
	}
	if err := c.confirm(ctx, e); err != nil {
		return err
	}
	seq, err := c.broker.Append(ctx, e.run(), data, info, e.lastSeq)
	if err != nil {
		return fmt.Errorf("append transition %d of run %s: %w", t.Number, e.run(), err)
	}
	if err := c.confirm(ctx, e); err != nil {
		return err
	}
	e.lastSeq = seq
	e.note(data, t)
	e.past.add(data)
	e.finished = nil
	c.measureClose(e, events)
	t.Events = events
	if e.machine != nil {
		err = e.machine.Commit(t)
	} else {
		err = e.bare.Apply(t)
	}
	if err != nil {
		return fmt.Errorf("fold transition %d of run %s: %w", t.Number, e.run(), err)
	}
	c.answerCommitted(e, events)
	return nil
}

// searchAfter are the run's search attributes after events.
func searchAfter(s *history.State, events []history.Event) *common.SearchAttributes {
	search := s.Search
	for i := range events {
		if a, ok := events[i].Attributes.(*history.UpsertWorkflowSearchAttributes); ok {
			search = history.MergeSearch(search, a.Search)
		}
	}
	return search
}

// encode returns the record's bytes. Events too large for it are stored first, and the record refers to them.
func (c *Coordinator) encode(ctx context.Context, e *entry, t *history.Transition) ([]byte, error) {
	data, err := history.Encode(t)
	if err != nil || len(data) <= c.cfg.MaxRecord || len(t.Events) == 0 {
		return data, err
	}
	body, err := history.EncodeEvents(t.Events)
	if err != nil {
		return nil, err
	}
	ref, err := c.broker.PutBody(ctx, e.run(), t.CommitID, body)
	if err != nil {
		return nil, fmt.Errorf("store body of transition %d of run %s: %w", t.Number, e.run(), err)
	}
	ref.Size = int64(len(body))
	t.Events, t.Body = nil, ref
	return history.Encode(t)
}

func statusAfter(events []history.Event) enums.WorkflowExecutionStatus {
	if isClosing(events) {
		return events[len(events)-1].ClosedStatus()
	}
	return enums.WORKFLOW_EXECUTION_STATUS_RUNNING
}
