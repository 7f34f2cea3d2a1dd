package client

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/deployment"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// VersioningOverride says which build decides for one run, whatever versioning behavior its workflow has: a
// *PinnedVersioningOverride or an *AutoUpgradeVersioningOverride.
type VersioningOverride interface {
	behavior() workflow.VersioningBehavior
}

type (
	// PinnedVersioningOverride pins a run to a version. Its successors are pinned, too.
	PinnedVersioningOverride struct {
		Version deployment.Version
	}

	// AutoUpgradeVersioningOverride lets the version decide for a run that new runs of its task queue go to.
	AutoUpgradeVersioningOverride struct{}

	// VersioningOverrideChange sets or removes an override.
	VersioningOverrideChange struct {
		// Value is the override from now on, nil for none.
		Value VersioningOverride
	}

	// WorkflowExecutionOptions are the options of an open run that can be changed.
	WorkflowExecutionOptions struct {
		// VersioningOverride is nil for none.
		VersioningOverride VersioningOverride
	}

	// WorkflowExecutionOptionsChanges say what to change. What is nil stays as it is.
	WorkflowExecutionOptionsChanges struct {
		VersioningOverride *VersioningOverrideChange
	}

	// UpdateWorkflowExecutionOptionsRequest is the argument of UpdateWorkflowExecutionOptions.
	UpdateWorkflowExecutionOptionsRequest struct {
		WorkflowId string
		// RunId is empty for the workflow's current run.
		RunId string
		// WorkflowExecutionOptionsChanges are what to change.
		WorkflowExecutionOptionsChanges WorkflowExecutionOptionsChanges
	}
)

func (*PinnedVersioningOverride) behavior() workflow.VersioningBehavior {
	return workflow.VersioningBehaviorPinned
}

func (*AutoUpgradeVersioningOverride) behavior() workflow.VersioningBehavior {
	return workflow.VersioningBehaviorAutoUpgrade
}

// UnversionedBuildID stands for workers without UseVersioning where builds are named.
const UnversionedBuildID string = ""

// storedOverride is o as it is stored, nil for none.
func storedOverride(o VersioningOverride) (*history.VersioningOverride, error) {
	switch o := o.(type) {
	case nil:
		return nil, nil
	case *PinnedVersioningOverride:
		if o != nil && o.Version.DeploymentName != "" && o.Version.BuildID != "" {
			return &history.VersioningOverride{Deployment: o.Version.DeploymentName, Build: o.Version.BuildID}, nil
		}
		return nil, serviceerror.NewInvalidArgument("PinnedVersioningOverride.Version names no deployment and build")
	case *AutoUpgradeVersioningOverride:
		return &history.VersioningOverride{}, nil
	}
	return nil, serviceerror.NewInvalidArgument(fmt.Sprintf("VersioningOverride is %T: it must be a *PinnedVersioningOverride or an "+
		"*AutoUpgradeVersioningOverride", o))
}

func publicOverride(o *history.VersioningOverride) VersioningOverride {
	switch {
	case o == nil:
		return nil
	case o.Build == "":
		return &AutoUpgradeVersioningOverride{}
	}
	return &PinnedVersioningOverride{Version: deployment.Version{DeploymentName: o.Deployment, BuildID: o.Build}}
}

// OverrideName is the versioning behavior that an override gives a run, for people; empty for no override.
func OverrideName(o VersioningOverride) string {
	if o == nil {
		return ""
	}
	return o.behavior().String()
}

// checkPinned fails for a version that nobody has seen decide for runs of the queue: they would wait for it.
func checkPinned(t *deployment.Table, o *history.VersioningOverride, queue string) error {
	if o == nil || o.Build == "" {
		return nil
	}
	if b := t.Build(deployment.Version{DeploymentName: o.Deployment, BuildID: o.Build}); b != nil && b.Pinned[queue] != nil {
		return nil
	}
	return serviceerror.NewFailedPrecondition(fmt.Sprintf("no worker of build %q of deployment %q has served task queue %q",
		o.Build, o.Deployment, queue))
}

// place chooses where a run with the given options goes.
func (c *workflowClient) place(ctx context.Context, o StartWorkflowOptions, workflowType string) (override *history.VersioningOverride, build string, err error) {
	if override, err = storedOverride(o.VersioningOverride); err == nil {
		build, err = c.placed(ctx, override, o.TaskQueue, o.ID, workflowType)
	}
	return override, build, err
}

// placed chooses where a new run goes.
func (c *workflowClient) placed(ctx context.Context, o *history.VersioningOverride, queue, workflowID, workflowType string) (build string, err error) {
	if o == nil {
		return c.build(ctx, queue, workflowID, workflowType)
	}
	if o.Build == "" {
		return "", nil
	}
	table, _, err := readTable(ctx, c.ns)
	if err != nil {
		return "", err
	}
	return o.Build, checkPinned(table, o, queue)
}

// UpdateWorkflowExecutionOptions is documented at Client.
func (c *workflowClient) UpdateWorkflowExecutionOptions(ctx context.Context, r UpdateWorkflowExecutionOptionsRequest) (WorkflowExecutionOptions, error) {
	options, err := c.updateOptions(ctx, r)
	if err != nil {
		return WorkflowExecutionOptions{}, fmt.Errorf("update options of workflow %q: %w", r.WorkflowId, serviceError(err))
	}
	return options, nil
}

// optionsPatience is how long a change of options, or a request for an activity, may take to be recorded, unless the context
// ends before.
const optionsPatience = 10 * time.Second

func (c *workflowClient) updateOptions(ctx context.Context, r UpdateWorkflowExecutionOptionsRequest) (WorkflowExecutionOptions, error) {
	found, err := c.locate(ctx, r.WorkflowId, r.RunId)
	if err != nil {
		return WorkflowExecutionOptions{}, err
	}
	run := found.Run
	change := r.WorkflowExecutionOptionsChanges.VersioningOverride
	if change == nil {
		h, err := c.readHistory(ctx, run.WorkflowID, run.RunID)
		if err != nil {
			return WorkflowExecutionOptions{}, err
		}
		s, err := h.State()
		if err != nil {
			return WorkflowExecutionOptions{}, err
		}
		return WorkflowExecutionOptions{VersioningOverride: publicOverride(s.Versioning)}, nil
	}
	o, err := storedOverride(change.Value)
	if err != nil {
		return WorkflowExecutionOptions{}, err
	}
	if err := c.lend(ctx, run, o); err != nil {
		return WorkflowExecutionOptions{}, err
	}
	m := &history.Message{ID: uuid.NewString(), Options: &history.OptionsChange{Versioning: o, Identity: c.options.Identity}}
	if err := c.send(ctx, run, m); err != nil {
		return WorkflowExecutionOptions{}, err
	}
	return WorkflowExecutionOptions{VersioningOverride: change.Value}, c.awaitSeen(ctx, run.Run, m.Identity())
}

// lend lets the workers of the build that an override names look for the run where it waits.
func (c *workflowClient) lend(ctx context.Context, run history.Address, o *history.VersioningOverride) error {
	if o == nil {
		return nil
	}
	return c.changeTable(ctx, nil, func(t *deployment.Table) (bool, error) {
		if err := checkPinned(t, o, run.Queue); err != nil {
			return false, err
		}
		return t.Lend(run.Queue, run.Build, o.Build), nil
	})
}

// awaitSeen waits until a run has consumed a message.
func (c *workflowClient) awaitSeen(ctx context.Context, run history.Run, identity string) error {
	return c.awaitState(ctx, run, func(s *history.State) (bool, error) {
		if !s.Seen(identity) && s.Closed() {
			return false, fmt.Errorf("run %s has closed in the meantime: %w", run, streams.ErrNotFound)
		}
		return s.Seen(identity), nil
	})
}
