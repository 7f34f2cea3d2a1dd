package worker

import (
	"context"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/streams"
)

// classesEvery is how often a worker looks for priorities of which it may have failed to hear.
const classesEvery = 30 * time.Second

// classSource tells which priorities the tasks of a queue have; see streams.Namespace.
type classSource interface {
	ClassesQueued(ctx context.Context, queue, build string) ([]int, error)
	HearClasses(queue, build string, heard func(class int)) (stop func(class int), err error)
}

// classes are the priorities that a worker has seen among the tasks of its queue. Only those cost it anything.
type classes struct {
	source classSource
	queue  string
	builds []string // of the lanes that may have them

	mu   sync.Mutex // guards seen
	seen map[streams.TaskLane]bool
}

func newClasses(source classSource, queue string, builds ...string) *classes {
	return &classes{source: source, queue: queue, builds: builds, seen: map[streams.TaskLane]bool{}}
}

// add notes a priority, and says whether it is new.
func (c *classes) add(l streams.TaskLane) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.seen[l]
	c.seen[l] = true
	return !known
}

// lanes are the given ones and those with priorities beside them.
func (c *classes) lanes(plain []streams.TaskLane) []streams.TaskLane {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := plain
	for _, lane := range plain {
		for class := 1; class <= streams.MaxClass; class++ {
			if l := (streams.TaskLane{Build: lane.Build, Class: class}); c.seen[l] {
				all = append(all, l)
			}
		}
	}
	return all
}

// watch calls changed whenever there are new priorities, until ctx ends.
func (c *classes) watch(ctx context.Context, changed func(), failed func(error)) {
	heard := make(chan streams.TaskLane, len(c.builds)*streams.MaxClass)
	stops := map[string]func(class int){}
	for _, build := range c.builds {
		stop, err := c.source.HearClasses(c.queue, build, func(class int) {
			select {
			case heard <- streams.TaskLane{Build: build, Class: class}:
			default: // full of those that are to be dealt with
			}
		})
		if err != nil {
			failed(err)
			continue
		}
		stops[build] = stop
		defer func() {
			for class := 1; class <= streams.MaxClass; class++ {
				stop(class)
			}
		}()
	}
	tick := time.NewTicker(classesEvery)
	defer tick.Stop()
	for {
		c.look(ctx, changed, failed)
		for waiting := true; waiting; {
			select {
			case l := <-heard:
				stops[l.Build](l.Class) // each further task would be heard as well
				if c.add(l) {
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

// look looks among what is stored.
func (c *classes) look(ctx context.Context, changed func(), failed func(error)) {
	for _, build := range c.builds {
		found, err := c.source.ClassesQueued(ctx, c.queue, build)
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		for _, class := range found {
			if c.add(streams.TaskLane{Build: build, Class: class}) {
				changed()
			}
		}
	}
}
