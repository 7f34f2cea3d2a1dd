package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// sendEffects sends the outstanding effects that the message with this identity covers, and returns when all are
// acknowledged. With again set they may have been sent before, so each task is preceded by a look for its result.
//
// The wake-up is armed last: arming replaces the armed wake-up, which may be the cover itself.
func (c *Coordinator) sendEffects(ctx context.Context, e *entry, cover string, again bool) error {
	effects := e.state().Effects(cover)
	if again && len(effects) > 0 {
		if changed, err := c.refresh(ctx, e); err != nil {
			return err
		} else if changed {
			effects = e.state().Effects(cover)
		}
	}
	if len(effects) == 0 {
		e.sent = cover
		return nil
	}
	var arm *history.ArmWakeUp
	sends := effects[:0:0]
	for _, effect := range effects {
		if a, ok := effect.(*history.ArmWakeUp); ok {
			arm = a
		} else {
			sends = append(sends, effect)
		}
	}
	if err := c.sendAll(ctx, e, sends, again); err != nil {
		return fmt.Errorf("effects of run %s covered by %q: %w", e.run(), cover, err)
	}
	if arm != nil {
		if err := c.arm(ctx, e, arm.Due); err != nil {
			return err
		}
	}
	e.sent = cover
	return nil
}

// sendAll sends effects, maxSends at a time and the last on the caller's goroutine.
func (c *Coordinator) sendAll(ctx context.Context, e *entry, effects []history.Effect, again bool) error {
	switch len(effects) {
	case 0:
		return nil
	case 1:
		return c.send(ctx, e, effects[0], again)
	}
	errs := make([]error, len(effects))
	var wait sync.WaitGroup
	slots := make(chan struct{}, min(len(effects), maxSends))
	last := len(effects) - 1
	for i, effect := range effects[:last] {
		slots <- struct{}{}
		wait.Add(1)
		c.pool.Run(func() {
			errs[i] = c.send(ctx, e, effect, again)
			<-slots
			wait.Done()
		})
	}
	errs[last] = c.send(ctx, e, effects[last], again)
	wait.Wait()
	return errors.Join(errs...)
}

// maxSends bounds how many effects of one run are on their way at a time.
const maxSends = 256

// effectTimeout bounds one attempt to send an effect: a child's start may have to wait for another run to end, and what
// takes longer is handed back and tried again.
const effectTimeout = 90 * time.Second

func (c *Coordinator) send(ctx context.Context, e *entry, effect history.Effect, again bool) error {
	if x, ok := effect.(*history.SendTask); ok {
		return c.sendTask(ctx, e, x.Task, again) // one message: the broker answers or is given up before that
	}
	ctx, cancel := context.WithTimeout(ctx, effectTimeout)
	defer cancel()
	switch x := effect.(type) {
	case *history.CancelTask:
		return c.broker.RequestCancel(ctx, e.run(), x.Activity)
	case *history.WithdrawTask:
		if err := c.broker.RequestCancel(ctx, e.run(), x.Activity); err != nil {
			return err
		}
		return c.broker.WithdrawTask(ctx, streams.TaskRef{Run: e.run(), Queue: x.Queue, Activity: x.Activity,
			TaskLane: streams.TaskLane{Build: x.Build, Class: x.Class, Bucket: x.Bucket}})
	case *history.TellTask:
		return c.tellTask(ctx, e, x)
	case *history.StartChild:
		return c.startChild(ctx, e, x)
	case *history.StartSuccessor:
		return c.startSuccessor(ctx, e, x.Start)
	case *history.SendRequest:
		return c.sendRequest(ctx, e, x)
	case *history.NotifyParent:
		return c.broker.Send(ctx, x.Parent.Address, &history.Message{ID: "closed", Child: x.Outcome})
	}
	return fmt.Errorf("effect %T is not known", effect)
}

// sendTask publishes an activity task. When it may have been published before, a result that already waits is looked
// for first: the task's subject is free again as soon as its worker has acknowledged.
func (c *Coordinator) sendTask(ctx context.Context, e *entry, task *history.Task, again bool) error {
	ref := streams.RefOf(task)
	if again {
		waiting, err := c.broker.ReadInbox(ctx, e.start.Run, history.ActivitySource(task.Event), streams.ActivityMessages)
		if err != nil {
			return fmt.Errorf("look for the result of activity %d: %w", task.Event, err)
		}
		if streams.EndsTask(waiting, task.Generation) {
			return nil
		}
	}
	data, err := history.Encode(task)
	if err != nil {
		return err
	}
	// A task that is queued, running or backing off is refused by its subject: that is as good as sent.
	for room := true; room; {
		stored, err := c.broker.PublishTask(ctx, ref, data)
		if room = false; err == nil && !stored && task.Generation > 0 {
			room, err = c.makeRoom(ctx, ref, task.Generation)
		}
		if err != nil {
			return fmt.Errorf("publish task of activity %d: %w", task.Event, err)
		}
	}
	return nil
}

// startChild starts a child and reports what became of it to the run's own inbox.
func (c *Coordinator) startChild(ctx context.Context, e *entry, x *history.StartChild) error {
	outcome := &history.ChildOutcome{Initiated: x.Initiated, RunID: x.Start.Run.RunID}
	_, err := streams.StartRun(ctx, c.broker, streams.StartRequest{Start: x.Start, Reuse: x.Reuse})
	var already *streams.AlreadyStartedError
	switch {
	case err == nil:
		outcome.Status = enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	case errors.As(err, &already):
		outcome.RunID = already.Run.RunID
		outcome.Cause = enums.START_CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_EXISTS
	default:
		return fmt.Errorf("start child %s: %w", x.Start.Run.Run, err)
	}
	return c.broker.Send(ctx, e.start.Run, &history.Message{ID: "started", Child: outcome})
}

// startSuccessor starts the run that takes over. That it was started by someone else is as good. That the workflow ID
// went to another run is believed only after a while: nobody gives it away before the successor has started.
func (c *Coordinator) startSuccessor(ctx context.Context, e *entry, start *history.Start) error {
	_, err := streams.StartRun(ctx, c.broker, streams.StartRequest{Start: start, Successor: true, After: e.found.Seq})
	var already *streams.AlreadyStartedError
	if errors.As(err, &already) && c.cfg.Now().Sub(e.state().Time) > grace {
		return nil
	}
	if err != nil {
		return fmt.Errorf("start successor %s: %w", start.Run.Run, err)
	}
	return nil
}

// sendRequest delivers a signal or cancel request to another run's inbox, and reports the outcome when asked to.
func (c *Coordinator) sendRequest(ctx context.Context, e *entry, x *history.SendRequest) error {
	to, err := c.locate(ctx, e, x)
	if errors.Is(err, errNoRun) && x.Early != nil {
		to, err = *x.Early, nil
	}
	found := err == nil
	if err != nil && !errors.Is(err, streams.ErrNotFound) {
		return fmt.Errorf("locate run %s: %w", x.Target, err)
	}
	if found {
		if err := c.broker.Send(ctx, to, x.Message); err != nil {
			return fmt.Errorf("send to run %s: %w", x.Target, err)
		}
	}
	if x.External == 0 {
		return nil
	}
	return c.broker.Send(ctx, e.start.Run, &history.Message{
		ID:       "done",
		External: &history.ExternalResult{Initiated: x.External, NotFound: !found},
	})
}

// locate finds the inbox of the run that a request is for: the exact one, or with an empty run ID the workflow's last.
// ErrNotFound is for a run that does not exist, is closed without a successor (the inbox of one with a successor
// passes requests on), or is not the child that it has to be.
func (c *Coordinator) locate(ctx context.Context, e *entry, x *history.SendRequest) (history.Address, error) {
	var found *streams.StoredStart
	var err error
	if x.Target.RunID != "" {
		found, err = c.broker.FindStart(ctx, x.Target)
	} else {
		found, _, err = streams.LastRun(ctx, c.broker, x.Target.WorkflowID, 0)
	}
	if errors.Is(err, streams.ErrNotFound) && e.started(x.Target) {
		return history.Address{}, fmt.Errorf("%w: child %s has started and is not found", errStale, x.Target)
	}
	if err != nil {
		return history.Address{}, noRun(x.Target, err)
	}
	if x.ChildOnly {
		start, err := history.DecodeStart(found.Data)
		if err != nil {
			return history.Address{}, err
		}
		if start.Parent == nil || start.Parent.Run != e.run() {
			return history.Address{}, fmt.Errorf("run %s is not a child of run %s: %w", found.Run.Run, e.run(), streams.ErrNotFound)
		}
	}
	closed, err := streams.RunClosed(ctx, c.broker, found.Run.Run)
	if err != nil {
		return history.Address{}, err
	}
	if closed != nil && closed.Successor == "" {
		return history.Address{}, fmt.Errorf("run %s is closed: %w", found.Run.Run, streams.ErrNotFound)
	}
	return found.Run, nil
}

// started says whether the target is a child of which the history knows that it has started.
func (e *entry) started(target history.Run) bool {
	for _, child := range e.state().Children {
		if child.Initiated.WorkflowID == target.WorkflowID && child.RunID != "" {
			return target.RunID == "" || target.RunID == child.RunID
		}
	}
	return false
}

// arm arms the wake-up. One that is armed for earlier stays, and whoever it wakes arms the next.
func (c *Coordinator) arm(ctx context.Context, e *entry, due time.Time) error {
	if err := c.broker.ArmWakeUp(ctx, e.start.Run, due); err != nil {
		return fmt.Errorf("arm wake-up of run %s for %v: %w", e.run(), due, err)
	}
	e.armed = due
	return nil
}

// rearm arms the next deadline unless this process knows that it is armed, or the earlier time that the history holds
// to be armed: arming it had no effect while the wake-up that has fired was still to come, and no later transition arms
// what is due after it. Looked is when the clock was looked at: what came due since then is not dealt with.
func (c *Coordinator) rearm(ctx context.Context, e *entry, looked time.Time) error {
	s := e.state()
	if s.Closed() {
		return nil
	}
	next := s.NextDeadline(looked)
	if s.Armed.After(looked) && (next.IsZero() || s.Armed.Before(next)) {
		next = s.Armed
	}
	if next.IsZero() || next.Equal(e.armed) {
		return nil
	}
	if err := c.arm(ctx, e, next); err != nil {
		return err
	}
	c.watchClock(e)
	return nil
}

// keepArmed makes sure, before a message is acknowledged, that a wake-up is still to come for the run's next deadline.
// A transition that finds an earlier wake-up armed relies on it to arm the next. But a process can be frozen between
// its look at the clock and its append: by then that wake-up may have fired and found nothing due. Deadlines of
// ScheduleToStart time-outs count that lie after since.
func (c *Coordinator) keepArmed(ctx context.Context, e *entry, cover string, since time.Time) error {
	s, now := e.state(), c.cfg.Now()
	if s.Closed() || s.Armed.IsZero() || s.ArmCover == cover || s.Armed.After(now.Add(history.ArmSlack)) {
		return nil
	}
	next := s.NextDeadline(since)
	if next.IsZero() || next.Equal(e.armed) && next.After(now) {
		return nil
	}
	return c.arm(ctx, e, next)
}
