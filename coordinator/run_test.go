package coordinator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

func TestARunOfOneActivityCompletes(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		if !f.queued(run, 2) {
			t.Fatal("activity 2 has no task")
		}
		f.complete(run, 2, "done")
		f.settle(time.Second)
		f.wantResult(run, "done")
		if w := f.waiting(run); len(w) > 0 {
			t.Fatalf("inbox is not empty: %v", w)
		}
	})
}

func TestTimersFireOnTimeAndNeverEarly(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("sleeper", func(env *replay.Env) {
			for range 3 {
				sleep(env, 700*time.Millisecond)
			}
			env.Complete(nil)
		})
		f.serve()
		run := f.start("w", "sleeper")
		f.settle(10 * time.Second)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
		var due time.Time
		for _, tr := range f.transitions(run) {
			for _, e := range tr.Events {
				switch a := e.Attributes.(type) {
				case *history.TimerStarted:
					due = a.Due
				case *history.TimerFired:
					if late := tr.Time.Sub(due); late < 0 || late > 10*time.Millisecond {
						t.Errorf("timer due %v fired %v after it", due, late)
					}
				}
			}
		}
	})
}

func TestAChildReportsToItsParent(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.deploy("parent", func(env *replay.Env) {
			var started string
			var closed *replay.Outcome
			_, err := env.StartChild(&history.StartChildWorkflowExecutionInitiated{WorkflowID: "child", Type: "one"},
				func(runID string, cause enums.StartChildWorkflowExecutionFailedCause) { started = runID },
				func(o replay.Outcome) { closed = &o })
			if err != nil {
				panic(err)
			}
			env.Block("child start", func() bool { return started != "" })
			env.Block("child close", func() bool { return closed != nil })
			env.Complete(closed.Result)
		})
		f.serve()
		run := f.start("w", "parent")
		f.settle(time.Second)
		child, err := f.model.LastStart(f.ctx, "child")
		if err != nil {
			t.Fatal(err)
		}
		f.complete(child.Run, 2, "from the child")
		f.settle(time.Second)
		f.wantResult(run, "from the child")
	})
}

func TestManyRunsGoOnAtOnceAcrossCoordinators(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("two", func(env *replay.Env) {
			call(env, "A")
			env.Complete(call(env, "B"))
		})
		f.config.CacheSize = 10 // far fewer than there are runs
		for range 3 {
			f.serve()
		}
		var runs []history.Address
		for i := range 200 {
			runs = append(runs, f.start(fmt.Sprint("w", i), "two"))
		}
		f.settle(time.Second)
		for _, run := range runs {
			f.complete(run, 2, "a")
		}
		f.settle(5 * time.Second)
		for i, run := range runs {
			f.complete(run, 4, fmt.Sprint("b", i))
		}
		f.settle(5 * time.Second)
		for i, run := range runs {
			f.wantResult(run, fmt.Sprint("b", i))
		}
	})
}
