package worker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// anyWorkflow passes its argument on to an activity that is named like itself.
func anyWorkflow(ctx workflow.Context, args converter.EncodedValues) (string, error) {
	var name, answer string
	if err := args.Get(&name); err != nil {
		return "", err
	}
	ctx = workflow.WithStartToCloseTimeout(ctx, time.Minute)
	err := workflow.ExecuteActivity(ctx, "do"+workflow.GetInfo(ctx).WorkflowType.Name, name, 7).Get(ctx, &answer)
	return answer, err
}

func anyActivity(ctx context.Context, args converter.EncodedValues) (string, error) {
	var name string
	var n int
	if err := args.Get(&name, &n); err != nil {
		return "", err
	}
	return activity.GetInfo(ctx).ActivityType.Name + " for " + name + strings.Repeat("!", n), nil
}

func TestDynamicFunctionsRunWhatIsNotRegistered(t *testing.T) {
	c := dial(t)
	w := worker.New(c, taskQueue, worker.Options{})
	w.RegisterWorkflowWithOptions(greet, workflow.RegisterOptions{Name: "Known"})
	w.RegisterActivity(compose)
	w.RegisterDynamicWorkflow(anyWorkflow, workflow.DynamicRegisterOptions{})
	w.RegisterDynamicActivity(anyActivity, activity.DynamicRegisterOptions{})
	startWorker(t, w)
	for workflowType, want := range map[string]string{
		"Known":   "Hello Ann, at attempt 3.",
		"Unknown": "doUnknown for Ann!!!!!!!",
	} {
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, workflowType, "Ann")
		var got string
		if err == nil {
			err = run.Get(t.Context(), &got)
		}
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", workflowType, got, err, want)
		}
	}
}

func TestDynamicFunctionsMustHaveTheirShape(t *testing.T) {
	w := worker.New(nil, taskQueue, worker.Options{})
	w.RegisterDynamicWorkflow(anyWorkflow, workflow.DynamicRegisterOptions{})
	for what, register := range map[string]func(){
		"converter.EncodedValues": func() { w.RegisterDynamicActivity(compose, activity.DynamicRegisterOptions{}) },
		"already registered":      func() { w.RegisterDynamicWorkflow(anyWorkflow, workflow.DynamicRegisterOptions{}) },
	} {
		func() {
			defer func() {
				if p, _ := recover().(string); !strings.Contains(p, what) {
					t.Errorf("panic is %q, want one with %q", p, what)
				}
			}()
			register()
		}()
	}
}
