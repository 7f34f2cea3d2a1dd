package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// memory is how much the processes that run Millrace's code hold, looked at every now and then. That of nats-server is
// left out: it grows with what is stored.
type memory struct {
	mu sync.Mutex // guards of
	of map[string][]int64
}

const (
	memoryEvery = time.Second
	// memoryLooks is how many looks at one process say something of its growth: three minutes' worth.
	memoryLooks = 170
	// A process may hold so much more in the last third of its looks than in the second: garbage comes and goes.
	memoryGrowth = 1.25
	memorySlack  = 8 << 20
)

// run looks until ctx ends.
func (m *memory) run(ctx context.Context, f *fleet) {
	tick := time.NewTicker(memoryEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, x := range f.of(partWorker, partCoordinator, partActivities, partDaemon) {
			c := x.process()
			if c == nil || c.ended() {
				continue
			}
			if held, err := resident(c.cmd.Process.Pid); err == nil { // else it has just died
				m.look(c.name, held)
			}
		}
	}
}

func (m *memory) look(process string, held int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[string][]int64{}
	}
	m.of[process] = append(m.of[process], held)
}

// resident is how much memory of a process is present, in bytes.
func resident(pid int) (int64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(stat)
	if len(fields) < 2 {
		return 0, fmt.Errorf("memory of process %d: %q", pid, stat)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}

// held is what one process held: at most, and in the middle of the looks of the second and of the last third; 0 for one
// that did not live long enough.
type held struct {
	process              string
	most, earlier, later int64
}

// all are the processes, by name.
func (m *memory) all() []held {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []held
	for _, name := range slices.Sorted(maps.Keys(m.of)) {
		looks := m.of[name]
		h := held{process: name, most: slices.Max(looks)}
		if n := len(looks); n >= memoryLooks {
			h.earlier, h.later = middle(looks[n/3:2*n/3]), middle(looks[2*n/3:])
		}
		all = append(all, h)
	}
	return all
}

func middle(values []int64) int64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// grown is an error for a process that holds more and more.
func (h held) grown() error {
	if float64(h.later) <= memoryGrowth*float64(h.earlier)+memorySlack {
		return nil
	}
	return fmt.Errorf("%s held %d MiB in the second third of its life and %d MiB in the last", h.process, h.earlier>>20, h.later>>20)
}

// grow is by how much the process that grew most did, in hundredths, among those that lived long enough; and how many these
// are.
func grow(all []held) (percent float64, long int) {
	for _, h := range all {
		if h.earlier > 0 {
			percent, long = max(percent, 100*(float64(h.later)/float64(h.earlier)-1)), long+1
		}
	}
	return percent, long
}
