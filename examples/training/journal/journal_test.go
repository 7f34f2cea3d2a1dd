package journal_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/millrace-dev/millrace/examples/training/journal"
)

func begin(t *testing.T, w *journal.Writer, e journal.Execution) func() {
	t.Helper()
	end, err := w.Begin(e)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	}
}

func create(t *testing.T, dir, name string) *journal.Writer {
	t.Helper()
	w, err := journal.Create(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestInFlightAndTotals(t *testing.T) {
	dir := t.TempDir()
	first := journal.Execution{Activity: "Train", ActivityID: "5", WorkflowID: "w", RunID: "r", Attempt: 1}
	second := journal.Execution{Activity: "Evaluate", ActivityID: "6", WorkflowID: "w", RunID: "r", Attempt: 1}
	again := first
	again.Attempt = 2

	a, b := create(t, dir, "a"), create(t, dir, "b")
	begin(t, a, first) // killed: never ends
	end := begin(t, a, second)
	if got, err := journal.InFlight(dir, "a"); err != nil || !slices.Equal(got, []journal.Execution{first, second}) {
		t.Errorf("in flight: %v, %v", got, err)
	}
	end()
	if got, err := journal.InFlight(dir, "a"); err != nil || !slices.Equal(got, []journal.Execution{first}) {
		t.Errorf("in flight after an end: %v, %v", got, err)
	}
	begin(t, b, again)()

	got, err := journal.Count(dir)
	if want := (journal.Totals{Executions: 3, Interrupted: 1, Activities: 2, FurtherAttempts: 1}); err != nil || got != want || got.Redeliveries() != 1 {
		t.Errorf("totals %+v, %v; want %+v", got, err, want)
	}
}

func TestUnfinishedLastLineIsLeftOut(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, "a")
	begin(t, w, journal.Execution{Activity: "Train"})
	f, err := os.OpenFile(filepath.Join(dir, "a.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"seq":2,"activ`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := journal.InFlight(dir, "a"); err != nil || len(got) != 1 {
		t.Errorf("in flight: %v, %v; want the one complete entry", got, err)
	}
}

func TestJournalThatDoesNotExistHasNothingInFlight(t *testing.T) {
	if got, err := journal.InFlight(t.TempDir(), "a"); err != nil || got != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestJournalNameIsUsedOnce(t *testing.T) {
	dir := t.TempDir()
	create(t, dir, "a")
	if _, err := journal.Create(dir, "a"); err == nil {
		t.Error("a second journal of the same name was created")
	}
}
