package worker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/internal/deployment"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// WorkerDeploymentVersion names a build of a deployment. A deployment is a program that is deployed again and again; its
// build ID is the ID of a version of it.
type WorkerDeploymentVersion = deployment.Version

// routesEvery is how often a worker looks where runs go.
const routesEvery = 2 * time.Second

// versions is what a worker knows of deployments, and what follows for its runs and activities.
type versions struct {
	queue string
	// own is the zero version for a worker without UseVersioning.
	own   WorkerDeploymentVersion
	table atomic.Pointer[deployment.Table]
}

func newVersions(queue string, o DeploymentOptions) *versions {
	v := &versions{queue: queue}
	if o.UseVersioning {
		v.own = o.Version
	}
	v.table.Store(&deployment.Table{})
	return v
}

// Decides is documented at coordinator.Versions, as are the next four.
func (v *versions) Decides(bound, workflowID string) bool {
	if bound != "" {
		return bound == v.own.BuildID
	}
	return v.table.Load().Target(v.queue, workflowID) == v.own
}

func (v *versions) Target(workflowID string) string {
	return v.table.Load().Target(v.queue, workflowID).BuildID
}

func (v *versions) RunsActivities(build, queue string) bool {
	return v.table.Load().RunsActivities(build, queue)
}

func (v *versions) Inherits(build, queue string) bool { return v.table.Load().Serves(build, queue) }

func (v *versions) Route(queue, workflowID, workflowType string, ramp bool) string {
	t := v.table.Load()
	if ramp {
		return t.Pins(t.RampingTarget(queue), queue, workflowType)
	}
	return t.Route(queue, workflowID, workflowType)
}

// homes are where the worker looks for runs.
func (v *versions) homes() []string { return v.table.Load().Homes(v.own, v.queue) }

// lanes are the parts of the task queue whose activities the worker runs.
func (v *versions) lanes() []streams.TaskLane {
	if v.own.BuildID == "" {
		return []streams.TaskLane{{}}
	}
	lanes := []streams.TaskLane{{Build: v.own.BuildID}}
	if v.table.Load().Receives(v.own) {
		lanes = append(lanes, streams.TaskLane{})
	}
	return lanes
}

// watch reads the table again and again until ctx ends, and calls changed when it may be another.
func (v *versions) watch(ctx context.Context, ns *streams.Namespace, logger log.Logger, changed func()) {
	tick := time.NewTicker(routesEvery)
	defer tick.Stop()
	known := uint64(0)
	for {
		table, revision, err := readTable(ctx, ns)
		switch {
		case err != nil && ctx.Err() == nil:
			logger.Warn("table of deployments was not read", "error", err)
		case err == nil && revision != known:
			known = revision
			v.table.Store(table)
			changed()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func readTable(ctx context.Context, ns *streams.Namespace) (*deployment.Table, uint64, error) {
	data, revision, err := ns.ReadDeployments(ctx)
	if err != nil {
		return nil, 0, err
	}
	table, err := deployment.Parse(data)
	return table, revision, err
}

// registerVersion notes in the table of deployments what the worker serves, if it has a version.
func (w *worker) registerVersion(workflows, activities bool) error {
	o := w.options.DeploymentOptions
	if !o.UseVersioning {
		return nil
	}
	var pinned []string
	if workflows {
		var err error
		if pinned, err = w.registry.pinned(o.DefaultVersioningBehavior); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	for {
		table, revision, err := readTable(ctx, w.core.Streams)
		if err != nil {
			return err
		}
		now := time.Now().UTC()
		changed := workflows && table.Register(o.Version, w.queue, pinned, now)
		changed = activities && table.RegisterActivities(o.Version, w.queue, now) || changed
		w.versions.table.Store(table)
		if !changed {
			return nil
		}
		data, err := table.Encode()
		if err != nil {
			return err
		}
		if _, err = w.core.Streams.WriteDeployments(ctx, data, revision); !errors.Is(err, streams.ErrConflict) {
			return err
		}
	}
}

// pinned are the registered workflow types whose runs stay with the build that they are started on.
func (r *registry) pinned(fallback workflow.VersioningBehavior) ([]string, error) {
	workflows, _ := r.types()
	r.mu.RLock()
	defer r.mu.RUnlock()
	pinned := []string{}
	for _, name := range workflows {
		behavior := r.behaviors[name]
		if behavior == workflow.VersioningBehaviorUnspecified {
			behavior = fallback
		}
		switch behavior {
		case workflow.VersioningBehaviorPinned:
			pinned = append(pinned, name)
		case workflow.VersioningBehaviorAutoUpgrade:
		default:
			return nil, fmt.Errorf("%w: workflow type %q has no versioning behavior: set RegisterOptions.VersioningBehavior or "+
				"DeploymentOptions.DefaultVersioningBehavior", ErrInvalidOptions, name)
		}
	}
	if r.dynamicWorkflow != nil && fallback == workflow.VersioningBehaviorPinned {
		pinned = append(pinned, deployment.AllTypes)
	}
	return pinned, nil
}
