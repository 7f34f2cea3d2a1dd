package client

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/deployment"
)

// Delete is documented at WorkerDeploymentClient.
func (d deploymentClient) Delete(ctx context.Context, o WorkerDeploymentDeleteOptions) (WorkerDeploymentDeleteResponse, error) {
	h := &deploymentHandle{d.client, o.Name}
	err := d.client.changeTable(ctx, nil, func(t *deployment.Table) (bool, error) {
		found := t.Deployments[o.Name]
		if found == nil {
			return false, errNoDeployment(o.Name)
		}
		if err := mayChange(o.Name, found, h.identity(o.Identity)); err != nil {
			return false, err
		}
		if len(found.Builds) > 0 {
			return false, serviceerror.NewFailedPrecondition(fmt.Sprintf("it has versions: %q", slices.Sorted(maps.Keys(found.Builds))))
		}
		delete(t.Deployments, o.Name)
		return true, nil
	})
	if err != nil {
		err = fmt.Errorf("delete deployment %q: %w", o.Name, err)
	}
	return WorkerDeploymentDeleteResponse{}, err
}

// SetManagerIdentity is documented at WorkerDeploymentHandle, as are the other methods.
func (h *deploymentHandle) SetManagerIdentity(ctx context.Context, o WorkerDeploymentSetManagerIdentityOptions) (r WorkerDeploymentSetManagerIdentityResponse, err error) {
	if o.Self && o.ManagerIdentity != "" {
		return r, serviceerror.NewInvalidArgument("WorkerDeploymentSetManagerIdentityOptions.Self and ManagerIdentity exclude each other")
	}
	if o.Self {
		o.ManagerIdentity = h.identity(o.Identity)
	}
	r.ConflictToken, err = h.client.changeTableAt(ctx, o.ConflictToken, func(t *deployment.Table) (bool, error) {
		d := t.Deployments[h.name]
		if d == nil {
			return false, errNoDeployment(h.name)
		}
		r.PreviousManagerIdentity = d.Manager
		d.Manager, d.Modifier = o.ManagerIdentity, h.identity(o.Identity)
		return true, nil
	})
	if err != nil {
		return WorkerDeploymentSetManagerIdentityResponse{}, fmt.Errorf("set manager of deployment %q: %w", h.name, err)
	}
	return r, nil
}

func (h *deploymentHandle) DeleteVersion(ctx context.Context, o WorkerDeploymentDeleteVersionOptions) (WorkerDeploymentDeleteVersionResponse, error) {
	if err := h.deleteVersion(ctx, o); err != nil {
		return WorkerDeploymentDeleteVersionResponse{}, fmt.Errorf("delete version %q of deployment %q: %w", o.BuildID, h.name, serviceError(err))
	}
	return WorkerDeploymentDeleteVersionResponse{}, nil
}

func (h *deploymentHandle) deleteVersion(ctx context.Context, o WorkerDeploymentDeleteVersionOptions) error {
	version := deployment.Version{DeploymentName: h.name, BuildID: o.BuildID}
	return h.client.changeTable(ctx, nil, func(t *deployment.Table) (bool, error) {
		b, d := t.Build(version), t.Deployments[h.name]
		if b == nil {
			return false, h.noVersion(t, o.BuildID)
		}
		if err := mayChange(h.name, d, h.identity(o.Identity)); err != nil {
			return false, err
		}
		if d.Current == o.BuildID || d.Ramping == o.BuildID {
			return false, serviceerror.NewFailedPrecondition("it is the current or the ramping version")
		}
		for _, queue := range slices.Concat(slices.Sorted(maps.Keys(b.Pinned)), b.Activities) {
			polled, err := h.client.ns.Polled(ctx, queue, o.BuildID)
			if err != nil {
				return false, err
			}
			if polled {
				return false, serviceerror.NewFailedPrecondition(fmt.Sprintf("workers of it serve task queue %q", queue))
			}
		}
		if !o.SkipDrainage {
			bound, err := h.client.hasBound(ctx, t, o.BuildID, b)
			if err != nil {
				return false, err
			}
			if bound {
				return false, serviceerror.NewFailedPrecondition("open runs are pinned to it")
			}
		}
		t.Remove(version)
		d.Modifier = h.identity(o.Identity)
		return true, nil
	})
}

func (h *deploymentHandle) UpdateVersionMetadata(ctx context.Context, o WorkerDeploymentUpdateVersionMetadataOptions) (r WorkerDeploymentUpdateVersionMetadataResponse, err error) {
	entries := make(map[string]json.RawMessage, len(o.MetadataUpdate.UpsertEntries))
	for key, value := range o.MetadataUpdate.UpsertEntries {
		if entries[key], err = h.client.encodeEntry(value); err != nil {
			return r, fmt.Errorf("update metadata %q of version %q: %w", key, o.Version.BuildID, err)
		}
	}
	err = h.client.changeTable(ctx, nil, func(t *deployment.Table) (bool, error) {
		version := deployment.Version{DeploymentName: h.name, BuildID: o.Version.BuildID}
		b := t.Build(version)
		if b == nil {
			return false, h.noVersion(t, o.Version.BuildID)
		}
		if b.Metadata == nil {
			b.Metadata = map[string]json.RawMessage{}
		}
		maps.Copy(b.Metadata, entries)
		for _, key := range o.MetadataUpdate.RemoveEntries {
			delete(b.Metadata, key)
		}
		r.Metadata, err = noted(b)
		return true, err
	})
	if err != nil {
		return WorkerDeploymentUpdateVersionMetadataResponse{}, fmt.Errorf("update metadata of version %q of deployment %q: %w", o.Version.BuildID, h.name, err)
	}
	return r, nil
}

// encodeEntry makes a payload of a value that is none.
func (c *workflowClient) encodeEntry(value interface{}) (json.RawMessage, error) {
	p, ok := value.(*common.Payload)
	if !ok {
		var err error
		if p, err = c.options.DataConverter.ToPayload(value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(p)
}
