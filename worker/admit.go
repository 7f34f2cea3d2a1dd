package worker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// admit decides whether the delivery may run its function, and returns it. With nil the delivery is answered.
func (a *attempt) admit(ctx context.Context) (*function, error) {
	early := time.Until(a.task.NotBefore)
	if early > 0 && a.delivery.Deliveries == 1 {
		a.release(nil, early) // who queued it counted this delivery as free
		return nil, nil
	}
	settled, err := a.look(ctx)
	if err != nil || settled {
		return nil, err
	}
	if a.isOver() { // whoever recalled it may have died before he said so to the run
		a.park(ctx, a.found.Attempt+1)
		return nil, nil
	}
	a.number, a.lost = attemptOf(a.task, a.delivery.Deliveries, a.found)
	if a.found != nil && a.found.Pending {
		return nil, a.resumePending(ctx)
	}
	a.begin(time.Now())
	if early > 0 {
		a.handBack(ctx, early)
		return nil, nil
	}
	f, known := a.w.find(a.task.Type)
	if !known {
		a.refuse(ctx)
		return nil, nil
	}
	if f.remote != nil {
		a.identity, a.beat.Identity = f.remote.Identity(), f.remote.Identity()
	}
	if ended, err := a.mayBegin(ctx); err != nil || ended {
		f.release()
		return nil, err
	}
	return f, nil
}

// mayBegin looks for what keeps a known activity from beginning, and leaves word when nothing does.
func (a *attempt) mayBegin(ctx context.Context) (ended bool, err error) {
	if ended, err := a.checkAsked(ctx); err != nil || ended {
		return ended, err
	}
	if ended, err := a.checkSchedule(ctx); err != nil || ended {
		return ended, err
	}
	if ended, err := a.checkPredecessor(ctx); err != nil || ended {
		return ended, err
	}
	if err := a.announce(ctx); errors.Is(err, errOutdated) {
		a.log().Info("attempt does not begin: a newer one has, or the task was recalled", "attempt", a.number)
		return true, nil
	} else if err != nil {
		return false, err
	}
	return a.checkRecall(ctx)
}

// look finds out what happened to the activity before, unless the delivery is certainly the first, and answers it when
// the activity has its outcome already.
func (a *attempt) look(ctx context.Context) (bool, error) {
	d := a.delivery
	if a.w.borrows {
		return false, a.find(ctx) // whoever has handed the task out has looked
	}
	// A consumer that was created again counts deliveries from 1.
	again, old := d.Deliveries > 1, time.Since(d.Published) > a.w.ackWait
	if again || old || afterOthers(a.task) {
		if err := a.find(ctx); err != nil {
			return false, err
		}
	}
	// A task that is younger than its decision was sent again, perhaps after the first one had been dealt with.
	late := d.Published.Sub(a.task.Scheduled) > a.w.ackWait
	// The record that an eager attempt has left says nothing of others, unless somebody completes that from outside.
	known := a.found != nil && (old || a.found.Pending || a.isOver())
	if !again && !late && !known && !a.task.Asked {
		return false, nil
	}
	settled, goesOn, err := a.settled(ctx)
	switch {
	case goesOn: // what HEARTBEATS holds is the next task's
		a.pulse.end()
		a.hold.drop(ctx, false)
	case settled:
		a.acknowledge(ctx, a.found != nil)
	}
	return settled, err
}

// settled says whether a result waits in the run's inbox or stands in its history, or the run is closed, or the task was
// parked. In the latter case the activity goes on with another task.
func (a *attempt) settled(ctx context.Context) (settled, goesOn bool, err error) {
	waiting, err := a.w.broker.ReadInbox(ctx, a.task.Run, history.ActivitySource(a.task.Event), streams.ActivityMessages)
	if err != nil {
		return false, false, fmt.Errorf("look for the result of activity %d of run %s: %w", a.task.Event, a.run(), err)
	}
	if streams.EndsTask(waiting, a.task.Generation) {
		return true, !streams.EndsTask(waiting, math.MaxInt64), nil
	}
	p, err := a.readPast(ctx)
	if err != nil || p.ended || p.scheduled {
		return p.ended, p.goesOn, err
	}
	settled, err = a.purged(ctx)
	return settled, false, err
}

func endsActivity(e *history.Event, activity int64) bool {
	end, ok := e.Attributes.(interface{ End() *history.ActivityEnd })
	return ok && end.End().Scheduled == activity
}

// errUnknownActivity means that a task was published whose activity its run has not scheduled: a deposed leader says so for a while.
var errUnknownActivity = errors.New("does not know activity")

// unknownGrace and unknownBelieved are for how long, and how often, that must have been found out before it is believed.
const (
	unknownGrace    = time.Minute
	unknownBelieved = 4
)

// isForged says whether err means that nobody has ever asked for the task.
func (a *attempt) isForged(err error) bool {
	return errors.Is(err, errUnknownActivity) && a.delivery != nil && a.delivery.Deliveries >= unknownBelieved &&
		time.Since(a.delivery.Published) > unknownGrace
}

// purged is for an activity that its run's history does not know: nobody waits for it when the run is gone.
func (a *attempt) purged(ctx context.Context) (bool, error) {
	_, err := a.w.broker.FindStart(ctx, a.run())
	if errors.Is(err, streams.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("find run %s: %w", a.run(), err)
	}
	return false, fmt.Errorf("history of run %s %w %d", a.run(), errUnknownActivity, a.task.Event)
}

// refuse hands back a task whose activity type is not registered here: another worker of the queue may know it.
func (a *attempt) refuse(ctx context.Context) {
	if !a.w.relays && a.w.firstWarning(a.task.Type) {
		a.log().Warn("activity type is not registered with this worker: its tasks are handed back")
	}
	a.handBack(ctx, refusalDelay(a.delivery.Deliveries))
}

// refusalDelay grows from a second to a minute, so that a type that nobody knows costs little.
func refusalDelay(deliveries int) time.Duration {
	delay := min(time.Second<<min(deliveries-1, 6), time.Minute)
	return delay + rand.N(delay/4)
}

// checkSchedule ends an activity whose schedule time-outs have expired before it could run.
func (a *attempt) checkSchedule(ctx context.Context) (ended bool, err error) {
	now, t := time.Now(), a.task
	kind := enums.TIMEOUT_TYPE_UNSPECIFIED
	if t.ScheduleToClose > 0 && passed(t.Scheduled.Add(t.ScheduleToClose.Duration()), now) {
		kind = enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE
	} else if t.ScheduleToStart > 0 && a.number == max(t.FirstAttempt, 1) && passed(a.waitsSince().Add(t.ScheduleToStart.Duration()), now) {
		started, err := a.w.broker.Started(ctx, a.run(), t.Event)
		if err != nil {
			return false, fmt.Errorf("start marker of activity %d: %w", t.Event, err)
		}
		if !started {
			kind = enums.TIMEOUT_TYPE_SCHEDULE_TO_START
		}
	}
	if kind == enums.TIMEOUT_TYPE_UNSPECIFIED {
		return false, nil
	}
	f := timeoutFailure(kind, a.found)
	_, state := afterFailure(t, a.number, now, false, f)
	a.conclude(ctx, f, state)
	return true, nil
}

// waitsSince is when the ScheduleToStart time-out counts from.
func (a *attempt) waitsSince() time.Time {
	if a.task.Since.IsZero() {
		return a.task.Scheduled
	}
	return a.task.Since
}

// checkPredecessor lets a lost attempt count: it may have been the last one, and for an activity that runs at most once
// it was.
func (a *attempt) checkPredecessor(ctx context.Context) (ended bool, err error) {
	if atMostOnce(a.task) {
		return a.claim(ctx)
	}
	if !a.lost {
		return false, nil
	}
	return a.checkLost(ctx)
}

// checkLost counts the attempt that was lost before.
func (a *attempt) checkLost(ctx context.Context) (ended bool, err error) {
	f := lostFailure(a.task, a.found)
	lost := a.number - 1
	a.log().Warn("worker was lost while it ran the activity", "attempt", lost)
	_, state := afterFailure(a.task, lost, time.Now(), false, f)
	if state != enums.RETRY_STATE_IN_PROGRESS {
		a.number = lost
		a.conclude(ctx, f, state)
		return true, nil
	}
	a.lost = false
	if rest := afterLoss(&a.beat, f); rest > 0 {
		a.log().Error("activity is suspected of ending its processes and rests", "lost", a.beat.Lost, "rest", rest)
		a.handBack(ctx, rest)
		return true, nil
	}
	return false, nil
}

// claim makes this delivery the only one that ever runs the function. That somebody else has the claim and has left no
// result means that he was lost, or that the broker has forgotten that he is at work: then he keeps the task from
// coming back.
func (a *attempt) claim(ctx context.Context) (ended bool, err error) {
	claimer := uuid.NewString()
	holder, err := a.w.broker.Claim(ctx, a.run(), a.task.Event, claimer)
	if err != nil {
		return false, fmt.Errorf("claim activity %d of run %s: %w", a.task.Event, a.run(), err)
	}
	// Deliveries are no attempts here: one that did not claim did not run.
	a.number = max(a.task.FirstAttempt, 1)
	a.lost, a.beat.Attempt = false, a.number
	if holder == claimer {
		return false, nil
	}
	if a.delivery.Deliveries == 1 {
		a.release(nil, a.w.ackWait)
		return true, nil
	}
	a.log().Warn("worker was lost while it ran the activity, which runs at most once")
	a.conclude(ctx, lostFailure(a.task, a.found), enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED)
	return true, nil
}

// announce leaves word that the attempt begins, where somebody may look for it: for the run's ScheduleToStart time-out,
// and for later attempts. The first attempt of all needs none.
func (a *attempt) announce(ctx context.Context) error {
	if a.task.ScheduleToStart > 0 {
		if err := a.w.broker.MarkStarted(ctx, a.run(), a.task.Event); err != nil {
			return fmt.Errorf("start marker of activity %d of run %s: %w", a.task.Event, a.run(), err)
		}
	}
	// What precedes the queue's first attempt is an eager one, whose process may not know yet that it is over.
	if a.isFirst() {
		return nil
	}
	a.seclude(ctx)
	if err := a.putBeat(ctx, &a.beat); err != nil {
		return err
	}
	a.pulse.begin(&a.beat, true)
	return nil
}

// canceledFailure describes a cancellation, with the details that the function left.
func canceledFailure(details *common.Payloads) *failure.Failure {
	return &failure.Failure{
		Message:             "canceled",
		Source:              failureSource,
		CanceledFailureInfo: &failure.CanceledFailureInfo{Details: details},
	}
}
