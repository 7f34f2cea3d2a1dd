package typed_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/typed"
	"github.com/millrace-dev/millrace/workflow"
)

func none(context.Context) (string, error)                   { return "none", nil }
func two(_ context.Context, a string, b int) (string, error) { return fmt.Sprint(a, b), nil }
func three(_ context.Context, a string, b int, c bool) (string, error) {
	return fmt.Sprint(a, b, c), nil
}
func fails(context.Context, string) (string, error) { return "", errors.New("told to") }

func child(ctx workflow.Context, text string) (string, error) {
	signal, _ := typed.GetSignalChannel[string](ctx, "more").Receive(ctx)
	return text + signal, nil
}

// all uses everything that workflow code may, and returns what came out.
func all(ctx workflow.Context) (out []string, err error) {
	ctx = workflow.WithStartToCloseTimeout(ctx, time.Minute)
	local := workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: time.Minute})
	add := func(text string, e error) {
		err = errors.Join(err, e)
		out = append(out, text)
	}
	add(typed.ExecuteActivity0(ctx, none).Get(ctx))
	add(typed.ExecuteActivity2(ctx, two, "a", 2).Get(ctx))
	add(typed.ExecuteActivity3(ctx, three, "a", 2, true).Get(ctx))
	add(typed.ExecuteLocalActivity2(local, two, "local", 2).Get(ctx))
	c := typed.ExecuteChildWorkflow(ctx, child, "child")
	execution, e := c.Started(ctx)
	add(map[bool]string{true: "started"}[execution.ID != ""], e)
	add("signaled", c.Signal(ctx, "more", "!").Get(ctx, nil))
	add(c.Get(ctx))
	add(typed.SideEffect(ctx, func(workflow.Context) string { return "effect" }))
	s := typed.AddFuture(ctx, workflow.NewSelector(ctx), typed.ExecuteActivity0(ctx, none), func(text string, e error) { add("selected "+text, e) })
	s.Select(ctx)
	signals := typed.GetSignalChannel[int](ctx, "number")
	typed.AddReceive(ctx, workflow.NewSelector(ctx), signals, func(n int, more bool) { add(fmt.Sprint(n, more), nil) }).Select(ctx)
	if _, ok := signals.ReceiveAsync(); ok {
		add("a second signal", nil)
	}
	return out, err
}

func environment(t *testing.T) *testsuite.TestWorkflowEnvironment {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.Discard{})
	env := suite.NewTestWorkflowEnvironment()
	for _, a := range []any{none, two, three, fails} {
		env.RegisterActivity(a)
	}
	env.RegisterWorkflow(child)
	return env
}

func TestAll(t *testing.T) {
	env := environment(t)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("number", 7) }, time.Hour)
	env.ExecuteWorkflow(all)
	var got []string
	if err := env.GetWorkflowResult(&got); err != nil {
		t.Fatal(err)
	}
	want := "none|a2|a2 true|local2|started|signaled|child!|effect|selected none|7 true"
	if s := strings.Join(got, "|"); s != strings.ReplaceAll(want, "a2 true", fmt.Sprint("a", 2, true)) {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

func TestFailureHasNoResult(t *testing.T) {
	env := environment(t)
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute, ScheduleToCloseTimeout: time.Second})
		f := typed.ExecuteActivity(ctx, fails, "x")
		text, err := f.Get(ctx)
		if !f.IsReady() || !f.Untyped().IsReady() {
			return "", errors.New("not ready after Get")
		}
		return "[" + text + "]" + map[bool]string{true: "failed"}[err != nil], nil
	})
	var got string
	if err := env.GetWorkflowResult(&got); err != nil || got != "[]failed" {
		t.Fatalf("result %q, %v", got, err)
	}
}
