package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/deployment"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// WorkerDeploymentVersion names a build of a deployment. A deployment is a program that is deployed again and again; its
// build ID is the ID of a version of it.
type WorkerDeploymentVersion = deployment.Version

// A worker with UseVersioning runs a coordinator for the runs that are pinned to its build, to its end, and another for
// the runs that are bound to none, as long as its build is the current one.

// routesEvery is how often a worker looks which build is current.
const routesEvery = 2 * time.Second

// versionedSides are the workflow sides of a worker with UseVersioning.
func (w *worker) versionedSides(logger log.Logger, eager coordinator.EagerRunner) ([]func(context.Context) error, error) {
	pinned, err := w.registry.pinned(w.options.DeploymentOptions.DefaultVersioningBehavior)
	if err != nil {
		return nil, err
	}
	version := w.options.DeploymentOptions.Version
	if err := w.register(version, pinned); err != nil {
		return nil, fmt.Errorf("register build %q of deployment %q: %w", version.BuildID, version.DeploymentName, err)
	}
	config := w.coordinatorConfig(logger, eager)
	config.Build = version.BuildID
	own, err := coordinator.New(w.core.Streams, config)
	if err != nil {
		return nil, err
	}
	return []func(context.Context) error{own.Run, func(ctx context.Context) error { return w.serveUnbound(ctx, logger, eager) }}, nil
}

// register notes in the table of deployments what the worker serves.
func (w *worker) register(v WorkerDeploymentVersion, pinned []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	for {
		table, revision, err := w.readTable(ctx)
		if err != nil {
			return err
		}
		if !table.Register(v, w.queue, pinned, time.Now().UTC()) {
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

func (w *worker) readTable(ctx context.Context) (*deployment.Table, uint64, error) {
	data, revision, err := w.core.Streams.ReadDeployments(ctx)
	if err != nil {
		return nil, 0, err
	}
	table, err := deployment.Parse(data)
	return table, revision, err
}

// serveUnbound decides for the runs that are bound to no build, whenever this build is the current one.
func (w *worker) serveUnbound(ctx context.Context, logger log.Logger, eager coordinator.EagerRunner) error {
	for w.awaitCurrent(ctx, logger, true) {
		c, err := coordinator.New(w.core.Streams, w.coordinatorConfig(logger, eager))
		if err != nil {
			return err
		}
		logger.Info("build is the current one: the worker decides for runs that are bound to none")
		current, retire := context.WithCancel(ctx)
		retired := make(chan struct{})
		go func() {
			defer close(retired)
			w.awaitCurrent(current, logger, false)
			retire()
		}()
		err = c.Run(current)
		retire()
		<-retired
		if err != nil {
			return err
		}
	}
	return nil
}

// awaitCurrent waits until this build is the current one, or is not any more. It returns false when ctx has ended.
func (w *worker) awaitCurrent(ctx context.Context, logger log.Logger, want bool) bool {
	tick := time.NewTicker(routesEvery)
	defer tick.Stop()
	for {
		table, _, err := w.readTable(ctx)
		if err == nil && table.IsCurrent(w.options.DeploymentOptions.Version) == want {
			return ctx.Err() == nil
		}
		if err != nil && ctx.Err() == nil {
			logger.Warn("table of deployments was not read", "error", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
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
