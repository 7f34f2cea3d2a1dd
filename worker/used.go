package worker

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/streams"
)

const (
	// lookEvery is how often a worker looks for lanes of which it may have failed to hear.
	lookEvery = 30 * time.Second
	// laneIdle is for how long nothing is delivered from the lane of a bucket before it is closed, if nothing is stored in it.
	laneIdle = 2 * time.Minute
)

// usedLanes are the lanes of a task queue, beside the plain ones, of whose tasks a worker knows: those of priorities, and those
// of buckets of fairness keys. Only they cost it anything.
type usedLanes struct {
	source *streams.Namespace
	queue  string
	builds []string // that may have them
	ears   map[string]*streams.Ear
	// idle and every are laneIdle and lookEvery but for tests.
	idle, every time.Duration

	// news tells of heard lanes.
	news chan struct{}

	mu sync.Mutex // guards the rest
	// open says since when nothing was delivered from a lane.
	open  map[streams.TaskLane]time.Time
	heard map[streams.TaskLane]bool
}

func newUsedLanes(source *streams.Namespace, queue string, builds ...string) *usedLanes {
	return &usedLanes{source: source, queue: queue, builds: builds, ears: map[string]*streams.Ear{}, idle: laneIdle, every: lookEvery,
		news: make(chan struct{}, 1), open: map[streams.TaskLane]time.Time{}, heard: map[streams.TaskLane]bool{}}
}

// lanes are the given ones and those in use beside them.
func (u *usedLanes) lanes(plain []streams.TaskLane) []streams.TaskLane {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := slices.Clone(plain)
	for _, lane := range plain {
		for l := range u.open {
			if l.Build == lane.Build {
				all = append(all, l)
			}
		}
	}
	slices.SortStableFunc(all[len(plain):], func(a, b streams.TaskLane) int {
		return cmp.Or(cmp.Compare(a.Build, b.Build), a.Class-b.Class, a.Bucket-b.Bucket)
	})
	return all
}

// delivered notes a task. One without a fairness key, whose lane stays open, is not worth it.
func (u *usedLanes) delivered(d *streams.Delivery) {
	if u == nil || d.Bucket == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, open := u.open[d.TaskLane()]; open {
		u.open[d.TaskLane()] = time.Now()
	}
}

// watch calls changed whenever there are other lanes to be served, until ctx ends.
func (u *usedLanes) watch(ctx context.Context, changed func(), failed func(error)) {
	for _, build := range u.builds {
		ear, err := u.source.HearLanes(u.queue, build, u.hear)
		if err != nil {
			failed(err)
			continue
		}
		defer ear.Close()
		u.ears[build] = ear
	}
	tick := time.NewTicker(u.every)
	defer tick.Stop()
	for {
		if u.look(ctx, failed) {
			changed()
		}
		for waiting := true; waiting; {
			select {
			case <-u.news:
				u.mu.Lock()
				heard := slices.Collect(maps.Keys(u.heard))
				clear(u.heard)
				u.mu.Unlock()
				if u.add(heard, failed) {
					changed()
				}
			case <-tick.C:
				waiting = false
			case <-ctx.Done():
				return
			}
		}
	}
}

// hear is told of the lane of each task, until the ear ignores it.
func (u *usedLanes) hear(l streams.TaskLane) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.heard[l] {
		return
	}
	u.heard[l] = true
	select {
	case u.news <- struct{}{}:
	default: // full of a token that is to be taken
	}
}

// add opens lanes, and says whether one of them was not.
func (u *usedLanes) add(lanes []streams.TaskLane, failed func(error)) (added bool) {
	for _, l := range lanes {
		if ear := u.ears[l.Build]; ear != nil {
			if err := ear.Ignore(l); err != nil { // each further task would be heard as well
				failed(err)
			}
		}
		u.mu.Lock()
		_, known := u.open[l]
		u.open[l] = time.Now()
		u.mu.Unlock()
		added = added || !known
	}
	return added
}

// look looks among what is stored, and closes lanes of which nothing is. It says whether there are others now.
func (u *usedLanes) look(ctx context.Context, failed func(error)) (changed bool) {
	for _, build := range u.builds {
		busy, idle := u.divide(build)
		ear := u.ears[build]
		if ear == nil {
			idle = nil // who cannot hear keeps what is open
		}
		for _, l := range idle {
			// BEFORE the look: what is published after that is heard.
			if err := ear.Listen(l); err != nil {
				failed(err)
				busy[l] = true
			}
		}
		found, err := u.source.LanesQueued(ctx, u.queue, build, busy)
		if err != nil {
			if ctx.Err() == nil {
				failed(err)
			}
			found = append(found, idle...)
		}
		changed = u.add(found, failed) || changed
		for _, l := range idle {
			if !busy[l] && !slices.Contains(found, l) {
				u.mu.Lock()
				delete(u.open, l)
				u.mu.Unlock()
				changed = true
			}
		}
	}
	return changed
}

// divide are the open lanes of a build of which something was delivered lately, or that stay open, and the others.
func (u *usedLanes) divide(build string) (busy map[streams.TaskLane]bool, idle []streams.TaskLane) {
	u.mu.Lock()
	defer u.mu.Unlock()
	busy = map[streams.TaskLane]bool{}
	for l, since := range u.open {
		switch {
		case l.Build != build:
		case l.Bucket > 0 && time.Since(since) >= u.idle:
			idle = append(idle, l)
		default:
			busy[l] = true
		}
	}
	return busy, idle
}
