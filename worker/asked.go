package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// What operators ask of an activity stands in its run's history. A key in HEARTBEATS tells its workers to look there, so
// that nobody reads histories of whom nothing was asked.

// requests is what an attempt knows to be asked of its activity.
type requests struct {
	mu sync.Mutex // guards the rest, and is held while the history is read
	// told is the newest event that HEARTBEATS has told of, read what the history said then.
	told int64
	read *history.Control
}

// asked says whether cancellation was requested, and what else was asked, nil for nothing.
func (a *attempt) asked(ctx context.Context) (canceled bool, c *history.Control, err error) {
	asked, err := a.w.broker.Asked(ctx, a.run(), a.task.Event)
	if err != nil {
		return false, nil, fmt.Errorf("look what was asked of activity %d: %w", a.task.Event, err)
	}
	if asked.Control == 0 {
		return asked.Cancel, nil, nil
	}
	r := &a.requests
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told != asked.Control {
		past, err := a.readPast(ctx)
		if err != nil {
			return false, nil, err
		}
		r.told, r.read = asked.Control, &past.control
	}
	return asked.Cancel, r.read, nil
}

// askedByNow is asked with a look into the history in any case: two requests may have told of themselves in the wrong
// order.
func (a *attempt) askedByNow(ctx context.Context) (*history.Control, error) {
	a.requests.mu.Lock()
	a.requests.told = 0
	a.requests.mu.Unlock()
	_, c, err := a.asked(ctx)
	return c, err
}

// checkAsked ends an activity that was canceled before it could run, and parks one of which something else was asked. A
// task that has just been stored is not worth the look: what is asked in between reaches the function as if it came a
// little later.
func (a *attempt) checkAsked(ctx context.Context) (ended bool, err error) {
	if a.fresh(ctx) {
		return false, nil
	}
	canceled, c, err := a.asked(ctx)
	if err != nil {
		return false, err
	}
	if canceled {
		a.conclude(ctx, canceledFailure(nil), enums.RETRY_STATE_CANCEL_REQUESTED)
		return true, nil
	}
	if !c.Bars(a.task.Generation) {
		return false, nil
	}
	if a.lost && !atMostOnce(a.task) && !c.Restart {
		if ended, err := a.checkLost(ctx); err != nil || ended {
			return ended, err
		}
	}
	a.handBack(ctx, 0) // which parks it
	return true, nil
}

// checkRecall parks an activity of which something was asked while the attempt began: from when its word is in
// HEARTBEATS until here. Whoever asked later sees that word, and leaves the task alone.
func (a *attempt) checkRecall(ctx context.Context) (ended bool, err error) {
	if a.isFirst() || atMostOnce(a.task) {
		return false, nil
	}
	_, c, err := a.asked(ctx)
	if err != nil || !c.Bars(a.task.Generation) {
		return false, err
	}
	a.handBack(ctx, 0)
	return true, nil
}

// fresh says whether nothing can have been asked of the activity: its task has only just been put into the queue, or nobody
// asks anything of any.
func (a *attempt) fresh(ctx context.Context) bool {
	d := a.delivery
	if d.Deliveries > 1 || a.found != nil || a.task.Asked {
		return false
	}
	return time.Since(d.Published) < a.w.freshFor || a.w.broker.NothingAsked(ctx, a.run().WorkflowID, d.Published, a.w.freshFor)
}

// isFirst says whether no attempt can have come before.
func (a *attempt) isFirst() bool {
	return a.delivery.Deliveries == 1 && a.found == nil && a.number == 1
}

// restarts says whether the attempt after this one is the first again.
func (a *attempt) restarts(ctx context.Context) bool {
	if a.delivery == nil || atMostOnce(a.task) {
		return false
	}
	c, err := a.askedByNow(ctx)
	return err == nil && c.Bars(a.task.Generation) && c.Restart
}

// park removes the task of an activity of which something was asked since it was queued, AFTER the run was told so. The
// run puts the next one into the queue when it is time.
func (a *attempt) park(ctx context.Context, next int32) {
	m := history.NewParked(history.ActivityParked{Scheduled: a.task.Event, Generation: a.task.Generation, Attempt: next})
	if err := a.w.broker.Send(ctx, a.task.Run, m); err != nil {
		a.log().Warn("activity task could not be parked and is left to be delivered again", "error", err)
		return
	}
	a.pulse.end()
	a.hold.drop(ctx, false)
}

// past is what the history of a run says about an activity.
type past struct {
	// scheduled is not set for an activity that the history does not know.
	scheduled bool
	// ended says that the task is over: the activity has its outcome, the run is closed, or the task was parked.
	ended bool
	// goesOn says that it is over for having been parked only: there is another task, or will be.
	goesOn  bool
	control history.Control
}

// readPast reads what the history says about the activity.
func (a *attempt) readPast(ctx context.Context) (past, error) {
	var p past
	loaded, err := a.w.broker.Load(ctx, a.run(), 0)
	if err != nil {
		return p, fmt.Errorf("load run %s: %w", a.run(), err)
	}
	for i := range loaded.Records {
		t, err := streams.TransitionOf(ctx, a.w.broker, &loaded.Records[i])
		if err != nil {
			return p, fmt.Errorf("look what became of activity %d: %w", a.task.Event, err)
		}
		for j := range t.Events {
			e := &t.Events[j]
			p.scheduled = p.scheduled || e.ID == a.task.Event
			p.ended = p.ended || e.IsClosing() || endsActivity(e, a.task.Event)
			if history.ControlOf(e) == a.task.Event {
				p.control.Apply(e, t.Time)
			}
		}
	}
	c, own := &p.control, a.task.Generation
	over := c.Event > 0 && (c.Generation > own || c.Generation == own && c.Parked)
	p.ended, p.goesOn = p.ended || over, over && !p.ended
	return p, nil
}

// causeOf is the reason for which an attempt of a task of the given generation is to end early, nil for none.
func causeOf(c *history.Control, generation int64) error {
	switch {
	case c == nil:
	case c.Paused:
		return activity.ErrActivityPaused
	case c.Interrupt > generation:
		return activity.ErrActivityReset
	}
	return nil
}
