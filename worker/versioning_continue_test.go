package worker_test

import (
	"testing"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// circling is a worker of a build whose runs circle: after a signal each continues as new, in the way that it is told, and
// the next tells the builds of both, and whether the first one knew of another target.
func circling(t *testing.T, c client.Client, build string) {
	t.Helper()
	w := worker.New(c, taskQueue, worker.Options{DeploymentOptions: worker.DeploymentOptions{
		UseVersioning: true,
		Version:       worker.WorkerDeploymentVersion{DeploymentName: "app", BuildID: build},
	}})
	circle := func(ctx workflow.Context, how workflow.ContinueAsNewVersioningBehavior, before string) (string, error) {
		if before != "" {
			return before + build, nil
		}
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		before = build
		if workflow.GetInfo(ctx).GetTargetWorkerDeploymentVersionChanged() {
			before += " another "
		}
		return "", workflow.NewContinueAsNewErrorWithOptions(ctx, workflow.ContinueAsNewErrorOptions{InitialVersioningBehavior: how},
			"pinned", how, before+"->")
	}
	w.RegisterWorkflowWithOptions(circle, workflow.RegisterOptions{Name: "pinned", VersioningBehavior: workflow.VersioningBehaviorPinned})
	upgraded := func(ctx workflow.Context) (string, error) {
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		return build, nil
	}
	w.RegisterWorkflowWithOptions(upgraded, workflow.RegisterOptions{Name: "upgraded", VersioningBehavior: workflow.VersioningBehaviorAutoUpgrade})
	startWorker(t, w)
}

func TestContinueAsNewLeavesAVersion(t *testing.T) {
	b := &builds{t, dial(t)}
	for _, build := range []string{"1", "2", "3"} {
		circling(t, b.client, build)
	}
	b.setCurrent("1")
	begin := func(how workflow.ContinueAsNewVersioningBehavior) client.WorkflowRun {
		t.Helper()
		run, err := b.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, "pinned", how, "")
		if err != nil {
			t.Fatal(err)
		}
		return run
	}
	stay := begin(workflow.ContinueAsNewVersioningBehaviorUnspecified)
	upgrade := begin(workflow.ContinueAsNewVersioningBehaviorAutoUpgrade)
	ramp := begin(workflow.ContinueAsNewVersioningBehaviorUseRampingVersion)
	held := begin(workflow.ContinueAsNewVersioningBehaviorAutoUpgrade)
	unknowing := begin(workflow.ContinueAsNewVersioningBehaviorAutoUpgrade)
	b.wantEnd("nothing else deployed", unknowing, "1->1")
	b.update(held, pinnedTo("3"))
	b.setCurrent("2")
	if _, err := b.app().SetRampingVersion(t.Context(), client.WorkerDeploymentSetRampingVersionOptions{BuildID: "3", Percentage: 0}); err != nil {
		t.Fatal(err)
	}
	awaitCurrent(t, b.client, "2")
	awaitKnown(t, b.client, "1", "3")
	b.wantEnd("pinned", stay, "1 another ->1")
	b.wantEnd("upgrading", upgrade, "1 another ->2")
	b.wantEnd("taking the ramp", ramp, "1 another ->3")
	b.wantEnd("pinned by an override", held, "3->3")
}

// awaitKnown waits until workers of the builds have read the table of deployments: until each decides otherwise for a run
// that continues as new.
func awaitKnown(t *testing.T, c client.Client, builds ...string) {
	t.Helper()
	for _, build := range builds {
		for known := false; !known; {
			run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue,
				VersioningOverride: pinnedTo(build)}, "pinned", 0, "")
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.UpdateWorkflowExecutionOptions(t.Context(), override(run, nil))
			var got string
			if err == nil {
				err = c.SignalWorkflow(t.Context(), run.GetID(), run.GetRunID(), "go", nil)
			}
			if err == nil {
				err = run.Get(t.Context(), &got)
			}
			if err != nil {
				t.Fatal(err)
			}
			known = got == build+" another ->"+build
		}
	}
}
