package worker

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/export"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

// twoTimers is what twoNaps does: it starts a timer, which fires, and then two more.
func twoTimers() *apihistory.History {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	start := &history.Start{Version: history.FormatVersion, Type: "twoNaps", Time: at,
		Run: history.Address{Run: history.Run{WorkflowID: "naps", RunID: "019ba8b2-0000-7000-8000-000000000000"}, Queue: "q"}}
	timer := func(at time.Time) *history.TimerStarted {
		return &history.TimerStarted{Timeout: history.MillisOf(time.Hour), Due: at.Add(time.Hour)}
	}
	transition := func(number uint64, at time.Time, events ...history.Event) *history.Transition {
		return &history.Transition{Version: history.FormatVersion, RunID: start.Run.RunID, Number: number, Time: at, Events: events}
	}
	later := at.Add(time.Hour)
	return &apihistory.History{Events: export.Events(start, []*history.Transition{
		transition(1, at, history.NewEvent(2, timer(at))),
		transition(2, later, history.NewEvent(3, &history.TimerFired{Started: 2}), history.NewEvent(4, timer(later)), history.NewEvent(5, timer(later))),
	})}
}

func twoNaps(ctx workflow.Context) (string, error) {
	if err := workflow.Sleep(ctx, time.Hour); err != nil {
		return "", err
	}
	workflow.NewTimer(ctx, time.Hour)
	return workflow.GetInfo(ctx).WorkflowExecution.ID, workflow.Sleep(ctx, time.Hour)
}

func newTestReplayer(t *testing.T, o WorkflowReplayerOptions, fn any) WorkflowReplayer {
	t.Helper()
	r, err := NewWorkflowReplayerWithOptions(o)
	if err != nil {
		t.Fatal(err)
	}
	r.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: "twoNaps"})
	return r
}

func TestAPartOfAHistoryIsReplayedByWholeTransitions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "history.json")
	data, err := json.Marshal(twoTimers())
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	// It agrees with the first two events only.
	once := func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) }
	r := newTestReplayer(t, WorkflowReplayerOptions{}, once)
	for last, agrees := range map[int64]bool{0: false, 1: true, 2: true, 3: true, 4: true, 5: false, 9: false} {
		err := r.ReplayPartialWorkflowHistoryFromJSONFile(nil, file, last)
		var diverged *replay.NonDeterminismError
		if agrees && err != nil || !agrees && !errors.As(err, &diverged) {
			t.Errorf("up to event %d: %v, want agreement %v", last, err, agrees)
		}
	}
	if err := r.ReplayPartialWorkflowHistoryFromJSONFile(nil, file, -1); err == nil {
		t.Error("a negative event is taken")
	}
	if err := newTestReplayer(t, WorkflowReplayerOptions{}, twoNaps).ReplayWorkflowHistoryFromJSONFile(nil, file); err != nil {
		t.Error(err)
	}
}

func TestAReplayCanPretendToBeAnotherRun(t *testing.T) {
	t.Parallel()
	var got workflow.Execution
	r := newTestReplayer(t, WorkflowReplayerOptions{}, func(ctx workflow.Context) error {
		got = workflow.GetInfo(ctx).WorkflowExecution
		_, err := twoNaps(ctx)
		return err
	})
	want := workflow.Execution{ID: "other", RunID: "019ba8b2-0000-7000-8000-00000000000f"}
	if err := r.ReplayWorkflowHistoryWithOptions(nil, twoTimers(), ReplayWorkflowHistoryOptions{OriginalExecution: want}); err != nil || got != want {
		t.Errorf("code was told %v (%v), want %v", got, err, want)
	}
}

func TestAReplayGivesUpOnCodeThatBlocks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		blocking := func(ctx workflow.Context) error { <-release; _, err := twoNaps(ctx); return err }
		var blocked *coordinator.BlockedError
		err := newTestReplayer(t, WorkflowReplayerOptions{}, blocking).ReplayWorkflowHistory(nil, twoTimers())
		if !errors.As(err, &blocked) || !strings.Contains(blocked.Stack, "replay_test.go") {
			t.Errorf("error is %v", err)
		}
		patient := newTestReplayer(t, WorkflowReplayerOptions{DisableDeadlockDetection: true}, blocking)
		time.AfterFunc(time.Minute, func() { close(release) })
		if err := patient.ReplayWorkflowHistory(nil, twoTimers()); err != nil {
			t.Errorf("without detection: %v", err)
		}
		synctest.Wait() // the goroutine that was left behind ends now
	})
}
