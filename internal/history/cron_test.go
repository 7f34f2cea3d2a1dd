package history

import (
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// cronRun is a run of a schedule, begun at t0, which is 9 seconds past 07:08.
func cronRun() *State {
	return NewState(&Start{Run: Address{Run: Run{WorkflowID: "w", RunID: "r"}, Queue: "q"}, Type: "T", Time: t0.Add(-time.Minute),
		Delay: MillisOf(time.Minute), CronSchedule: "*/10 * * * *", Attempt: 1, LastCompletionResult: &common.Payloads{}})
}

func TestACronRunFollowsHoweverTheLastOneEnded(t *testing.T) {
	const event = 2
	closed := at(5 * time.Minute)
	s := cronRun()
	result := &common.Payloads{Payloads: []*common.Payload{{Data: []byte("1")}}}
	failed := &failure.Failure{Message: "no"}
	next := s.CronRun(closed, event)
	if want := closed.Add(next.Delay.Duration()); next.Initiator != enums.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE || want.Minute() != 20 || want.Second() != 0 {
		t.Fatalf("next is %+v, at %v", next, want)
	}
	start := func(a Attributes) *Start {
		return SuccessorOf(s.Start, &Transition{RunID: "r", Number: 1, Time: closed, Events: []Event{NewEvent(event, a)}})
	}
	completed := start(&WorkflowExecutionCompleted{Result: result, Successor: next})
	if completed.LastCompletionResult != result || completed.ContinuedFailure != nil || completed.ContinuedRunID != "r" || completed.CronSchedule == "" {
		t.Errorf("after a completion: %+v", completed)
	}
	if f := start(&WorkflowExecutionFailed{Failure: failed, Successor: next}); f.ContinuedFailure != failed || f.LastCompletionResult != s.Start.LastCompletionResult {
		t.Errorf("after a failure: %+v", f)
	}
	if f := start(&WorkflowExecutionTimedOut{Successor: next}); f.ContinuedFailure.TimeoutFailureInfo == nil {
		t.Errorf("after a time-out: %+v", f)
	}
	if f := start(&WorkflowExecutionCanceled{}); f != nil {
		t.Errorf("after a cancellation: %+v", f)
	}
}

func TestRetriesComeBeforeTheCronSchedule(t *testing.T) {
	s := cronRun()
	s.Start.RetryPolicy = &RetryPolicy{InitialInterval: 1000, BackoffCoefficient: 2, MaximumAttempts: 2}
	f := &failure.Failure{Message: "no", ApplicationFailureInfo: &failure.ApplicationFailureInfo{}}
	next, state := s.RetryRun(f, at(time.Second), 2)
	if state != enums.RETRY_STATE_IN_PROGRESS || next.Initiator != enums.CONTINUE_AS_NEW_INITIATOR_RETRY {
		t.Errorf("first attempt: %v, %+v", state, next)
	}
	s.Start.Attempt = 2
	next, state = s.RetryRun(f, at(time.Second), 2)
	if state != enums.RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED || next.Initiator != enums.CONTINUE_AS_NEW_INITIATOR_CRON_SCHEDULE || next.Attempt != 1 {
		t.Errorf("last attempt: %v, %+v", state, next)
	}
}

func TestACronScheduleEndsWithItsChain(t *testing.T) {
	s := cronRun()
	s.Start.ExecutionExpiry = at(time.Minute)
	if next := s.CronRun(at(time.Second), 2); next != nil {
		t.Errorf("next is %+v", next)
	}
}
