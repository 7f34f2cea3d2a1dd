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

// errNoDeployment is returned for a deployment that does not exist.
func errNoDeployment(name string) error {
	return serviceerror.NewNotFound(fmt.Sprintf("there is no deployment %q: no worker of it has started", name))
}

// changeTable changes the table of deployments, again when somebody else did at the same time; a token that is given must
// fit. Change says whether there is something to write.
func (c *workflowClient) changeTable(ctx context.Context, conflict []byte, change func(t *deployment.Table) (bool, error)) error {
	_, err := c.changeTableAt(ctx, conflict, change)
	return err
}

func (c *workflowClient) changeTableAt(ctx context.Context, conflict []byte, change func(t *deployment.Table) (bool, error)) ([]byte, error) {
	for {
		table, revision, err := readTable(ctx, c.ns)
		if err != nil {
			return nil, serviceError(err)
		}
		if len(conflict) > 0 && string(conflict) != string(token(revision)) {
			return nil, serviceerror.NewFailedPrecondition("the conflict token is old: the deployments have been changed since")
		}
		changed, err := change(table)
		if err != nil {
			return nil, err
		}
		if !changed {
			return token(revision), nil
		}
		data, err := table.Encode()
		if err != nil {
			return nil, err
		}
		revision, err = c.ns.WriteDeployments(ctx, data, revision)
		if errors.Is(err, streams.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, serviceError(err)
		}
		c.routes.set(table)
		return token(revision), nil
	}
}

// change changes the deployment in the name of an identity, the client's if it is empty.
func (h *deploymentHandle) change(ctx context.Context, conflict []byte, identity string, change func(d *deployment.Deployment) error) ([]byte, error) {
	identity = h.identity(identity)
	return h.client.changeTableAt(ctx, conflict, func(t *deployment.Table) (bool, error) {
		d := t.Deployments[h.name]
		if d == nil {
			return false, errNoDeployment(h.name)
		}
		if err := mayChange(h.name, d, identity); err != nil {
			return false, err
		}
		d.Modifier = identity
		return true, change(d)
	})
}

// mayChange fails for anyone but the deployment's manager.
func mayChange(name string, d *deployment.Deployment, identity string) error {
	if d.Manager == "" || d.Manager == identity {
		return nil
	}
	return serviceerror.NewFailedPrecondition(fmt.Sprintf("deployment %q is managed by %q, not by %q", name, d.Manager, identity))
}

// check says why a build cannot be used.
func (h *deploymentHandle) check(d *deployment.Deployment, build string, ignoreMissing, allowUnseen bool) error {
	b := d.Builds[build]
	switch {
	case build == "" || allowUnseen && b == nil:
		return nil
	case b == nil:
		return serviceerror.NewFailedPrecondition(fmt.Sprintf("deployment %q has no build %q: no worker of it has started", h.name, build))
	case ignoreMissing || d.Builds[d.Current] == nil:
		return nil
	}
	for _, queue := range slices.Sorted(maps.Keys(d.Builds[d.Current].Pinned)) {
		if _, ok := b.Pinned[queue]; !ok {
			return serviceerror.NewFailedPrecondition(fmt.Sprintf("build %q does not serve task queue %q as build %q does", build, queue, d.Current))
		}
	}
	return nil
}

// versionOf is nil for no build.
func versionOf(name, build string) *deployment.Version {
	if build == "" {
		return nil
	}
	return &deployment.Version{DeploymentName: name, BuildID: build}
}

func (h *deploymentHandle) identity(given string) string {
	if given != "" {
		return given
	}
	return h.client.options.Identity
}

// SetCurrentVersion is documented at WorkerDeploymentHandle, as are the other methods.
func (h *deploymentHandle) SetCurrentVersion(ctx context.Context, o WorkerDeploymentSetCurrentVersionOptions) (r WorkerDeploymentSetCurrentVersionResponse, err error) {
	r.ConflictToken, err = h.change(ctx, o.ConflictToken, o.Identity, func(d *deployment.Deployment) error {
		if err := h.check(d, o.BuildID, o.IgnoreMissingTaskQueues, o.AllowNoPollers); err != nil {
			return err
		}
		now := time.Now().UTC()
		r.PreviousVersion = versionOf(h.name, d.Current)
		d.SetCurrent(o.BuildID, now)
		return nil
	})
	if err != nil {
		return WorkerDeploymentSetCurrentVersionResponse{}, fmt.Errorf("set current version of deployment %q: %w", h.name, err)
	}
	return r, nil
}

func (h *deploymentHandle) SetRampingVersion(ctx context.Context, o WorkerDeploymentSetRampingVersionOptions) (r WorkerDeploymentSetRampingVersionResponse, err error) {
	r.ConflictToken, err = h.change(ctx, o.ConflictToken, o.Identity, func(d *deployment.Deployment) error {
		if !(o.Percentage >= 0 && o.Percentage <= 100) {
			return serviceerror.NewInvalidArgument(fmt.Sprintf("Percentage is %v, must be from 0 to 100", o.Percentage))
		}
		if err := h.check(d, o.BuildID, o.IgnoreMissingTaskQueues, o.AllowNoPollers); err != nil {
			return err
		}
		now := time.Now().UTC()
		r.PreviousVersion, r.PreviousPercentage = versionOf(h.name, d.Ramping), d.Percentage
		d.SetRamping(o.BuildID, o.Percentage, now)
		return nil
	})
	if err != nil {
		return WorkerDeploymentSetRampingVersionResponse{}, fmt.Errorf("set ramping version of deployment %q: %w", h.name, err)
	}
	return r, nil
}
