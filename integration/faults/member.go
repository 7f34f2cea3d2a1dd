package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// part is what a member does.
type part string

const (
	partServer      part = "server"
	partWorker      part = "worker"      // workflows and activities
	partCoordinator part = "coordinator" // workflows only
	partActivities  part = "activities"  // activities only
	partDaemon      part = "daemon"
)

// member is a place in the fleet: at any time one process, except while it is being replaced.
type member struct {
	name string
	part part
	// launch starts the process of a generation, and returns when it can be of use.
	launch func(ctx context.Context, name string) (*child, *watch, error)

	mu sync.Mutex // guards the rest
	// taken says that a fault has the member, or that it is not there yet.
	taken      bool
	child      *child
	watch      *watch // nil for those without a book
	generation int
}

// start starts the member's next process.
func (m *member) start(ctx context.Context) error {
	m.mu.Lock()
	m.generation++
	name := fmt.Sprintf("%s.%d", m.name, m.generation)
	m.mu.Unlock()
	c, w, err := m.launch(ctx, name)
	if c != nil {
		m.mu.Lock()
		m.child, m.watch = c, w
		m.mu.Unlock()
	}
	return err
}

func (m *member) process() *child {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.child
}

// kill kills the member's process, which must not have ended by itself.
func (m *member) kill() error {
	c := m.process()
	if c.kill() {
		return fmt.Errorf("%s ended by itself: %v", c.name, c.err)
	}
	return nil
}

// inFlight counts the executions that the member's process has begun and not ended, and lists the runs of such decisions.
func (m *member) inFlight() (executing int, deciding []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.watch == nil {
		return 0, nil, nil
	}
	if err := m.watch.look(); err != nil {
		return 0, nil, err
	}
	return m.watch.executing, slices.Collect(maps.Values(m.watch.deciding)), nil
}

// take claims the member for a fault, false when another one has it.
func (m *member) take() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.taken {
		return false
	}
	m.taken = true
	return true
}

func (m *member) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken = false
}
