package testsuite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// flow is all code of the table, registered with either side.
type flow struct{}

// Fail fails until the given attempt, which tells its number.
func (flow) Fail(ctx context.Context, until int) (string, error) {
	n := activity.GetInfo(ctx).Attempt
	if int(n) < until {
		return "", millrace.NewApplicationError("not yet", "Soon", n)
	}
	return fmt.Sprint("attempt ", n), nil
}

// Fatal never succeeds.
func (flow) Fatal(context.Context) error {
	return millrace.NewNonRetryableApplicationError("for good", "Fatal", errors.New("because"), 7)
}

// Echo returns what it gets.
func (flow) Echo(_ context.Context, s string) (string, error) { return s, nil }

// Panics panics.
func (flow) Panics(context.Context) error { panic("ouch") }

// Wait ends when it is canceled.
func (flow) Wait(ctx context.Context) (string, error) {
	for {
		activity.RecordHeartbeat(ctx, "waiting")
		select {
		case <-ctx.Done():
			return "", millrace.NewCanceledError("stopped")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Slow takes longer than it may.
func (flow) Slow(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func quick(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second,
		RetryPolicy:         &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 4},
	})
}

func echo(ctx workflow.Context, s string) (string, error) {
	var out string
	err := workflow.ExecuteActivity(quick(ctx), "Echo", s).Get(ctx, &out)
	return out, err
}

// childFlow waits for a signal that tells it what to return.
func childFlow(ctx workflow.Context, fail bool) (string, error) {
	if fail {
		return "", millrace.NewApplicationError("child failed", "Child")
	}
	return echo(ctx, "from the child")
}

// waitingChild waits for a signal, or is canceled. Then it waits until the test lets it go: that it has closed, and that
// its parent's request has reached it, are two messages to the parent without an order.
func waitingChild(ctx workflow.Context) (string, error) {
	var s string
	sel := workflow.NewSelector(ctx)
	sel.AddReceive(workflow.GetSignalChannel(ctx, "word"), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &s) })
	sel.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
	sel.Select(ctx)
	clean, _ := workflow.NewDisconnectedContext(ctx)
	workflow.GetSignalChannel(clean, "go").Receive(clean, nil)
	return s, ctx.Err()
}

func childOptions(ctx workflow.Context, id string) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: id, WaitForCancellation: true})
}

func equivalents() []equivalent {
	return slices.Concat(equivalentActivities(), equivalentWaits(), equivalentChildren(), equivalentEnds())
}

// equivalentActivities are about activities and their failures.
func equivalentActivities() []equivalent {
	return []equivalent{
		{name: "nothing", run: func(workflow.Context) (string, error) { return "done", nil }},
		{name: "sequence", run: func(ctx workflow.Context) (string, error) {
			all := ""
			for _, s := range []string{"a", "b", "c"} {
				out, err := echo(ctx, s)
				if err != nil {
					return "", err
				}
				all += out
			}
			return all, nil
		}},
		{name: "retries", run: func(ctx workflow.Context) (string, error) {
			var out string
			err := workflow.ExecuteActivity(quick(ctx), "Fail", 3).Get(ctx, &out)
			return out, err
		}},
		{name: "retries used up", run: func(ctx workflow.Context) (string, error) {
			return "", workflow.ExecuteActivity(quick(ctx), "Fail", 100).Get(ctx, nil)
		}},
		{name: "non-retryable failure", run: func(ctx workflow.Context) (string, error) {
			err := workflow.ExecuteActivity(quick(ctx), "Fatal").Get(ctx, nil)
			var app *millrace.ApplicationError
			var n int
			if !errors.As(err, &app) || app.Details(&n) != nil {
				return "", fmt.Errorf("unexpected: %w", err)
			}
			return fmt.Sprint(app.Type(), n), nil
		}},
		{name: "panic of an activity", run: func(ctx workflow.Context) (string, error) {
			err := workflow.ExecuteActivity(quick(ctx), "Panics").Get(ctx, nil)
			var p *millrace.PanicError
			return fmt.Sprint(errors.As(err, &p)), nil
		}},
		{name: "local activities", run: func(ctx workflow.Context) (string, error) {
			ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
				StartToCloseTimeout: 10 * time.Second,
				RetryPolicy:         &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 3},
			})
			var a, b, c string
			if err := workflow.ExecuteLocalActivity(ctx, flow.Echo, flow{}, "x").Get(ctx, nil); err == nil {
				return "", errors.New("a method without its receiver was called")
			}
			if err := workflow.ExecuteLocalActivity(ctx, "Echo", "by name").Get(ctx, &a); err != nil {
				return "", err
			}
			if err := workflow.ExecuteLocalActivity(ctx, flow{}.Fail, 3).Get(ctx, &b); err != nil {
				return "", err
			}
			if _, err := echo(ctx, "in between"); err != nil {
				return "", err
			}
			err := workflow.ExecuteLocalActivity(ctx, flow{}.Fail, 100).Get(ctx, &c)
			return a + b, err
		}},
		{name: "activity timed out", run: func(ctx workflow.Context) (string, error) {
			ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
				StartToCloseTimeout: 50 * time.Millisecond,
				RetryPolicy:         &millrace.RetryPolicy{MaximumAttempts: 1},
			})
			return "", workflow.ExecuteActivity(ctx, "Slow").Get(ctx, nil)
		}},
	}
}

// equivalentWaits are about timers, signals and coroutines.
func equivalentWaits() []equivalent {
	return []equivalent{
		{name: "timers", run: func(ctx workflow.Context) (string, error) {
			// Timers that are due close together may fire together on a busy machine: their order would be open.
			order := ""
			sel := workflow.NewSelector(ctx)
			for i, d := range []time.Duration{time.Hour, 20 * time.Millisecond, 2 * time.Hour} {
				sel.AddFuture(workflow.NewTimer(ctx, d), func(workflow.Future) { order += fmt.Sprint(i) })
			}
			sel.Select(ctx)
			return order, workflow.Sleep(ctx, 10*time.Millisecond)
		}},
		{name: "timer canceled", steps: []step{{events: 2, signal: "stop"}}, run: func(ctx workflow.Context) (string, error) {
			timed, cancel := workflow.WithCancel(ctx)
			timer := workflow.NewTimer(timed, time.Hour)
			workflow.GetSignalChannel(ctx, "stop").Receive(ctx, nil)
			cancel()
			return fmt.Sprint(timer.Get(ctx, nil)), nil
		}},
		{name: "signals", steps: []step{{events: 1, signal: "s", value: "x"}, {events: 2, signal: "s", value: "y"}, {events: 3, signal: "s", value: "z"}},
			run: func(ctx workflow.Context) (string, error) {
				all := ""
				for range 3 {
					var s string
					workflow.GetSignalChannel(ctx, "s").Receive(ctx, &s)
					all += s
				}
				return all, nil
			}},
		{name: "updates", steps: []step{{events: 2, update: "add", value: ""}, {events: 2, update: "add", value: "x"}, {events: 6, update: "add", value: "y"}},
			run: func(ctx workflow.Context) (string, error) {
				all := ""
				err := workflow.SetUpdateHandlerWithOptions(ctx, "add", func(ctx workflow.Context, s string) (string, error) {
					out, err := echo(ctx, s)
					all += out
					return all, err
				}, workflow.UpdateHandlerOptions{Validator: func(s string) error {
					if s == "" {
						return errors.New("empty")
					}
					return nil
				}})
				if err != nil {
					return "", err
				}
				if ok, err := workflow.AwaitWithTimeout(ctx, time.Hour, func() bool { return len(all) == 2 && workflow.AllHandlersFinished(ctx) }); !ok {
					return "", err
				}
				return all, nil
			}},
		{name: "selector", steps: []step{{events: 2, signal: "s", value: "go"}}, run: func(ctx workflow.Context) (string, error) {
			said := ""
			timer := workflow.NewTimer(ctx, time.Hour)
			sel := workflow.NewSelector(ctx)
			sel.AddFuture(timer, func(workflow.Future) { said = "timer" })
			sel.AddReceive(workflow.GetSignalChannel(ctx, "s"), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &said) })
			sel.Select(ctx)
			return said, nil
		}},
		{name: "coroutines", run: func(ctx workflow.Context) (string, error) {
			ch := workflow.NewChannel(ctx)
			wg := workflow.NewWaitGroup(ctx)
			for i := range 3 {
				wg.Add(1)
				workflow.Go(ctx, func(ctx workflow.Context) {
					defer wg.Done()
					ch.Send(ctx, i)
				})
			}
			sum := 0
			for range 3 {
				var i int
				ch.Receive(ctx, &i)
				sum += i
			}
			wg.Wait(ctx)
			return echo(ctx, fmt.Sprint(sum))
		}},
	}
}

// equivalentChildren are about children and other workflows.
func equivalentChildren() []equivalent {
	return []equivalent{
		{name: "child", children: []string{"child of child"}, run: func(ctx workflow.Context) (string, error) {
			var out string
			err := workflow.ExecuteChildWorkflow(childOptions(ctx, "child of child"), "childFlow", false).Get(ctx, &out)
			return out, err
		}},
		{name: "child failed", children: []string{"failing child"}, run: func(ctx workflow.Context) (string, error) {
			return "", workflow.ExecuteChildWorkflow(childOptions(ctx, "failing child"), "childFlow", true).Get(ctx, nil)
		}},
		{name: "child signaled", children: []string{"signaled child"}, steps: []step{{events: 5, to: "signaled child", signal: "go"}}, run: func(ctx workflow.Context) (string, error) {
			child := workflow.ExecuteChildWorkflow(childOptions(ctx, "signaled child"), "waitingChild")
			if err := child.SignalChildWorkflow(ctx, "word", "psst").Get(ctx, nil); err != nil {
				return "", err
			}
			var out string
			err := child.Get(ctx, &out)
			return out, err
		}},
		{name: "child canceled", children: []string{"canceled child"}, steps: []step{{events: 5, to: "canceled child", signal: "go"}}, run: func(ctx workflow.Context) (string, error) {
			inner, cancel := workflow.WithCancel(ctx)
			child := workflow.ExecuteChildWorkflow(childOptions(inner, "canceled child"), "waitingChild")
			if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
				return "", err
			}
			cancel()
			err := child.Get(ctx, nil)
			var canceled *millrace.CanceledError
			return fmt.Sprint(errors.As(err, &canceled)), nil
		}},
		{name: "child in the way", children: []string{"first child"}, steps: []step{{events: 7, to: "first child", signal: "go"}}, run: func(ctx workflow.Context) (string, error) {
			first := workflow.ExecuteChildWorkflow(childOptions(ctx, "first child"), "waitingChild")
			if err := first.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
				return "", err
			}
			second := workflow.ExecuteChildWorkflow(childOptions(ctx, "first child"), "waitingChild").Get(ctx, nil)
			if err := first.SignalChildWorkflow(ctx, "word", "end").Get(ctx, nil); err != nil {
				return "", err
			}
			if err := first.Get(ctx, nil); err != nil {
				return "", err
			}
			return fmt.Sprint(errors.Is(second, millrace.ErrChildWorkflowExecutionAlreadyStarted)), nil
		}},
		{name: "external signal to nobody", run: func(ctx workflow.Context) (string, error) {
			return "", workflow.SignalExternalWorkflow(ctx, "nobody", "", "s", 1).Get(ctx, nil)
		}},
	}
}

// equivalentEnds are about cancellation and the ways to end.
func equivalentEnds() []equivalent {
	return []equivalent{
		{name: "canceled", steps: []step{{events: 2, cancel: true}}, run: func(ctx workflow.Context) (string, error) {
			err := workflow.Sleep(ctx, time.Hour)
			clean, _ := workflow.NewDisconnectedContext(ctx)
			if _, e := echo(clean, "cleaned up"); e != nil {
				return "", e
			}
			return "", err
		}},
		{name: "activity canceled", steps: []step{{events: 2, cancel: true}}, run: func(ctx workflow.Context) (string, error) {
			patient := workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
				StartToCloseTimeout: time.Minute, HeartbeatTimeout: time.Second, WaitForCancellation: true,
			})
			return "", workflow.ExecuteActivity(patient, "Wait").Get(ctx, nil)
		}},
		{name: "continue as new", run: func(ctx workflow.Context) (string, error) {
			if workflow.GetInfo(ctx).ContinuedExecutionRunID != "" {
				return "the second run", nil
			}
			return "", workflow.NewContinueAsNewError(ctx, "continue as new")
		}},
		{name: "side effects", run: func(ctx workflow.Context) (string, error) {
			var n int
			if err := workflow.SideEffect(ctx, func(workflow.Context) interface{} { return 7 }).Get(&n); err != nil {
				return "", err
			}
			equal := func(a, b interface{}) bool { return a == b }
			var sum int
			for i := range 4 {
				var m int
				if err := workflow.MutableSideEffect(ctx, "half", func(workflow.Context) interface{} { return i / 2 }, equal).Get(&m); err != nil {
					return "", err
				}
				sum += m
				if _, err := echo(ctx, "in between"); err != nil {
					return "", err
				}
			}
			return fmt.Sprint(n, sum), nil
		}},
		{name: "versions", run: func(ctx workflow.Context) (string, error) {
			first := workflow.GetVersion(ctx, "a change", workflow.DefaultVersion, 2)
			if _, err := echo(ctx, "in between"); err != nil {
				return "", err
			}
			return fmt.Sprint(first, workflow.GetVersion(ctx, "a change", workflow.DefaultVersion, 3)), nil
		}},
		{name: "upserts", run: func(ctx workflow.Context) (string, error) {
			if err := workflow.UpsertTypedSearchAttributes(ctx, millrace.NewSearchAttributeKeyInt64("n").ValueSet(3)); err != nil {
				return "", err
			}
			if err := workflow.UpsertMemo(ctx, map[string]interface{}{"note": "hello"}); err != nil {
				return "", err
			}
			return echo(ctx, "upserted")
		}},
		{name: "retried workflow", options: client.StartWorkflowOptions{RetryPolicy: &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 2}},
			run: func(ctx workflow.Context) (string, error) {
				if n := workflow.GetInfo(ctx).Attempt; n < 2 {
					return "", fmt.Errorf("attempt %d", n)
				}
				return "second attempt", nil
			}},
		{name: "run timed out", options: client.StartWorkflowOptions{WorkflowRunTimeout: 100 * time.Millisecond}, run: func(ctx workflow.Context) (string, error) {
			return "", workflow.Sleep(ctx, time.Hour)
		}},
	}
}
