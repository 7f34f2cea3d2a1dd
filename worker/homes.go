package worker

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/log"
)

// homes runs a coordinator for each place where the worker looks for runs: where those wait that are bound to no build,
// and where those wait that were started on its own build, or on another from which some are lent to it.
type homes struct {
	w      *worker
	logger log.Logger
	eager  coordinator.EagerRunner
	// look holds a token when the places may be others.
	look chan struct{}

	running map[string]context.CancelFunc
	group   sync.WaitGroup
	ended   chan home
}

// home is a place that is not served any more, and why.
type home struct {
	build string
	err   error
}

// newHomes checks that coordinators can be made.
func (w *worker) newHomes(logger log.Logger, eager coordinator.EagerRunner) (*homes, error) {
	if _, err := coordinator.New(w.core.Streams, w.coordinatorConfig(logger, eager)); err != nil {
		return nil, err
	}
	return &homes{w: w, logger: logger, eager: eager, look: make(chan struct{}, 1),
		running: map[string]context.CancelFunc{}, ended: make(chan home)}, nil
}

// changed says that the places may be others. It does not block.
func (h *homes) changed() {
	select {
	case h.look <- struct{}{}:
	default:
	}
}

// run serves the places until ctx ends or one of them cannot be served.
func (h *homes) run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var failure error
	for {
		if serving.Err() == nil {
			failure = errors.Join(failure, h.serve(serving))
		}
		if failure != nil {
			stop()
		}
		if serving.Err() != nil && len(h.running) == 0 {
			h.group.Wait()
			return failure
		}
		done := ctx.Done()
		if serving.Err() != nil {
			done = nil // what runs ends by itself
		}
		select {
		case <-h.look:
		case <-done:
			stop()
		case e := <-h.ended:
			h.running[e.build]()
			delete(h.running, e.build)
			failure = errors.Join(failure, e.err)
		}
	}
}

// serve begins to serve the places that are new, and lets go of those that are none any more. One that is let go of is
// served again when it has ended.
func (h *homes) serve(ctx context.Context) error {
	want := h.w.versions.homes()
	for build, stop := range h.running {
		if !slices.Contains(want, build) {
			stop()
		}
	}
	for _, build := range want {
		if h.running[build] != nil {
			continue
		}
		config := h.w.coordinatorConfig(h.logger, h.eager)
		config.Build = build
		c, err := coordinator.New(h.w.core.Streams, config)
		if err != nil {
			return err
		}
		if h.w.versions.own.BuildID != "" {
			h.logger.Info("worker looks for runs", "home", build, "build", h.w.versions.own.BuildID)
		}
		serving, stop := context.WithCancel(ctx)
		h.running[build] = stop
		h.group.Go(func() { h.ended <- home{build, c.Run(serving)} })
	}
	return nil
}
