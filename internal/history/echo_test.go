package history

import (
	"testing"
	"time"
)

// TestEchoesAreSettledByWhatTheyRepeat: an echo means nothing to a run that has consumed the message, and may not be sent
// to one that has not.
func TestEchoesAreSettledByWhatTheyRepeat(t *testing.T) {
	at := time.UnixMilli(1700000000000).UTC()
	start := &Start{Type: "T", Time: at, Attempt: 1, Run: Address{Run: Run{WorkflowID: "w", RunID: "r"}, Queue: "q"}}
	s := NewState(start)
	apply := func(n uint64, consumed string, events ...Event) {
		t.Helper()
		err := s.Apply(&Transition{RunID: "r", Number: n, CommitID: "c", Cover: consumed, Time: at, Consumed: []string{consumed}, Events: events})
		if err != nil {
			t.Fatal(err)
		}
	}
	signal := &Message{ID: "x:y", Signal: &Signal{Name: "s"}}
	result := &Message{ID: "1", Activity: &ActivityResult{Scheduled: 2}}
	wakeUp := NewWakeUp(at.Add(time.Hour))
	apply(1, StartIdentity, NewEvent(2, &ActivityTaskScheduled{ActivityID: "2", Type: "A", Queue: "q"}))
	for _, m := range []*Message{signal, result} {
		echo := Echo(m.Identity())
		if echo == nil || echo.Identity() != m.Identity() {
			t.Fatalf("echo of %s is %+v", m.Identity(), echo)
		}
		if s.Settles(echo) {
			t.Errorf("%s is settled before it was consumed", m.Identity())
		}
	}
	apply(2, signal.Identity(), NewEvent(3, &WorkflowExecutionSignaled{Signal: Signal{Name: "s", ID: "x:y"}}))
	apply(3, result.Identity(), NewEvent(4, &ActivityTaskCompleted{ActivityEnd: ActivityEnd{Scheduled: 2, Attempt: 1}}))
	for _, m := range []*Message{signal, result, wakeUp} {
		if echo := Echo(m.Identity()); echo == nil || echo.Identity() != m.Identity() || !s.Settles(echo) {
			t.Errorf("echo of %s is not settled: %+v", m.Identity(), echo)
		}
	}
	for _, identity := range []string{StartIdentity, "", ":", "a:1", "a-:1", "w:x", "zz:1", "a05:1"} {
		if m := Echo(identity); m != nil && m.Identity() != identity {
			t.Errorf("echo of %q is %+v", identity, m)
		}
	}
}
