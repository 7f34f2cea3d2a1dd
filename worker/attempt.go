package worker

import (
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/retry"
)

// The functions of this file decide what a delivery means. They know no broker and no clock.

// attemptOf is the number of the attempt that a delivery makes, and whether the attempt before it was lost: it neither
// ended nor was handed back. beat is nil when no worker has left one.
//
// Deliveries count attempts, but those that used none are taken off, and a consumer that was created again counts from
// the beginning: the number never falls behind what was noted.
func attemptOf(task *history.Task, deliveries int, beat *history.Beat) (number int32, lost bool) {
	first := max(task.FirstAttempt, 1)
	number = first + int32(max(deliveries, 1)) - 1
	if beat != nil {
		number = max(number-beat.Free, beat.Attempt+1, first)
	}
	if number == first {
		return number, false
	}
	ended := beat != nil && beat.Attempt == number-1 && !beat.Ended.IsZero()
	return number, !ended
}

// freeDeliveries is how many of the deliveries so far used no attempt when the last of them found the given attempt
// still open: the next delivery then makes the attempt after it.
func freeDeliveries(task *history.Task, deliveries int, attempt int32) int32 {
	return max(max(task.FirstAttempt, 1)+int32(max(deliveries, 1))-1-attempt, 0)
}

// afterOthers says whether attempts may have come before the task: an eager one, or those of a task that was parked. They
// may have left a record.
func afterOthers(task *history.Task) bool {
	return task.FirstAttempt > 1 || !task.NotBefore.IsZero() || task.Generation > 0
}

// inherited is what a record says to the attempts of a task. One of an earlier generation says nothing of their number,
// which is the task's to say; and a task that somebody has parked finds a record in any case.
func inherited(task *history.Task, found *history.Beat) *history.Beat {
	if task.Generation == 0 || found != nil && found.Generation >= task.Generation {
		return found
	}
	b := &history.Beat{Generation: task.Generation, Attempt: max(task.FirstAttempt, 1) - 1, Ended: task.Scheduled}
	if !task.NotBefore.IsZero() {
		b.Free = 1 // the first delivery comes too early
	}
	if found == nil {
		return b
	}
	b.Failure = found.Failure
	if !task.Forget {
		b.Details, b.Time = found.Details, found.Time
	}
	return b
}

// handedBack is the record of an attempt that does not count after all. lost says that the attempt before it was lost and
// that nobody has dealt with that yet.
func handedBack(b history.Beat, lost bool, now time.Time) *history.Beat {
	b.Attempt--
	b.Free++
	b.Alone = false
	b.Pending = false
	b.Ended = now
	if lost {
		b.Ended = time.Time{}
	}
	return &b
}

// policyOf is the task's retry policy; a workflow that set none gets the defaults.
func policyOf(task *history.Task) *millrace.RetryPolicy {
	return retry.WithDefaults(task.RetryPolicy.Policy())
}

// atMostOnce says whether the activity's function must not be called twice.
func atMostOnce(task *history.Task) bool {
	return task.RetryPolicy != nil && task.RetryPolicy.MaximumAttempts == 1
}

// afterFailure decides what follows the failure of an attempt.
func afterFailure(task *history.Task, number int32, now time.Time, canceled bool, f *failure.Failure) (time.Duration, enums.RetryState) {
	delay, state := retry.Next(policyOf(task), int(number), now.Sub(task.Scheduled), task.ScheduleToClose.Duration(), f)
	if canceled && state == enums.RETRY_STATE_IN_PROGRESS {
		return 0, enums.RETRY_STATE_CANCEL_REQUESTED
	}
	return delay, state
}

// deadlineOf is when an attempt that began at the given time must have ended, zero for never, and the time-out that
// says so.
func deadlineOf(task *history.Task, started time.Time) (time.Time, enums.TimeoutType) {
	var deadline time.Time
	kind := enums.TIMEOUT_TYPE_UNSPECIFIED
	if task.StartToClose > 0 {
		deadline, kind = started.Add(task.StartToClose.Duration()), enums.TIMEOUT_TYPE_START_TO_CLOSE
	}
	if task.ScheduleToClose > 0 {
		if close := task.Scheduled.Add(task.ScheduleToClose.Duration()); deadline.IsZero() || close.Before(deadline) {
			deadline, kind = close, enums.TIMEOUT_TYPE_SCHEDULE_TO_CLOSE
		}
	}
	return deadline, kind
}

// passed says whether a deadline, zero for none, is over.
func passed(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// timeoutFailure describes an expired time-out, with what the last attempt left.
func timeoutFailure(kind enums.TimeoutType, beat *history.Beat) *failure.Failure {
	f := &failure.Failure{
		Message:            kind.String() + " timeout",
		Source:             failureSource,
		TimeoutFailureInfo: &failure.TimeoutFailureInfo{TimeoutType: kind},
	}
	if beat != nil {
		f.TimeoutFailureInfo.LastHeartbeatDetails = beat.Details
		f.Cause = withoutCause(beat.Failure)
	}
	return f
}

// lostFailure describes an attempt of which nothing more was heard.
func lostFailure(task *history.Task, beat *history.Beat) *failure.Failure {
	kind := enums.TIMEOUT_TYPE_START_TO_CLOSE
	if task.Heartbeat > 0 {
		kind = enums.TIMEOUT_TYPE_HEARTBEAT
	}
	f := timeoutFailure(kind, beat)
	f.Message = lostMessage
	return f
}

const (
	failureSource = "millrace"
	lostMessage   = "worker lost"
)

// withoutCause is f alone: an activity that times out again and again must not drag a growing chain along.
func withoutCause(f *failure.Failure) *failure.Failure {
	if f == nil || f.TimeoutFailureInfo == nil {
		return f
	}
	alone := *f
	alone.Cause = nil
	return &alone
}
