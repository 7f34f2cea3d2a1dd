package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// actingBuild is a worker whose workflows tell which build ran their activities: one before a signal, some after it.
func actingBuild(t *testing.T, c client.Client, build string) worker.Worker {
	t.Helper()
	w := worker.New(c, taskQueue, worker.Options{DeploymentOptions: worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: "acting", BuildID: build},
		DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
	}})
	ask := func(ctx workflow.Context, queue string) (seen []string, err error) {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: queue, StartToCloseTimeout: time.Minute, DisableEagerExecution: true})
		for i := range 6 {
			if i == 1 {
				workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
			}
			var by string
			if err := workflow.ExecuteActivity(ctx, "where").Get(ctx, &by); err != nil {
				return nil, err
			}
			seen = append(seen, by)
		}
		return seen, nil
	}
	w.RegisterWorkflowWithOptions(ask, workflow.RegisterOptions{Name: "pinned"})
	w.RegisterWorkflowWithOptions(ask, workflow.RegisterOptions{Name: "upgraded", VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade})
	registerWhere(w, build)
	startWorker(t, w)
	return w
}

func registerWhere(w worker.Worker, by string) {
	w.RegisterActivityWithOptions(func(context.Context) (string, error) { return by, nil }, activity.RegisterOptions{Name: "where"})
}

func TestActivitiesOfPinnedRunsStayWithTheirBuild(t *testing.T) {
	c := dial(t)
	actingBuild(t, c, "1")
	app := c.WorkerDeploymentClient().GetHandle("acting")
	setCurrent := func(build string) {
		t.Helper()
		if _, err := app.SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build}); err != nil {
			t.Fatal(err)
		}
	}
	setCurrent("1")
	plain := worker.New(c, "plain", worker.Options{})
	registerWhere(plain, "none")
	startWorker(t, plain)
	start := func(workflowType, queue string) client.WorkflowRun {
		t.Helper()
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, workflowType, queue)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	old, upgraded, elsewhere := start("pinned", ""), start("upgraded", ""), start("pinned", "plain")
	awaitCompleted(t, c, old, upgraded, elsewhere)
	actingBuild(t, c, "2")
	setCurrent("2")
	awaitActing(t, c, "2")
	for _, test := range []struct {
		what  string
		run   client.WorkflowRun
		first string
		rest  string
	}{
		{"pinned run", old, "1", "1"},
		{"run that is upgraded", upgraded, "1", "2"},
		{"activities of a queue that the build does not serve", elsewhere, "none", "none"},
		{"new pinned run", start("pinned", ""), "2", "2"},
	} {
		var seen []string
		err := c.SignalWorkflow(t.Context(), test.run.GetID(), test.run.GetRunID(), "go", nil)
		if err == nil {
			err = test.run.Get(t.Context(), &seen)
		}
		if err != nil {
			t.Fatalf("%s: %v", test.what, err)
		}
		for i, by := range seen {
			want := test.rest
			if i == 0 {
				want = test.first
			}
			if by != want {
				t.Errorf("%s: activities ran on builds %v, want %s and then %s", test.what, seen, test.first, test.rest)
				break
			}
		}
	}
}

// awaitCompleted waits until each of the runs has the result of an activity.
func awaitCompleted(t *testing.T, c client.Client, runs ...client.WorkflowRun) {
	t.Helper()
	for _, run := range runs {
		for since := time.Now(); ; time.Sleep(20 * time.Millisecond) {
			d, err := c.DescribeWorkflow(t.Context(), run.GetID(), run.GetRunID())
			if err != nil {
				t.Fatal(err)
			}
			if d.HistoryLength >= 3 && len(d.PendingActivities) == 0 {
				break
			}
			if time.Since(since) > 20*time.Second {
				t.Fatalf("run %s has not come so far: %+v", run.GetID(), d)
			}
		}
	}
}

// awaitActing starts workflows that are bound to no build until only the given one runs their activities.
func awaitActing(t *testing.T, c client.Client, build string) {
	t.Helper()
	for since := time.Now(); ; {
		run, err := c.SignalWithStartWorkflow(t.Context(), uuid.NewString(), "go", nil, client.StartWorkflowOptions{TaskQueue: taskQueue}, "upgraded", "")
		var seen []string
		if err == nil {
			err = run.Get(t.Context(), &seen)
		}
		if err != nil {
			t.Fatal(err)
		}
		same := true
		for _, by := range seen {
			same = same && by == build
		}
		if same {
			return
		}
		if time.Since(since) > 20*time.Second {
			t.Fatalf("another build goes on: %v", seen)
		}
	}
}
