package worker_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/deployment"
	"github.com/millrace-dev/millrace/worker"
)

// override is a change of a run's options.
func override(run client.WorkflowRun, o client.VersioningOverride) client.UpdateWorkflowExecutionOptionsRequest {
	return client.UpdateWorkflowExecutionOptionsRequest{WorkflowId: run.GetID(), RunId: run.GetRunID(),
		WorkflowExecutionOptionsChanges: client.WorkflowExecutionOptionsChanges{
			VersioningOverride: &client.VersioningOverrideChange{Value: o}}}
}

func pinnedTo(build string) client.VersioningOverride {
	return &client.PinnedVersioningOverride{Version: worker.WorkerDeploymentVersion{DeploymentName: "app", BuildID: build}}
}

// builds are workers of deployment "app", the first of which is current.
type builds struct {
	*testing.T
	client client.Client
}

func newBuilds(t *testing.T, names ...string) (*builds, []worker.Worker) {
	t.Helper()
	b := &builds{t, dial(t)}
	var workers []worker.Worker
	for _, name := range names {
		workers = append(workers, buildOf(t, b.client, name))
	}
	b.setCurrent(names[0])
	return b, workers
}

func (b *builds) app() client.WorkerDeploymentHandle {
	return b.client.WorkerDeploymentClient().GetHandle("app")
}

func (b *builds) setCurrent(build string) {
	b.Helper()
	if _, err := b.app().SetCurrentVersion(b.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: build}); err != nil {
		b.Fatal(err)
	}
}

func (b *builds) start(workflowType string, o client.VersioningOverride) client.WorkflowRun {
	b.Helper()
	run, err := b.client.ExecuteWorkflow(b.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue, VersioningOverride: o}, workflowType)
	if err != nil {
		b.Fatal(err)
	}
	return run
}

func (b *builds) update(run client.WorkflowRun, o client.VersioningOverride) {
	b.Helper()
	got, err := b.client.UpdateWorkflowExecutionOptions(b.Context(), override(run, o))
	if err != nil {
		b.Fatal(err)
	}
	if client.OverrideName(got.VersioningOverride) != client.OverrideName(o) {
		b.Errorf("override is %v, want %v", got.VersioningOverride, o)
	}
}

// wantEnd lets a run end, which must be decided by the given build.
func (b *builds) wantEnd(what string, run client.WorkflowRun, build string) {
	b.Helper()
	var got string
	err := b.client.SignalWorkflow(b.Context(), run.GetID(), run.GetRunID(), "go", nil)
	if err == nil {
		err = run.Get(b.Context(), &got)
	}
	if err != nil || got != build {
		b.Errorf("%s: build %q decides at the end, %v; want %q", what, got, err, build)
	}
}

func (b *builds) wantDescribed(what string, run client.WorkflowRun, build, name string) {
	b.Helper()
	d, err := b.client.DescribeWorkflow(b.Context(), run.GetID(), run.GetRunID())
	if err != nil || d.BuildID != build || client.OverrideName(d.VersioningOverride) != name {
		b.Errorf("%s: described as build %q, override %v, %v; want %q, %q", what, d.BuildID, d.VersioningOverride, err, build, name)
	}
}

func TestOverridesAtTheStartChooseTheBuild(t *testing.T) {
	b, _ := newBuilds(t, "1", "2")
	pinned, upgraded := b.start("upgraded", pinnedTo("2")), b.start("pinned", &client.AutoUpgradeVersioningOverride{})
	b.wantDescribed("pinned by override", pinned, "2", "Pinned")
	b.wantDescribed("upgraded by override", upgraded, "", "AutoUpgrade")
	b.wantEnd("pinned by override", pinned, "2")
	b.setCurrent("2")
	awaitCurrent(t, b.client, "2")
	b.wantEnd("upgraded by override", upgraded, "2")

	var refused *serviceerror.FailedPrecondition
	_, err := b.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue, VersioningOverride: pinnedTo("3")}, "pinned")
	if !errors.As(err, &refused) {
		t.Errorf("start on a version without workers: %v", err)
	}
	_, err = b.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue, VersioningOverride: &client.PinnedVersioningOverride{}}, "pinned")
	var invalid *serviceerror.InvalidArgument
	if !errors.As(err, &invalid) {
		t.Errorf("start on no version: %v", err)
	}
}

// The way out of a bad version: its pinned runs go on with another one, although no worker of it is left.
func TestPinnedRunsMoveAwayFromABuildWithoutWorkers(t *testing.T) {
	b, workers := newBuilds(t, "bad", "good")
	begun := b.start("pinned", nil)
	var by string
	if answer, err := b.client.QueryWorkflow(t.Context(), begun.GetID(), begun.GetRunID(), "build"); err != nil {
		t.Fatal(err)
	} else if err := answer.Get(&by); err != nil || by != "bad" {
		t.Fatalf("decided by build %q, %v", by, err)
	}
	workers[0].Stop()
	waiting := b.start("pinned", nil)
	b.setCurrent("good")
	b.update(begun, pinnedTo("good"))
	b.update(waiting, &client.AutoUpgradeVersioningOverride{})
	b.wantDescribed("moved", begun, "good", "Pinned")
	if answer, err := b.client.QueryWorkflow(t.Context(), begun.GetID(), begun.GetRunID(), "build"); err != nil {
		t.Error(err)
	} else if err := answer.Get(&by); err != nil || by != "good" {
		t.Errorf("query of a moved run is answered by build %q, %v", by, err)
	}
	b.wantEnd("moved", begun, "good")
	b.wantEnd("moved before it began", waiting, "good")
}

func TestOverridesAreRemoved(t *testing.T) {
	b, _ := newBuilds(t, "1", "2")
	home, upgraded := b.start("pinned", nil), b.start("upgraded", nil)
	for _, run := range []client.WorkflowRun{home, upgraded} {
		b.update(run, pinnedTo("2"))
		b.wantDescribed("overridden", run, "2", "Pinned")
		b.update(run, nil)
	}
	b.wantDescribed("not overridden any more", home, "1", "")
	b.wantDescribed("not overridden any more", upgraded, "", "")
	same, err := b.client.UpdateWorkflowExecutionOptions(t.Context(), client.UpdateWorkflowExecutionOptionsRequest{WorkflowId: home.GetID()})
	if err != nil || same.VersioningOverride != nil {
		t.Errorf("options without a change are %+v, %v", same, err)
	}
	b.wantEnd("back at home", home, "1")
	b.wantEnd("back with the current build", upgraded, "1")
	var missing *serviceerror.NotFound
	if _, err := b.client.UpdateWorkflowExecutionOptions(t.Context(), override(home, nil)); !errors.As(err, &missing) {
		t.Errorf("update of a closed run: %v", err)
	}
}

// Runs that are bound to no build go with the ramp by their workflow IDs, and back when it ends.
func TestRampsTakeRunsThatAreBoundToNoBuild(t *testing.T) {
	b, _ := newBuilds(t, "1", "2")
	var runs []client.WorkflowRun
	for i := range 8 {
		o := client.StartWorkflowOptions{ID: fmt.Sprint("ramped-", i), TaskQueue: taskQueue}
		run, err := b.client.ExecuteWorkflow(t.Context(), o, "upgraded")
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	ramp := func(percentage float32) {
		t.Helper()
		_, err := b.app().SetRampingVersion(t.Context(), client.WorkerDeploymentSetRampingVersionOptions{BuildID: "2", Percentage: percentage})
		if err != nil {
			t.Fatal(err)
		}
	}
	ramp(100)
	awaitCurrent(t, b.client, "2")
	b.wantEnd("on the ramp", runs[0], "2")
	ramp(50)
	want := b.awaitTargets(runs[1:])
	seen := map[string]bool{}
	for i, run := range runs[1:] {
		b.wantEnd("on one side of the ramp", run, want[i])
		seen[want[i]] = true
	}
	if len(seen) != 2 {
		t.Errorf("builds %v decide, want both: other workflow IDs are needed", seen)
	}
}

// awaitTargets waits until the runs are decided by the builds that the table of deployments says, as their queries tell
// three times over, and returns these.
func (b *builds) awaitTargets(runs []client.WorkflowRun) []string {
	b.Helper()
	core, err := client.CoreOf(b.client)
	if err != nil {
		b.Fatal(err)
	}
	data, _, err := core.Streams.ReadDeployments(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	table, err := deployment.Parse(data)
	if err != nil {
		b.Fatal(err)
	}
	want := make([]string, len(runs))
	since := time.Now()
	for same := 0; same < 3; same++ {
		for i, run := range runs {
			want[i] = table.Target(taskQueue, run.GetID()).BuildID
			var by string
			answer, err := b.client.QueryWorkflow(b.Context(), run.GetID(), run.GetRunID(), "build")
			if err == nil {
				err = answer.Get(&by)
			}
			if err != nil || time.Since(since) > 20*time.Second {
				b.Fatalf("run %s is decided by build %q, %v; want %q", run.GetID(), by, err, want[i])
			}
			if by != want[i] {
				same = -1
			}
		}
	}
	return want
}
