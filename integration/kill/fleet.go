package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// fleet is the server and the workers: at any time one process for each, except while one is being replaced.
type fleet struct {
	dir     string
	port    int
	work    time.Duration
	mu      sync.Mutex // guards the rest
	server  *child
	workers []*child
	// started counts the processes: it tells the names of one slot's workers apart.
	started int
}

// startFleet starts the server, waits until it is ready, and starts the workers.
func startFleet(ctx context.Context, dir string, port int, o options) (*fleet, error) {
	f := &fleet{dir: dir, port: port, work: o.activity, workers: make([]*child, o.workers)}
	if err := f.startServer(ctx); err != nil {
		f.stop()
		return nil, err
	}
	return f, nil
}

func (f *fleet) startWorkers() error {
	for slot := range f.workers {
		if err := f.startWorker(slot); err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) url() string { return fmt.Sprintf("nats://127.0.0.1:%d", f.port) }

// store is the server's data directory.
func (f *fleet) store() string { return filepath.Join(f.dir, "server") }

// startServer starts the server and returns when it accepts connections.
func (f *fleet) startServer(ctx context.Context) error {
	s, err := startChild(roleServer, roleConfig{Name: "server", Dir: f.store(), Port: f.port}, filepath.Join(f.dir, "server.log"))
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.server = s
	f.mu.Unlock()
	select {
	case <-s.ready:
		return nil
	case <-s.exited:
		return fmt.Errorf("server ended by itself: %w (see %s)", s.err, filepath.Join(f.dir, "server.log"))
	case <-ctx.Done():
		return fmt.Errorf("wait for the server: %w", context.Cause(ctx))
	}
}

func (f *fleet) startWorker(slot int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.started++
	name := fmt.Sprintf("worker-%d.%d", slot, f.started)
	w, err := startChild(roleWorker, roleConfig{
		Name: name, URL: f.url(), Ledger: f.ledgerOf(name), Work: int64(f.work),
	}, filepath.Join(f.dir, fmt.Sprintf("worker-%d.log", slot)))
	if err != nil {
		return err
	}
	f.workers[slot] = w
	return nil
}

func (f *fleet) ledgerOf(name string) string { return filepath.Join(f.dir, name+".ledger") }

// killWorker kills the worker in a slot and starts another. hit says whether it had an activity in flight.
func (f *fleet) killWorker(slot int) (hit bool, err error) {
	f.mu.Lock()
	w := f.workers[slot]
	f.mu.Unlock()
	if w.kill() {
		return false, fmt.Errorf("%s ended by itself: %v (see worker-%d.log)", w.config.Name, w.err, slot)
	}
	entries, err := readLedger(w.config.Ledger)
	if err != nil {
		return false, err
	}
	return inFlight(entries) > 0, f.startWorker(slot)
}

// killServer kills the server and starts another on the same data and port. It returns when that one is ready.
func (f *fleet) killServer(ctx context.Context) error {
	f.mu.Lock()
	s := f.server
	f.mu.Unlock()
	if s.kill() {
		return fmt.Errorf("server ended by itself: %v (see server.log)", s.err)
	}
	return f.startServer(ctx)
}

// activitiesInFlight counts what the workers of this moment have begun and not ended.
func (f *fleet) activitiesInFlight() (int, error) {
	f.mu.Lock()
	workers := append([]*child(nil), f.workers...)
	f.mu.Unlock()
	n := 0
	for _, w := range workers {
		if w == nil {
			continue
		}
		entries, err := readLedger(w.config.Ledger)
		if err != nil {
			return 0, err
		}
		n += inFlight(entries)
	}
	return n, nil
}

// check says which process has ended by itself.
func (f *fleet) check() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, c := range append([]*child{f.server}, f.workers...) {
		if c == nil {
			continue
		}
		select {
		case <-c.exited:
			errs = append(errs, fmt.Errorf("%s ended by itself: %v", c.config.Name, c.err))
		default:
		}
	}
	return errors.Join(errs...)
}

// stop kills everything that was started and waits for it. Nobody may start anything any more.
func (f *fleet) stop() {
	f.stopWorkers()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server != nil {
		f.server.kill()
	}
}

func (f *fleet) stopWorkers() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for slot, w := range f.workers {
		if w != nil {
			w.kill()
			f.workers[slot] = nil
		}
	}
}
