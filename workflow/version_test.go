package workflow_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/workflow"
)

var changeVersions = millrace.NewSearchAttributeKeyKeywordList(history.ChangeVersions)

func pause(ctx workflow.Context) { _ = workflow.Sleep(ctx, time.Second) }

// unversioned is the code of a run that has passed the place of a change.
func unversioned(ctx workflow.Context) (string, error) {
	pause(ctx)
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	return "old", nil
}

// versioned asks for a change where unversioned had no call, and again later.
func versioned(least, most workflow.Version) func(ctx workflow.Context) (string, error) {
	return func(ctx workflow.Context) (string, error) {
		first := workflow.GetVersion(ctx, "change", least, most)
		pause(ctx)
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		return fmt.Sprint(first, workflow.GetVersion(ctx, "change", least, most)), nil
	}
}

// deploy lets the run go on with other code, on a machine that has replayed its records.
func (h *harness) deploy(fn any) error {
	h.Helper()
	def, err := workflow.NewDefinition("Workflow", fn, workflow.DefinitionOptions{Namespace: "default"})
	if err != nil {
		h.Fatalf("%v", err)
	}
	h.def, h.m = def, replay.New(replay.Config{Start: h.start, Body: def.Body()})
	h.Cleanup(h.m.Destroy)
	for _, rec := range h.records {
		if err := h.m.Apply(h.roundTrip(rec)); err != nil {
			return err
		}
	}
	return nil
}

func (h *harness) mustDeploy(fn any) {
	h.Helper()
	if err := h.deploy(fn); err != nil {
		h.Fatalf("deploy: %v", err)
	}
}

func TestNewRunTakesTheNewestVersionAndRecordsItOnce(t *testing.T) {
	t.Parallel()
	h := begin(t, versioned(workflow.DefaultVersion, 3))
	h.advance(time.Second)
	h.step(h.signal("go", nil))
	h.wantTrace("MarkerRecorded UpsertWorkflowSearchAttributes TimerStarted", "TimerFired",
		"WorkflowExecutionSignaled WorkflowExecutionCompleted")
	wantResult(h, "3 3")
	if v, _ := history.DecodeSearch(h.m.State().Search).GetKeywordList(changeVersions); len(v) != 1 || v[0] != "change-3" {
		t.Errorf("search attribute is %v", v)
	}
}

func TestRunThatPassedThePlaceTakesDefaultVersionForEver(t *testing.T) {
	t.Parallel()
	h := begin(t, unversioned)
	h.mustDeploy(versioned(workflow.DefaultVersion, 1))
	h.advance(time.Second)
	h.step(h.signal("go", nil)) // live, but it has been asked before
	wantResult(h, "-1 -1")
	h.wantTrace("TimerStarted", "TimerFired", "WorkflowExecutionSignaled WorkflowExecutionCompleted")
}

func TestRunThatHasNotPassedThePlaceTakesTheNewestVersion(t *testing.T) {
	t.Parallel()
	h := begin(t, unversioned)
	h.mustDeploy(func(ctx workflow.Context) (string, error) {
		pause(ctx)
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		return fmt.Sprint(workflow.GetVersion(ctx, "change", workflow.DefaultVersion, 1)), nil
	})
	h.advance(time.Second)
	h.step(h.signal("go", nil))
	wantResult(h, "1")
}

func TestRecordedVersionStaysWhenNewerCodeComes(t *testing.T) {
	t.Parallel()
	h := begin(t, versioned(workflow.DefaultVersion, 1))
	h.mustDeploy(versioned(workflow.DefaultVersion, 2))
	h.advance(time.Second)
	h.step(h.signal("go", nil))
	wantResult(h, "1 1")
}

func TestVersionCallMayBeRemovedMovedAndRepeated(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		workflow.Go(ctx, pause)
		workflow.GetVersion(ctx, "a", workflow.DefaultVersion, 1)
		workflow.GetVersion(ctx, "b", workflow.DefaultVersion, 2)
		return unversioned(ctx)
	})
	id, _ := last[*history.TimerStarted](h)
	h.advance(time.Second)
	for name, code := range map[string]func(ctx workflow.Context) (string, error){
		"removed": func(ctx workflow.Context) (string, error) {
			workflow.Go(ctx, pause)
			return unversioned(ctx)
		},
		"moved": func(ctx workflow.Context) (string, error) {
			workflow.Go(ctx, func(ctx workflow.Context) {
				pause(ctx)
				if v := workflow.GetVersion(ctx, "a", 1, 1); v != 1 {
					panic(v)
				}
			})
			if v := workflow.GetVersion(ctx, "b", 0, 9); v != 2 {
				panic(v)
			}
			return unversioned(ctx)
		},
	} {
		h.mustDeploy(code)
		if _, pending := h.m.State().Timers[id]; pending {
			t.Errorf("%s: timer %d is pending", name, id)
		}
	}
	h.step(h.signal("go", nil)) // by the code that was deployed last, whichever it was
	wantResult(h, "old")
}

func TestVersionsOfAllChangesAreInTheSearchAttribute(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (int, error) {
		workflow.GetVersion(ctx, "a", workflow.DefaultVersion, 1)
		workflow.GetVersion(ctx, "b", workflow.DefaultVersion, 0)
		workflow.GetVersion(ctx, strings.Repeat("long", 600), workflow.DefaultVersion, 0)
		workflow.GetVersion(ctx, "c", workflow.DefaultVersion, workflow.DefaultVersion)
		v, _ := workflow.GetTypedSearchAttributes(ctx).GetKeywordList(changeVersions)
		return len(v), nil
	})
	wantResult(h, 3)
	v, _ := history.DecodeSearch(h.m.State().Search).GetKeywordList(changeVersions)
	if fmt.Sprint(v) != "[a-1 b-0 c--1]" {
		t.Errorf("search attribute is %v", v)
	}
}

func TestVersionOutsideTheSupportedRangeHoldsTheRunUp(t *testing.T) {
	t.Parallel()
	h := begin(t, versioned(workflow.DefaultVersion, 2))
	for want, code := range map[string]any{"no longer supports (3 to 4)": versioned(3, 4), "too old (0 to 1)": versioned(0, 1)} {
		var panicked *replay.PanicError
		if err := h.deploy(code); !errors.As(err, &panicked) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v", err)
		}
	}
	old := begin(t, unversioned)
	if err := old.deploy(versioned(0, 1)); err == nil || !strings.Contains(err.Error(), "version -1, which the code no longer supports") {
		t.Errorf("error is %v", err)
	}
	h.mustDeploy(versioned(2, 2))
	old.mustDeploy(versioned(workflow.DefaultVersion, 1))
}

func TestVersionRangeMustBeARange(t *testing.T) {
	t.Parallel()
	for _, r := range [][2]workflow.Version{{2, 1}, {-2, 1}, {0, 1 << 40}} {
		h := newHarness(t, versioned(r[0], r[1]), nil)
		if err := h.try(); err == nil || !strings.Contains(err.Error(), "must be a range") {
			t.Errorf("%v: error is %v", r, err)
		}
	}
}

func TestVersionsAreNotForTheNextRun(t *testing.T) {
	t.Parallel()
	key := millrace.NewSearchAttributeKeyKeyword("customer")
	h := begin(t, func(ctx workflow.Context) error {
		workflow.GetVersion(ctx, "a", workflow.DefaultVersion, 1)
		if err := workflow.UpsertTypedSearchAttributes(ctx, key.ValueSet("7")); err != nil {
			return err
		}
		return workflow.NewContinueAsNewError(ctx, "Workflow")
	})
	next := history.DecodeSearch(h.m.State().SuccessorStart().Search)
	if v, _ := next.GetKeyword(key); v != "7" || next.ContainsKey(changeVersions) {
		t.Errorf("successor has %v", next.GetUntypedValues())
	}
}
