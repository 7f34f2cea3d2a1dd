package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/deployment"
	"github.com/millrace-dev/millrace/streams"
)

// WorkerDeploymentClient manages deployments of workers: programs with UseVersioning.
type WorkerDeploymentClient interface {
	// GetHandle returns a handle on a deployment, without asking whether it exists.
	GetHandle(name string) WorkerDeploymentHandle
}

// WorkerDeploymentHandle manages one deployment, which exists as soon as a worker of it has started. Changes are seen by
// this client at once, and by others within 5 s.
type WorkerDeploymentHandle interface {
	// Describe tells which versions there are, and where new runs go.
	Describe(ctx context.Context, options WorkerDeploymentDescribeOptions) (WorkerDeploymentDescribeResponse, error)
	// SetCurrentVersion lets new runs go to a version, and it decides for those that are bound to none.
	SetCurrentVersion(ctx context.Context, options WorkerDeploymentSetCurrentVersionOptions) (WorkerDeploymentSetCurrentVersionResponse, error)
	// SetRampingVersion lets a part of the new runs of workflows that are pinned go to a version. Which ones depends on
	// their workflow IDs.
	SetRampingVersion(ctx context.Context, options WorkerDeploymentSetRampingVersionOptions) (WorkerDeploymentSetRampingVersionResponse, error)
}

type (
	// WorkerDeploymentDescribeOptions are the options of Describe. There are none.
	WorkerDeploymentDescribeOptions struct{}

	// WorkerDeploymentDescribeResponse describes a deployment.
	WorkerDeploymentDescribeResponse struct {
		// ConflictToken makes a later change fail if there was another in between.
		ConflictToken []byte
		Info          WorkerDeploymentInfo
	}

	// WorkerDeploymentInfo describes a deployment.
	WorkerDeploymentInfo struct {
		Name       string
		CreateTime time.Time
		// VersionSummaries are ordered by build ID.
		VersionSummaries     []WorkerDeploymentVersionSummary
		RoutingConfig        WorkerDeploymentRoutingConfig
		LastModifierIdentity string
	}

	// WorkerDeploymentVersionSummary describes a version.
	WorkerDeploymentVersionSummary struct {
		Version    deployment.Version
		CreateTime time.Time
	}

	// WorkerDeploymentRoutingConfig says where new runs go.
	WorkerDeploymentRoutingConfig struct {
		// CurrentVersion and RampingVersion are nil for none.
		CurrentVersion                      *deployment.Version
		RampingVersion                      *deployment.Version
		RampingVersionPercentage            float32
		CurrentVersionChangedTime           time.Time
		RampingVersionChangedTime           time.Time
		RampingVersionPercentageChangedTime time.Time
	}

	// WorkerDeploymentSetCurrentVersionOptions are the options of SetCurrentVersion.
	WorkerDeploymentSetCurrentVersionOptions struct {
		// BuildID is the version, empty for workers without UseVersioning.
		BuildID string
		// ConflictToken is that of an earlier answer. Nil means whatever there is.
		ConflictToken []byte
		// Identity signs the change. Default: the client's.
		Identity string
		// IgnoreMissingTaskQueues allows a version that does not serve all task queues of the present one.
		IgnoreMissingTaskQueues bool
		// AllowNoPollers allows a version of which no worker was ever seen.
		AllowNoPollers bool
	}

	// WorkerDeploymentSetCurrentVersionResponse is the answer of SetCurrentVersion.
	WorkerDeploymentSetCurrentVersionResponse struct {
		ConflictToken   []byte
		PreviousVersion *deployment.Version
	}

	// WorkerDeploymentSetRampingVersionOptions are the options of SetRampingVersion.
	WorkerDeploymentSetRampingVersionOptions struct {
		// BuildID is the version, empty for none.
		BuildID string
		// Percentage is from 0 to 100.
		Percentage float32
		// The others are those of WorkerDeploymentSetCurrentVersionOptions.
		ConflictToken           []byte
		Identity                string
		IgnoreMissingTaskQueues bool
		AllowNoPollers          bool
	}

	// WorkerDeploymentSetRampingVersionResponse is the answer of SetRampingVersion.
	WorkerDeploymentSetRampingVersionResponse struct {
		ConflictToken      []byte
		PreviousVersion    *deployment.Version
		PreviousPercentage float32
	}
)

// WorkerDeploymentClient is documented at Client.
func (c *workflowClient) WorkerDeploymentClient() WorkerDeploymentClient {
	return deploymentClient{c}
}

type deploymentClient struct{ client *workflowClient }

func (d deploymentClient) GetHandle(name string) WorkerDeploymentHandle {
	return &deploymentHandle{d.client, name}
}

type deploymentHandle struct {
	client *workflowClient
	name   string
}

// routes is the table of deployments as a client knows it.
type routes struct {
	mu    sync.Mutex // guards the rest
	table *deployment.Table
	until time.Time
}

// routesAge is how long a table is believed.
const routesAge = 5 * time.Second

func (r *routes) set(t *deployment.Table) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.table, r.until = t, time.Now().Add(routesAge)
}

// build is the build that a new run is bound to, empty for none. A broker that does not answer leaves the old table.
func (c *workflowClient) build(ctx context.Context, queue, workflowID, workflowType string) (string, error) {
	c.routes.mu.Lock()
	table, fresh := c.routes.table, time.Now().Before(c.routes.until)
	c.routes.mu.Unlock()
	if !fresh {
		read, _, err := readTable(ctx, c.ns)
		if err != nil && table == nil {
			return "", err
		}
		if err == nil {
			table = read
		}
		c.routes.set(table)
	}
	return table.Route(queue, workflowID, workflowType), nil
}

func readTable(ctx context.Context, ns *streams.Namespace) (*deployment.Table, uint64, error) {
	data, revision, err := ns.ReadDeployments(ctx)
	if err != nil {
		return nil, 0, err
	}
	table, err := deployment.Parse(data)
	return table, revision, err
}

func token(revision uint64) []byte { return []byte(strconv.FormatUint(revision, 10)) }

// change changes the deployment, again when somebody else did at the same time; a token that is given must fit.
func (h *deploymentHandle) change(ctx context.Context, conflict []byte, change func(d *deployment.Deployment) error) ([]byte, error) {
	for {
		table, revision, err := readTable(ctx, h.client.ns)
		if err != nil {
			return nil, serviceError(err)
		}
		d := table.Deployments[h.name]
		if d == nil {
			return nil, serviceerror.NewNotFound(fmt.Sprintf("there is no deployment %q: no worker of it has started", h.name))
		}
		if conflict != nil && string(conflict) != string(token(revision)) {
			return nil, serviceerror.NewInvalidArgument("the conflict token is old: the deployments have been changed since")
		}
		if err := change(d); err != nil {
			return nil, err
		}
		data, err := table.Encode()
		if err != nil {
			return nil, err
		}
		revision, err = h.client.ns.WriteDeployments(ctx, data, revision)
		if errors.Is(err, streams.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, serviceError(err)
		}
		h.client.routes.set(table)
		return token(revision), nil
	}
}

// check says why a build cannot be used.
func (h *deploymentHandle) check(d *deployment.Deployment, build string, ignoreMissing, allowUnseen bool) error {
	b := d.Builds[build]
	switch {
	case build == "" || allowUnseen && b == nil:
		return nil
	case b == nil:
		return serviceerror.NewInvalidArgument(fmt.Sprintf("deployment %q has no build %q: no worker of it has started", h.name, build))
	case ignoreMissing || d.Builds[d.Current] == nil:
		return nil
	}
	for _, queue := range slices.Sorted(maps.Keys(d.Builds[d.Current].Pinned)) {
		if _, ok := b.Pinned[queue]; !ok {
			return serviceerror.NewInvalidArgument(fmt.Sprintf("build %q does not serve task queue %q as build %q does", build, queue, d.Current))
		}
	}
	return nil
}

func (h *deploymentHandle) version(build string) *deployment.Version {
	if build == "" {
		return nil
	}
	return &deployment.Version{DeploymentName: h.name, BuildID: build}
}

func (h *deploymentHandle) identity(given string) string {
	if given != "" {
		return given
	}
	return h.client.options.Identity
}

// SetCurrentVersion is documented at WorkerDeploymentHandle, as are the other methods.
func (h *deploymentHandle) SetCurrentVersion(ctx context.Context, o WorkerDeploymentSetCurrentVersionOptions) (r WorkerDeploymentSetCurrentVersionResponse, err error) {
	r.ConflictToken, err = h.change(ctx, o.ConflictToken, func(d *deployment.Deployment) error {
		if err := h.check(d, o.BuildID, o.IgnoreMissingTaskQueues, o.AllowNoPollers); err != nil {
			return err
		}
		now := time.Now().UTC()
		r.PreviousVersion = h.version(d.Current)
		d.Current, d.CurrentChanged, d.Modifier = o.BuildID, now, h.identity(o.Identity)
		if d.Ramping == o.BuildID {
			d.Ramping, d.Percentage, d.RampingChanged, d.PercentageChanged = "", 0, now, now
		}
		return nil
	})
	if err != nil {
		return WorkerDeploymentSetCurrentVersionResponse{}, fmt.Errorf("set current version of deployment %q: %w", h.name, err)
	}
	return r, nil
}

func (h *deploymentHandle) SetRampingVersion(ctx context.Context, o WorkerDeploymentSetRampingVersionOptions) (r WorkerDeploymentSetRampingVersionResponse, err error) {
	r.ConflictToken, err = h.change(ctx, o.ConflictToken, func(d *deployment.Deployment) error {
		if !(o.Percentage >= 0 && o.Percentage <= 100) {
			return serviceerror.NewInvalidArgument(fmt.Sprintf("Percentage is %v, must be from 0 to 100", o.Percentage))
		}
		if err := h.check(d, o.BuildID, o.IgnoreMissingTaskQueues, o.AllowNoPollers); err != nil {
			return err
		}
		now := time.Now().UTC()
		r.PreviousVersion, r.PreviousPercentage = h.version(d.Ramping), d.Percentage
		if d.Ramping != o.BuildID {
			d.RampingChanged = now
		}
		d.Ramping, d.Percentage, d.PercentageChanged, d.Modifier = o.BuildID, o.Percentage, now, h.identity(o.Identity)
		return nil
	})
	if err != nil {
		return WorkerDeploymentSetRampingVersionResponse{}, fmt.Errorf("set ramping version of deployment %q: %w", h.name, err)
	}
	return r, nil
}

func (h *deploymentHandle) Describe(ctx context.Context, _ WorkerDeploymentDescribeOptions) (WorkerDeploymentDescribeResponse, error) {
	table, revision, err := readTable(ctx, h.client.ns)
	if err == nil && table.Deployments[h.name] == nil {
		err = serviceerror.NewNotFound("there is no such deployment: no worker of it has started")
	}
	if err != nil {
		return WorkerDeploymentDescribeResponse{}, fmt.Errorf("describe deployment %q: %w", h.name, serviceError(err))
	}
	d := table.Deployments[h.name]
	info := WorkerDeploymentInfo{Name: h.name, CreateTime: d.Created, LastModifierIdentity: d.Modifier,
		RoutingConfig: WorkerDeploymentRoutingConfig{
			CurrentVersion: h.version(d.Current), RampingVersion: h.version(d.Ramping), RampingVersionPercentage: d.Percentage,
			CurrentVersionChangedTime: d.CurrentChanged, RampingVersionChangedTime: d.RampingChanged,
			RampingVersionPercentageChangedTime: d.PercentageChanged,
		}}
	for _, build := range slices.Sorted(maps.Keys(d.Builds)) {
		info.VersionSummaries = append(info.VersionSummaries,
			WorkerDeploymentVersionSummary{Version: *h.version(build), CreateTime: d.Builds[build].Created})
	}
	return WorkerDeploymentDescribeResponse{ConflictToken: token(revision), Info: info}, nil
}
