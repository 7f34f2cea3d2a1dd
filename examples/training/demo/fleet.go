package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/examples/training/journal"
)

// fleet is the job's server and workers, each a process of its own.
type fleet struct {
	dir     layout
	address string
	pace    time.Duration
	server  *process
	workers []*process
	// born counts the workers started so far, which makes their names unique over time.
	born int
}

func startFleet(ctx context.Context, o options, dir layout) (*fleet, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	f := &fleet{dir: dir, address: address, pace: o.pace, workers: make([]*process, o.workers)}
	if err := f.startServer(ctx); err != nil {
		return nil, err
	}
	for slot := range f.workers {
		if err := f.startWorker(ctx, slot); err != nil {
			return nil, errors.Join(err, f.stop())
		}
	}
	return f, nil
}

func (f *fleet) startServer(ctx context.Context) error {
	p, err := spawn(ctx, f.dir.logs(), "server", roleServer, "-dir", f.dir.root, "-address", f.address)
	if err != nil {
		return err
	}
	f.server = p
	return nil
}

func (f *fleet) startWorker(ctx context.Context, slot int) error {
	f.born++
	name := fmt.Sprintf("worker-%d", f.born)
	p, err := spawn(ctx, f.dir.logs(), name, roleWorker, "-dir", f.dir.root, "-address", f.address, "-name", name, "-pace", f.pace.String())
	if err != nil {
		return err
	}
	f.workers[slot] = p
	return nil
}

// stop ends every process of the fleet at once.
func (f *fleet) stop() error {
	var errs []error
	for _, w := range f.workers {
		if w != nil {
			errs = append(errs, w.kill())
		}
	}
	if f.server != nil {
		errs = append(errs, f.server.kill())
	}
	return errors.Join(errs...)
}

// ended names a process that is gone although nobody killed it, "" when there is none.
func (f *fleet) ended() string {
	if f.server.ended() {
		return f.server.name
	}
	for _, w := range f.workers {
		if w.ended() {
			return w.name
		}
	}
	return ""
}

// inFlight returns what the worker's journal says is in flight.
func (f *fleet) inFlight(slot int) ([]journal.Execution, error) {
	return journal.InFlight(f.dir.journals(), f.workers[slot].name)
}
