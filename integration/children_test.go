package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// childOptions are options of a child of the given workflow ID.
func childOptions(ctx workflow.Context, id string) workflow.Context {
	return workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: id})
}

func TestAParentWaitsForStartAndResult(t *testing.T) {
	e := newEngine(t)
	e.serve(code{
		"conversation": conversation,
		"who": func(ctx workflow.Context) ([]string, error) {
			i := workflow.GetInfo(ctx)
			return []string{i.ParentWorkflowExecution.ID, i.RootWorkflowExecution.ID, i.WorkflowExecution.RunID}, nil
		},
		"parent": func(ctx workflow.Context) (string, error) {
			talk := workflow.ExecuteChildWorkflow(childOptions(ctx, "talk"), "conversation", 2)
			var started workflow.Execution
			if err := talk.GetChildWorkflowExecution().Get(ctx, &started); err != nil {
				return "", err
			}
			if started.ID != "talk" || started.RunID == "" || talk.IsReady() {
				return "", fmt.Errorf("started %+v, ready %v", started, talk.IsReady())
			}
			if err := talk.SignalChildWorkflow(ctx, "say", "signaled").Get(ctx, nil); err != nil {
				return "", err
			}
			if err := workflow.SignalExternalWorkflow(ctx, "talk", started.RunID, "say", "twice").Get(ctx, nil); err != nil {
				return "", err
			}
			var s string
			if err := talk.Get(ctx, &s); err != nil {
				return "", err
			}
			var who []string
			unnamed := workflow.ExecuteChildWorkflow(ctx, "who")
			if err := unnamed.GetChildWorkflowExecution().Get(ctx, &started); err != nil {
				return "", err
			}
			if err := unnamed.Get(ctx, &who); err != nil {
				return "", err
			}
			if want := []string{"parent", "parent", started.RunID}; !slices.Equal(who, want) {
				return "", fmt.Errorf("the child is %v, want %v", who, want)
			}
			return s, nil
		},
	}, nil)
	if got := result[string](e, e.execute("parent", "parent")); got != "signaled twice" {
		t.Fatalf("got %q", got)
	}
}

// TestWhatBecomesOfAChildWhenItsParentEnds tries each parent close policy with each end of a parent.
func TestWhatBecomesOfAChildWhenItsParentEnds(t *testing.T) {
	e := newEngine(t)
	e.serve(code{
		"child": conversation,
		"parent": func(ctx workflow.Context, id string, policy enums.ParentClosePolicy, end string) error {
			ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: id, ParentClosePolicy: policy})
			child := workflow.ExecuteChildWorkflow(ctx, "child", 1)
			if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
				return err
			}
			switch end {
			case "completes":
				return nil
			case "fails":
				return errors.New("no")
			case "continues as new":
				return workflow.NewContinueAsNewError(ctx, "end")
			}
			return workflow.Sleep(ctx, time.Hour)
		},
		"end": func(workflow.Context) error { return nil },
	}, nil)
	policies := map[enums.ParentClosePolicy]enums.WorkflowExecutionStatus{
		enums.PARENT_CLOSE_POLICY_UNSPECIFIED:    enums.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		enums.PARENT_CLOSE_POLICY_TERMINATE:      enums.WORKFLOW_EXECUTION_STATUS_TERMINATED,
		enums.PARENT_CLOSE_POLICY_ABANDON:        enums.WORKFLOW_EXECUTION_STATUS_COMPLETED,
		enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL: enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
	}
	for policy, want := range policies {
		for _, end := range []string{"completes", "fails", "continues as new", "is terminated", "times out"} {
			name := fmt.Sprintf("%v, parent %s", policy, end)
			t.Run(name, func(t *testing.T) {
				child := "child of " + name
				o := client.StartWorkflowOptions{ID: name}
				if end == "times out" {
					o.WorkflowRunTimeout = 300 * time.Millisecond
				}
				run := e.executeWith(o, "parent", child, policy, end)
				if end == "is terminated" {
					e.await(name, "its child", func(d *client.WorkflowExecutionDescription) bool {
						return len(d.PendingChildren) == 1 && d.PendingChildren[0].RunID != ""
					})
					if err := e.client.TerminateWorkflow(e.ctx, name, "", "test"); err != nil {
						t.Fatal(err)
					}
				}
				_ = run.Get(e.ctx, nil) // how it ended is the test's own choice
				if policy == enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL {
					e.await(child, "a cancel request", func(d *client.WorkflowExecutionDescription) bool { return d.CancelRequested })
				}
				if want != enums.WORKFLOW_EXECUTION_STATUS_TERMINATED {
					// The child of no error and the one that ignores its cancellation go on.
					if d := e.describe(child); d.WorkflowCloseTime != nil {
						t.Fatalf("the child is %v", d.Status)
					}
					e.signal(child, "say", "alive")
					want = enums.WORKFLOW_EXECUTION_STATUS_COMPLETED
				}
				e.awaitStatus(child, want)
			})
		}
	}
}

func TestAChildOfATakenIDDoesNotStart(t *testing.T) {
	e := newEngine(t)
	e.serve(code{
		"child": conversation,
		"parent": func(ctx workflow.Context, reuse enums.WorkflowIdReusePolicy) (string, error) {
			ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "taken", WorkflowIDReusePolicy: reuse})
			child := workflow.ExecuteChildWorkflow(ctx, "child", 1)
			startErr := child.GetChildWorkflowExecution().Get(ctx, nil)
			err := child.Get(ctx, nil)
			var failed *millrace.ChildWorkflowExecutionError
			if !errors.Is(startErr, millrace.ErrChildWorkflowExecutionAlreadyStarted) || !errors.As(err, &failed) ||
				!errors.Is(err, millrace.ErrChildWorkflowExecutionAlreadyStarted) {
				return "", fmt.Errorf("start gives %w, result %w", startErr, err)
			}
			return failed.WorkflowID() + " " + failed.RunID(), nil
		},
	}, nil)
	taken := e.execute("taken", "child", 1)
	if got := result[string](e, e.execute("parent", "parent", enums.WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED)); got != "taken " {
		t.Errorf("while the other run is open: %q", got)
	}
	e.signal("taken", "say", "x")
	result[string](e, taken)
	if got := result[string](e, e.execute("parent", "parent", enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE)); got != "taken " {
		t.Errorf("when the other run has closed: %q", got)
	}
}

func TestCancelingAChild(t *testing.T) {
	e := newEngine(t)
	var parent = func(ctx workflow.Context, wait bool) (string, error) {
		cctx, cancel := workflow.WithCancel(ctx)
		cctx = workflow.WithChildOptions(cctx, workflow.ChildWorkflowOptions{WorkflowID: fmt.Sprint("child-", wait),
			WaitForCancellation: wait, ParentClosePolicy: enums.PARENT_CLOSE_POLICY_ABANDON})
		child := workflow.ExecuteChildWorkflow(cctx, "child")
		if err := child.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
			return "", err
		}
		begun := workflow.Now(ctx)
		cancel()
		var s string
		err := child.Get(ctx, &s)
		if waited := workflow.Now(ctx).Sub(begun) >= 200*time.Millisecond; waited != wait {
			return "", fmt.Errorf("waited: %v, with %w", waited, err)
		}
		if !millrace.IsCanceledError(err) {
			return "", fmt.Errorf("child gave %q, %w", s, err)
		}
		var failed *millrace.ChildWorkflowExecutionError
		return fmt.Sprint(errors.As(err, &failed)), nil
	}
	e.serve(code{"parent": parent, "child": func(ctx workflow.Context) (string, error) {
		err := workflow.Sleep(ctx, time.Hour)
		ctx, _ = workflow.NewDisconnectedContext(ctx)
		if err := workflow.Sleep(ctx, 200*time.Millisecond); err != nil {
			return "", err
		}
		return "", err
	}}, nil)
	for _, wait := range []bool{false, true} {
		// The error of a child that was waited for names it; the other is the context's.
		if got := result[string](e, e.execute(fmt.Sprint("parent-", wait), "parent", wait)); got != fmt.Sprint(wait) {
			t.Errorf("wait %v: is a child's error: %s", wait, got)
		}
		e.awaitStatus(fmt.Sprint("child-", wait), enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
	}
}

func TestAChildCanceledBeforeItIsStarted(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"child": countdown, "parent": func(ctx workflow.Context) error {
		before, cancelBefore := workflow.WithCancel(ctx)
		cancelBefore()
		err := workflow.ExecuteChildWorkflow(childOptions(before, "never"), "child", 0).Get(ctx, nil)
		if !millrace.IsCanceledError(err) {
			return fmt.Errorf("canceled context: %w", err)
		}
		same, cancelSame := workflow.WithCancel(ctx)
		child := workflow.ExecuteChildWorkflow(childOptions(same, "withdrawn"), "child", 0)
		cancelSame()
		if err := child.GetChildWorkflowExecution().Get(ctx, nil); !millrace.IsCanceledError(err) {
			return fmt.Errorf("canceled in the same step: start gives %w", err)
		}
		if err := child.Get(ctx, nil); !millrace.IsCanceledError(err) {
			return fmt.Errorf("canceled in the same step: %w", err)
		}
		return nil
	}}, nil)
	if err := e.execute("parent", "parent").Get(e.ctx, nil); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"never", "withdrawn"} {
		if d, err := e.client.DescribeWorkflow(e.ctx, id, ""); err == nil {
			t.Errorf("child %s was started: %+v", id, d)
		}
	}
}

// TestHowAChildEndedReachesItsParent tells each end of a child from the others, after retries and successors.
func TestHowAChildEndedReachesItsParent(t *testing.T) {
	e := newEngine(t)
	e.serve(code{
		"parent": func(ctx workflow.Context, how string, o workflow.ChildWorkflowOptions) (string, error) {
			var s string
			child := workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, o), how)
			err := child.Get(ctx, &s)
			var failed *millrace.ChildWorkflowExecutionError
			if err != nil && !errors.As(err, &failed) {
				return "", err
			}
			var app *millrace.ApplicationError
			var timeout *millrace.TimeoutError
			switch {
			case errors.As(err, &app):
				return fmt.Sprint("failed: ", app.Message(), " ", failed.RetryState()), nil
			case errors.As(err, &timeout):
				return fmt.Sprint("timed out: ", timeout.TimeoutType(), " ", failed.RetryState()), nil
			case millrace.IsCanceledError(err):
				return "canceled", nil
			case millrace.IsTerminatedError(err):
				return "terminated", nil
			}
			return s, err
		},
		"retried": func(ctx workflow.Context) (string, error) {
			n := workflow.GetInfo(ctx).Attempt
			if n < 3 {
				return "", fmt.Errorf("attempt %d fails", n)
			}
			return fmt.Sprint("attempt ", n), nil
		},
		"continued": func(ctx workflow.Context) (string, error) {
			return "", workflow.NewContinueAsNewError(ctx, "countdown", 2)
		},
		"countdown": func(ctx workflow.Context, n int) (string, error) {
			if n > 0 {
				return "", workflow.NewContinueAsNewError(ctx, "countdown", n-1)
			}
			return "lift-off in " + workflow.GetInfo(ctx).ParentWorkflowExecution.ID, nil
		},
		"endless":  func(ctx workflow.Context) (string, error) { return "", workflow.Sleep(ctx, time.Hour) },
		"canceled": func(workflow.Context) (string, error) { return "", millrace.NewCanceledError("why") },
	}, nil)
	policy := &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 3}
	two := &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 2}
	for _, test := range []struct {
		name, child, want string
		options           workflow.ChildWorkflowOptions
	}{
		{"retried", "retried", "attempt 3", workflow.ChildWorkflowOptions{RetryPolicy: policy}},
		{"too rarely retried", "retried", "failed: attempt 2 fails MaximumAttemptsReached", workflow.ChildWorkflowOptions{RetryPolicy: two}},
		{"not retried", "retried", "failed: attempt 1 fails RetryPolicyNotSet", workflow.ChildWorkflowOptions{}},
		{"continued", "continued", "lift-off in continued", workflow.ChildWorkflowOptions{}},
		{"run time-out", "endless", "timed out: StartToClose RetryPolicyNotSet", workflow.ChildWorkflowOptions{WorkflowRunTimeout: 100 * time.Millisecond}},
		{"execution time-out", "endless", "timed out: StartToClose Timeout", workflow.ChildWorkflowOptions{WorkflowExecutionTimeout: 100 * time.Millisecond, RetryPolicy: policy}},
		{"canceled", "canceled", "canceled", workflow.ChildWorkflowOptions{}},
		{"terminated", "endless", "terminated", workflow.ChildWorkflowOptions{WorkflowID: "to terminate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			run := e.execute(test.name, "parent", test.child, test.options)
			if test.want == "terminated" {
				e.await(test.name, "its child", func(d *client.WorkflowExecutionDescription) bool {
					return len(d.PendingChildren) == 1 && d.PendingChildren[0].RunID != ""
				})
				if err := e.client.TerminateWorkflow(e.ctx, "to terminate", "", "test"); err != nil {
					t.Fatal(err)
				}
			}
			if got := result[string](e, run); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestAChildOnAnotherQueueRunsThere(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"parent": func(ctx workflow.Context) (string, error) {
		var s string
		ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{TaskQueue: "elsewhere"})
		err := workflow.ExecuteChildWorkflow(ctx, "where").Get(ctx, &s)
		return s, err
	}}, nil)
	e.serveOn("elsewhere", code{"where": func(ctx workflow.Context) (string, error) {
		var s string
		err := workflow.ExecuteActivity(quick(ctx), "say").Get(ctx, &s)
		return workflow.GetInfo(ctx).TaskQueueName + s, err
	}}, code{"say": func(context.Context) (string, error) { return "!", nil }})
	if got := result[string](e, e.execute("parent", "parent")); got != "elsewhere!" {
		t.Fatalf("got %q", got)
	}
}
