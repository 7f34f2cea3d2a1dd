package worker_test

import (
	"errors"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// buildOf is a worker whose workflows say which build decides for them, before and after a signal.
func buildOf(t *testing.T, c client.Client, build string) worker.Worker {
	t.Helper()
	w := worker.New(c, taskQueue, worker.Options{DeploymentOptions: worker.DeploymentOptions{
		UseVersioning:             true,
		Version:                   worker.WorkerDeploymentVersion{DeploymentName: "app", BuildID: build},
		DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
	}})
	say := func(ctx workflow.Context) (string, error) {
		if err := workflow.SetQueryHandler(ctx, "build", func() (string, error) { return build, nil }); err != nil {
			return "", err
		}
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		return build, nil
	}
	parent := func(ctx workflow.Context) (child string, err error) {
		err = workflow.ExecuteChildWorkflow(ctx, "quick").Get(ctx, &child)
		return child + " by " + build, err
	}
	w.RegisterWorkflowWithOptions(say, workflow.RegisterOptions{Name: "pinned"})
	w.RegisterWorkflowWithOptions(say, workflow.RegisterOptions{Name: "upgraded", VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade})
	w.RegisterWorkflowWithOptions(parent, workflow.RegisterOptions{Name: "parent"})
	w.RegisterWorkflowWithOptions(func(workflow.Context) (string, error) { return build, nil }, workflow.RegisterOptions{Name: "quick"})
	startWorker(t, w)
	return w
}

func TestPinnedRunsStayWithTheirBuild(t *testing.T) {
	c := dial(t)
	buildOf(t, c, "1")
	app := c.WorkerDeploymentClient().GetHandle("app")
	if _, err := app.SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: "2"}); err == nil {
		t.Error("a build without workers becomes current")
	}
	setCurrent := func(build string) {
		t.Helper()
		if _, err := app.SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build}); err != nil {
			t.Fatal(err)
		}
	}
	setCurrent("1")
	start := func(workflowType string) client.WorkflowRun {
		t.Helper()
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, workflowType)
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	result := func(run client.WorkflowRun, signal bool) string {
		t.Helper()
		var got string
		var err error
		if signal {
			err = c.SignalWorkflow(t.Context(), run.GetID(), run.GetRunID(), "go", nil)
		}
		if err == nil {
			err = run.Get(t.Context(), &got)
		}
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	old, upgraded := start("pinned"), start("upgraded")
	for _, run := range []client.WorkflowRun{old, upgraded} {
		var build string
		answer, err := c.QueryWorkflow(t.Context(), run.GetID(), run.GetRunID(), "build")
		if err == nil {
			err = answer.Get(&build)
		}
		if err != nil || build != "1" {
			t.Fatalf("decided by build %q, %v", build, err)
		}
	}
	buildOf(t, c, "2")
	setCurrent("2")
	if got := result(start("pinned"), true); got != "2" {
		t.Errorf("new run is decided by build %s", got)
	}
	if got := result(start("parent"), false); got != "2 by 2" {
		t.Errorf("child and parent: %s", got)
	}
	if got := result(old, true); got != "1" {
		t.Errorf("pinned run is decided by build %s at its end", got)
	}
	awaitCurrent(t, c, "2")
	if got := result(upgraded, true); got != "2" {
		t.Errorf("run of a workflow that is upgraded is decided by build %s at its end", got)
	}
	d, err := app.Describe(t.Context(), client.WorkerDeploymentDescribeOptions{})
	if err != nil || len(d.Info.VersionSummaries) != 2 || d.Info.RoutingConfig.CurrentVersion.BuildID != "2" {
		t.Errorf("description is %+v, %v", d, err)
	}
	if _, err := app.SetRampingVersion(t.Context(), client.WorkerDeploymentSetRampingVersionOptions{BuildID: "1", Percentage: 100}); err != nil {
		t.Fatal(err)
	}
	if got := result(start("pinned"), true); got != "1" {
		t.Errorf("run on the ramp is decided by build %s", got)
	}
	_, err = app.SetRampingVersion(t.Context(), client.WorkerDeploymentSetRampingVersionOptions{BuildID: "1", ConflictToken: d.ConflictToken})
	if err == nil {
		t.Error("an old conflict token was taken")
	}
}

// awaitCurrent starts workflows that are bound to no build until only the given one decides for them.
func awaitCurrent(t *testing.T, c client.Client, build string) {
	t.Helper()
	same := 0
	for since := time.Now(); same < 5; {
		if time.Since(since) > 20*time.Second {
			t.Fatal("another build goes on deciding")
		}
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, "upgraded")
		if err == nil {
			err = c.SignalWorkflow(t.Context(), run.GetID(), run.GetRunID(), "go", nil)
		}
		var got string
		if err == nil {
			err = run.Get(t.Context(), &got)
		}
		if err != nil {
			t.Fatal(err)
		}
		if same++; got != build {
			same = 0
		}
	}
}

func TestVersionedWorkerNeedsBehaviors(t *testing.T) {
	w := worker.New(dial(t), taskQueue, worker.Options{DeploymentOptions: worker.DeploymentOptions{
		UseVersioning: true, Version: worker.WorkerDeploymentVersion{DeploymentName: "app", BuildID: "1"}}})
	w.RegisterWorkflow(greet)
	if err := w.Start(); !errors.Is(err, worker.ErrInvalidOptions) {
		w.Stop()
		t.Errorf("error is %v", err)
	}
}
