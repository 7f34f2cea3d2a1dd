package integration

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// TestTheReplayerSaysWhereChangedCodeDiverges downloads the history of a real run and replays it through the code that
// made it, and through a changed one.
func TestTheReplayerSaysWhereChangedCodeDiverges(t *testing.T) {
	e := newEngine(t)
	e.work(worker.Options{}, func(w worker.Worker) {
		w.RegisterWorkflow(greet)
		w.RegisterActivity(compose)
	})
	run := e.execute("replayed", greet, "you")
	if err := run.Get(e.ctx, nil); err != nil {
		t.Fatal(err)
	}
	same := worker.NewWorkflowReplayer()
	same.RegisterWorkflow(greet)
	if err := same.ReplayWorkflowRun(e.ctx, e.client, testLog{t}, "replayed", ""); err != nil {
		t.Fatalf("unchanged code: %v", err)
	}

	var h apihistory.History
	events := e.client.GetWorkflowHistory(e.ctx, "replayed", "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		ev, err := events.Next()
		if err != nil {
			t.Fatal(err)
		}
		h.Events = append(h.Events, ev)
	}
	data, err := json.Marshal(&h)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "history.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := same.ReplayWorkflowHistoryFromJSONFile(testLog{t}, file); err != nil {
		t.Fatalf("unchanged code on the downloaded history: %v", err)
	}

	changed := worker.NewWorkflowReplayer()
	changed.RegisterWorkflowWithOptions(func(ctx workflow.Context, name string) (string, error) {
		return "", workflow.Sleep(ctx, time.Hour)
	}, workflow.RegisterOptions{Name: "greet"})
	err = changed.ReplayWorkflowHistoryFromJSONFile(testLog{t}, file)
	var diverged *replay.NonDeterminismError
	if !errors.As(err, &diverged) || diverged.EventID != 2 || !strings.Contains(err.Error(), "compose") {
		t.Fatalf("changed code: %v; want a divergence at event 2 that names the recorded activity", err)
	}
}
