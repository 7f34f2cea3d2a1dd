package worker_test

import (
	"errors"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/worker"
)

func TestVersionsDrain(t *testing.T) {
	b, workers := newBuilds(t, "1", "2")
	status := func(build string) client.WorkerDeploymentVersionDrainageStatus {
		t.Helper()
		d, err := b.app().DescribeVersion(t.Context(), client.WorkerDeploymentDescribeVersionOptions{BuildID: build})
		if err != nil {
			t.Fatal(err)
		}
		if d.Info.DrainageInfo == nil {
			return client.WorkerDeploymentVersionDrainageStatusUnspecified
		}
		return d.Info.DrainageInfo.DrainageStatus
	}
	wantStatus := func(when, build string, want client.WorkerDeploymentVersionDrainageStatus) {
		t.Helper()
		if got := status(build); got != want {
			t.Errorf("%s: build %s is %q, want %q", when, build, got, want)
		}
	}
	remove := func(build string, skip bool) error {
		_, err := b.app().DeleteVersion(t.Context(), client.WorkerDeploymentDeleteVersionOptions{BuildID: build, SkipDrainage: skip})
		return err
	}
	wantRefused := func(when string, err error) {
		t.Helper()
		var refused *serviceerror.FailedPrecondition
		if !errors.As(err, &refused) {
			t.Errorf("deleted %s: %v", when, err)
		}
	}
	run := b.start("pinned", nil)
	if _, err := b.client.QueryWorkflow(t.Context(), run.GetID(), run.GetRunID(), "build"); err != nil { // its worker is at work
		t.Fatal(err)
	}
	wantStatus("current", "1", client.WorkerDeploymentVersionDrainageStatusUnspecified)
	wantStatus("never current", "2", client.WorkerDeploymentVersionDrainageStatusUnspecified)
	wantRefused("while it is current", remove("1", true))
	b.setCurrent("2")
	wantStatus("with an open run", "1", client.WorkerDeploymentVersionDrainageStatusDraining)
	wantRefused("with workers", remove("1", true))
	moved := b.start("pinned", nil)
	b.update(moved, pinnedTo("1"))
	b.wantEnd("pinned", run, "1")
	wantStatus("with a run that was moved to it", "1", client.WorkerDeploymentVersionDrainageStatusDraining)
	b.wantEnd("moved", moved, "1")
	wantStatus("without runs", "1", client.WorkerDeploymentVersionDrainageStatusDrained)
	last := b.start("pinned", pinnedTo("1"))
	workers[0].Stop()
	wantRefused("with an open run", awaitUnpolled(remove, "1"))
	if err := b.client.TerminateWorkflow(t.Context(), last.GetID(), last.GetRunID(), "test"); err != nil {
		t.Fatal(err)
	}
	if err := remove("1", false); err != nil {
		t.Error(err)
	}
	var missing *serviceerror.NotFound
	if err := remove("1", false); !errors.As(err, &missing) {
		t.Errorf("deleted twice: %v", err)
	}
}

// awaitUnpolled deletes until the broker has noticed that the workers have stopped.
func awaitUnpolled(remove func(build string, skip bool) error, build string) error {
	for since := time.Now(); ; {
		err := remove(build, false)
		var refused *serviceerror.FailedPrecondition
		if !errors.As(err, &refused) || refused.Message == "open runs are pinned to it" || time.Since(since) > 20*time.Second {
			return err
		}
	}
}

func TestDeploymentsAreListedDescribedAndManaged(t *testing.T) {
	b, _ := newBuilds(t, "1", "2")
	deployments := b.client.WorkerDeploymentClient()
	list, err := deployments.List(t.Context(), client.WorkerDeploymentListOptions{})
	if err != nil || !list.HasNext() {
		t.Fatalf("nothing is listed: %v", err)
	}
	entry, err := list.Next()
	if err != nil || entry.Name != "app" || entry.RoutingConfig.CurrentVersion.BuildID != "1" || list.HasNext() {
		t.Errorf("listed is %+v, %v", entry, err)
	}
	version := worker.WorkerDeploymentVersion{DeploymentName: "app", BuildID: "2"}
	noted, err := b.app().UpdateVersionMetadata(t.Context(), client.WorkerDeploymentUpdateVersionMetadataOptions{Version: version,
		MetadataUpdate: client.WorkerDeploymentMetadataUpdate{UpsertEntries: map[string]interface{}{"commit": "abc", "old": 1}}})
	if err == nil {
		noted, err = b.app().UpdateVersionMetadata(t.Context(), client.WorkerDeploymentUpdateVersionMetadataOptions{Version: version,
			MetadataUpdate: client.WorkerDeploymentMetadataUpdate{RemoveEntries: []string{"old"}}})
	}
	var commit string
	if err == nil {
		err = converter.GetDefaultDataConverter().FromPayload(noted.Metadata["commit"], &commit)
	}
	if err != nil || commit != "abc" || len(noted.Metadata) != 1 {
		t.Errorf("noted is %v, %v", noted.Metadata, err)
	}
	if _, err := b.app().SetRampingVersion(t.Context(), client.WorkerDeploymentSetRampingVersionOptions{BuildID: "2", Percentage: 30}); err != nil {
		t.Fatal(err)
	}
	d, err := b.app().DescribeVersion(t.Context(), client.WorkerDeploymentDescribeVersionOptions{BuildID: "2"})
	if err != nil || d.Info.RampPercentage != 30 || d.Info.RampingSinceTime.IsZero() || !d.Info.CurrentSinceTime.IsZero() ||
		len(d.Info.TaskQueuesInfos) != 1 || d.Info.TaskQueuesInfos[0] != (client.WorkerDeploymentTaskQueueInfo{Name: taskQueue, Type: client.TaskQueueTypeWorkflow}) ||
		len(d.Info.Metadata) != 1 {
		t.Errorf("description is %+v, %v", d.Info, err)
	}

	managed, err := b.app().SetManagerIdentity(t.Context(), client.WorkerDeploymentSetManagerIdentityOptions{ManagerIdentity: "boss"})
	if err != nil {
		t.Fatal(err)
	}
	var refused *serviceerror.FailedPrecondition
	if _, err := b.app().SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: "2"}); !errors.As(err, &refused) {
		t.Errorf("changed by somebody else than the manager: %v", err)
	}
	_, err = b.app().SetCurrentVersion(t.Context(), client.WorkerDeploymentSetCurrentVersionOptions{BuildID: "2", Identity: "boss", ConflictToken: managed.ConflictToken})
	if err != nil {
		t.Errorf("changed by the manager: %v", err)
	}
	if _, err := b.app().SetManagerIdentity(t.Context(), client.WorkerDeploymentSetManagerIdentityOptions{ConflictToken: managed.ConflictToken}); !errors.As(err, &refused) {
		t.Errorf("changed with an old token: %v", err)
	}
	if r, err := b.app().SetManagerIdentity(t.Context(), client.WorkerDeploymentSetManagerIdentityOptions{}); err != nil || r.PreviousManagerIdentity != "boss" {
		t.Errorf("the manager was %+v, %v", r, err)
	}
	if _, err := deployments.Delete(t.Context(), client.WorkerDeploymentDeleteOptions{Name: "app"}); !errors.As(err, &refused) {
		t.Errorf("deleted with versions: %v", err)
	}
	var missing *serviceerror.NotFound
	if _, err := deployments.GetHandle("none").Describe(t.Context(), client.WorkerDeploymentDescribeOptions{}); !errors.As(err, &missing) {
		t.Errorf("described a deployment that does not exist: %v", err)
	}
}
