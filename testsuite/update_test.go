package testsuite_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/workflow"
)

// total is what the handler of adder returns: a type that JSON alone would not bring back.
type total struct{ Sum int }

// adder adds up what updates bring, after an hour each, until it has 10.
func adder(ctx workflow.Context) (int, error) {
	sum := 0
	err := workflow.SetUpdateHandlerWithOptions(ctx, "add", func(ctx workflow.Context, n int) (total, error) {
		if err := workflow.Sleep(ctx, time.Hour); err != nil {
			return total{}, err
		}
		sum += n
		if n == 7 {
			return total{}, fmt.Errorf("%d brings bad luck", n)
		}
		return total{sum}, nil
	}, workflow.UpdateHandlerOptions{Validator: func(n int) error {
		if n <= 0 {
			return errors.New("not positive")
		}
		return nil
	}})
	if err != nil {
		return 0, err
	}
	err = workflow.Await(ctx, func() bool { return sum >= 10 && workflow.AllHandlersFinished(ctx) })
	return sum, err
}

// told writes down what becomes of updates.
type told struct{ all []string }

func (w *told) callbacks(name string) *testsuite.TestUpdateCallback {
	return &testsuite.TestUpdateCallback{
		OnAccept:   func() { w.all = append(w.all, name+" accepted") },
		OnReject:   func(err error) { w.all = append(w.all, fmt.Sprint(name, " rejected ", err)) },
		OnComplete: func(v interface{}, err error) { w.all = append(w.all, fmt.Sprint(name, " completed ", v, " ", err)) },
	}
}

func (w *told) check(t *testing.T, want ...string) {
	t.Helper()
	if got := strings.Join(w.all, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestUpdates(t *testing.T) {
	env := newEnv()
	var w told
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow("add", "a", w.callbacks("a"), 3)
		env.UpdateWorkflow("add", "b", w.callbacks("b"), 0)
		env.UpdateWorkflow("subtract", "c", w.callbacks("c"), 1)
	}, 0)
	env.RegisterDelayedCallback(func() { env.UpdateWorkflow("add", "a", w.callbacks("a again"), 3) }, 90*time.Minute)
	env.RegisterDelayedCallback(func() { env.UpdateWorkflow("add", "d", w.callbacks("d"), 7) }, 2*time.Hour)
	env.RegisterDelayedCallback(func() {
		if err := env.UpdateWorkflowByID("nobody", "add", "", w.callbacks("nobody"), 1); err == nil {
			t.Error("nobody is updated")
		}
	}, time.Hour)
	env.ExecuteWorkflow(adder)
	check(t, env, 10)
	w.check(t,
		"a accepted",
		"b rejected not positive",
		`c rejected unknown update "subtract": the workflow knows [add]`,
		"a completed {3} <nil>",
		"a again accepted",
		"a again completed {3} <nil>",
		"d accepted",
		"d completed {0} 7 brings bad luck",
	)
}

// TestAnswersComeBeforeTheEnd: a handler that returns in the stretch of code in which the workflow closes has answered
// before.
func TestAnswersComeBeforeTheEnd(t *testing.T) {
	env := newEnv()
	completed := true
	env.RegisterDelayedCallback(func() {
		env.UpdateWorkflow("end", "", &testsuite.TestUpdateCallback{OnComplete: func(interface{}, error) { completed = env.IsWorkflowCompleted() }})
	}, 0)
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ended := false
		if err := workflow.SetUpdateHandler(ctx, "end", func(workflow.Context) error { ended = true; return nil }); err != nil {
			return err
		}
		return workflow.Await(ctx, func() bool { return ended })
	})
	if completed {
		t.Error("the workflow was completed before its update")
	}
}

// TestUpdateBeforeTheStartIsJudgedAfterIt: its handler is set by the first stretch of code.
func TestUpdateBeforeTheStartIsJudgedAfterIt(t *testing.T) {
	env := newEnv()
	var w told
	env.UpdateWorkflow("add", "", w.callbacks("early"), 10)
	env.ExecuteWorkflow(adder)
	check(t, env, 10)
	w.check(t, "early accepted", "early completed {10} <nil>")
}

func TestUpdateOfAClosedWorkflowIsRejected(t *testing.T) {
	env := newEnv()
	var w told
	env.RegisterWorkflow(adder)
	env.RegisterDelayedCallback(func() {
		env.CancelWorkflow()
		env.UpdateWorkflow("add", "late", w.callbacks("late"), 1)
	}, time.Minute)
	env.ExecuteWorkflow(adder)
	if len(w.all) == 0 || !strings.Contains(w.all[len(w.all)-1], "late rejected workflow execution already completed") {
		t.Errorf("told %q", w.all)
	}
}

func TestRejectedUpdateFailsTheTest(t *testing.T) {
	env := newEnv()
	s := &silent{}
	env.RegisterDelayedCallback(func() { env.UpdateWorkflowNoRejection("add", "x", s, -1) }, 0)
	env.RegisterDelayedCallback(env.CancelWorkflow, time.Minute)
	env.ExecuteWorkflow(adder)
	if !s.failed {
		t.Error("nobody was told")
	}
}
