package client

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/deployment"
	"github.com/millrace-dev/millrace/streams"
)

// List is documented at WorkerDeploymentClient.
func (d deploymentClient) List(ctx context.Context, _ WorkerDeploymentListOptions) (WorkerDeploymentListIterator, error) {
	table, _, err := readTable(ctx, d.client.ns)
	if err != nil {
		return nil, fmt.Errorf("list deployments: %w", serviceError(err))
	}
	l := &deploymentList{}
	for _, name := range slices.Sorted(maps.Keys(table.Deployments)) {
		found := table.Deployments[name]
		l.left = append(l.left, &WorkerDeploymentListEntry{Name: name, CreateTime: found.Created, RoutingConfig: routing(name, found)})
	}
	return l, nil
}

type deploymentList struct{ left []*WorkerDeploymentListEntry }

func (l *deploymentList) HasNext() bool { return len(l.left) > 0 }

func (l *deploymentList) Next() (*WorkerDeploymentListEntry, error) {
	if len(l.left) == 0 {
		return nil, serviceerror.NewNotFound("there are no more deployments")
	}
	next := l.left[0]
	l.left = l.left[1:]
	return next, nil
}

// Describe is documented at WorkerDeploymentHandle, as is DescribeVersion.
func (h *deploymentHandle) Describe(ctx context.Context, _ WorkerDeploymentDescribeOptions) (WorkerDeploymentDescribeResponse, error) {
	r, err := h.describe(ctx)
	if err != nil {
		return WorkerDeploymentDescribeResponse{}, fmt.Errorf("describe deployment %q: %w", h.name, serviceError(err))
	}
	return r, nil
}

func (h *deploymentHandle) describe(ctx context.Context) (r WorkerDeploymentDescribeResponse, err error) {
	table, revision, err := readTable(ctx, h.client.ns)
	if err != nil {
		return r, err
	}
	d := table.Deployments[h.name]
	if d == nil {
		return r, errNoDeployment(h.name)
	}
	r.ConflictToken = token(revision)
	r.Info = WorkerDeploymentInfo{Name: h.name, CreateTime: d.Created, LastModifierIdentity: d.Modifier, ManagerIdentity: d.Manager,
		RoutingConfig: routing(h.name, d)}
	for _, build := range slices.Sorted(maps.Keys(d.Builds)) {
		v := WorkerDeploymentVersionSummary{Version: *versionOf(h.name, build), CreateTime: d.Builds[build].Created}
		if v.DrainageStatus, err = h.client.drainage(ctx, table, v.Version); err != nil {
			return r, err
		}
		r.Info.VersionSummaries = append(r.Info.VersionSummaries, v)
	}
	return r, nil
}

func routing(name string, d *deployment.Deployment) WorkerDeploymentRoutingConfig {
	return WorkerDeploymentRoutingConfig{
		CurrentVersion: versionOf(name, d.Current), RampingVersion: versionOf(name, d.Ramping), RampingVersionPercentage: d.Percentage,
		CurrentVersionChangedTime: d.CurrentChanged, RampingVersionChangedTime: d.RampingChanged,
		RampingVersionPercentageChangedTime: d.PercentageChanged,
	}
}

func (h *deploymentHandle) DescribeVersion(ctx context.Context, o WorkerDeploymentDescribeVersionOptions) (WorkerDeploymentVersionDescription, error) {
	info, err := h.describeVersion(ctx, o.BuildID)
	if err != nil {
		return WorkerDeploymentVersionDescription{}, fmt.Errorf("describe version %q of deployment %q: %w", o.BuildID, h.name, serviceError(err))
	}
	return WorkerDeploymentVersionDescription{Info: *info}, nil
}

func (h *deploymentHandle) describeVersion(ctx context.Context, build string) (*WorkerDeploymentVersionInfo, error) {
	table, _, err := readTable(ctx, h.client.ns)
	if err != nil {
		return nil, err
	}
	version := deployment.Version{DeploymentName: h.name, BuildID: build}
	b := table.Build(version)
	if b == nil {
		return nil, h.noVersion(table, build)
	}
	d := table.Deployments[h.name]
	info := &WorkerDeploymentVersionInfo{Version: version, CreateTime: b.Created, RoutingChangedTime: b.Changed}
	if d.Current == build {
		info.CurrentSinceTime = d.CurrentChanged
	}
	if d.Ramping == build {
		info.RampingSinceTime, info.RampPercentage = d.RampingChanged, d.Percentage
	}
	for _, queue := range slices.Sorted(maps.Keys(b.Pinned)) {
		info.TaskQueuesInfos = append(info.TaskQueuesInfos, WorkerDeploymentTaskQueueInfo{Name: queue, Type: TaskQueueTypeWorkflow})
	}
	for _, queue := range b.Activities {
		info.TaskQueuesInfos = append(info.TaskQueuesInfos, WorkerDeploymentTaskQueueInfo{Name: queue, Type: TaskQueueTypeActivity})
	}
	if info.Metadata, err = noted(b); err != nil {
		return nil, err
	}
	status, err := h.client.drainage(ctx, table, version)
	if err == nil && status != WorkerDeploymentVersionDrainageStatusUnspecified {
		info.DrainageInfo = &WorkerDeploymentVersionDrainageInfo{DrainageStatus: status, LastChangedTime: b.Left, LastCheckedTime: time.Now().UTC()}
	}
	return info, err
}

func (h *deploymentHandle) noVersion(t *deployment.Table, build string) error {
	if t.Deployments[h.name] == nil {
		return errNoDeployment(h.name)
	}
	return serviceerror.NewNotFound(fmt.Sprintf("deployment %q has no build %q: no worker of it has started", h.name, build))
}

// noted is the metadata of a build.
func noted(b *deployment.Build) (map[string]*common.Payload, error) {
	if len(b.Metadata) == 0 {
		return nil, nil
	}
	out := make(map[string]*common.Payload, len(b.Metadata))
	for key, data := range b.Metadata {
		p := &common.Payload{}
		if err := json.Unmarshal(data, p); err != nil {
			return nil, fmt.Errorf("metadata %q: %w", key, err)
		}
		out[key] = p
	}
	return out, nil
}

// drainage says whether open runs are bound to a version to which new runs went once.
func (c *workflowClient) drainage(ctx context.Context, t *deployment.Table, v deployment.Version) (WorkerDeploymentVersionDrainageStatus, error) {
	b := t.Build(v)
	d := t.Deployments[v.DeploymentName]
	if b == nil || b.Left.IsZero() || d.Current == v.BuildID || d.Ramping == v.BuildID {
		return WorkerDeploymentVersionDrainageStatusUnspecified, nil
	}
	bound, err := c.hasBound(ctx, t, v.BuildID, b)
	switch {
	case err != nil:
		return WorkerDeploymentVersionDrainageStatusUnspecified, fmt.Errorf("look for runs of build %q: %w", v.BuildID, err)
	case bound:
		return WorkerDeploymentVersionDrainageStatusDraining, nil
	}
	return WorkerDeploymentVersionDrainageStatusDrained, nil
}

// hasBound looks for an open run that is bound to a build, among those that were started on it and those that are lent to
// it.
func (c *workflowClient) hasBound(ctx context.Context, t *deployment.Table, build string, b *deployment.Build) (bool, error) {
	for _, queue := range slices.Sorted(maps.Keys(b.Pinned)) {
		for _, home := range append([]string{build}, t.Lenders(queue, build)...) {
			for found, err := range c.ns.ListStarts(ctx, streams.StartFilter{Queue: queue, Build: &home}) {
				if err != nil {
					return false, err
				}
				if bound, err := c.isBound(ctx, found, build); bound || err != nil {
					return bound, err
				}
			}
		}
	}
	return false, nil
}

// isBound says whether a run is open and bound to a build.
func (c *workflowClient) isBound(ctx context.Context, found *streams.StoredStart, build string) (bool, error) {
	closed, err := streams.RunClosed(ctx, c.ns, found.Run.Run)
	if err != nil || closed != nil {
		return false, err
	}
	run, err := streams.ReadRun(ctx, c.ns, found)
	if err != nil {
		return false, err
	}
	s, err := run.State()
	return err == nil && !s.Closed() && s.Bound() == build, err
}
