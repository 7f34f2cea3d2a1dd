package streams

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Most task queues never see a task with a priority other than the default one or with a fairness key, and a consumer for
// each priority and each bucket of keys would cost all of them. So workers look which are in use: once in a while among what
// is stored, and by subscriptions of core NATS, which hear every such task as it is published and cost nothing as long as
// there is none.

// classes are the priorities whose tasks wait apart.
var classes = [...]int{1, 2, 4, 5}

// LanesQueued are the lanes of a queue, for a build, empty for any, in which tasks are stored: of those with a priority other
// than the default one, and of those with a fairness key. Those in open are not looked at.
func (n *Namespace) LanesQueued(ctx context.Context, queue, build string, open map[TaskLane]bool) ([]TaskLane, error) {
	var found []TaskLane
	for i := range n.partitions {
		look := laneLook{namespace: n, partition: &n.partitions[i], queue: queue, open: open}
		look.among(ctx, laneSet{build: build, fair: false})
		look.among(ctx, laneSet{build: build, fair: true})
		if look.err != nil {
			return nil, fmt.Errorf("look for lanes of task queue %s: %w", queue, look.err)
		}
		found = append(found, look.found...)
	}
	return found, nil
}

// laneLook looks among what is stored in a partition.
type laneLook struct {
	namespace *Namespace
	partition *partition
	queue     string
	open      map[TaskLane]bool
	found     []TaskLane
	err       error
}

// among looks whether there is anything in a set, and if so in its parts: one question is enough for a queue without
// priorities, and one for a queue without fairness keys.
func (k *laneLook) among(ctx context.Context, s laneSet) {
	if k.err != nil {
		return
	}
	lane, one := s.lane()
	if one && k.open[lane] {
		return
	}
	_, err := k.namespace.last(ctx, k.partition.tasks, k.partition.prefix+string(kindTask)+"."+s.filter(k.queue))
	switch {
	case isNoMessage(err):
	case err != nil:
		k.err = err
	case one:
		k.found = append(k.found, lane)
	default:
		for _, part := range s.parts() {
			k.among(ctx, part)
		}
	}
}

// laneSet is a set of lanes that are opened only when they are in use. Fair tells those of buckets from the others: all of
// a build, those of one class if classed, and of these one bucket unless it is 0.
type laneSet struct {
	build   string
	fair    bool
	classed bool
	class   int
	bucket  int
}

// lane is the one lane of the set, if it has no more.
func (s laneSet) lane() (TaskLane, bool) {
	return TaskLane{Build: s.build, Class: s.class, Bucket: s.bucket}, s.classed && (!s.fair || s.bucket > 0)
}

// parts are the sets that a set of several lanes is made of.
func (s laneSet) parts() []laneSet {
	var parts []laneSet
	switch {
	case s.classed:
		for bucket := range history.FairnessBuckets {
			part := s
			part.bucket = bucket + 1
			parts = append(parts, part)
		}
		return parts
	case s.fair:
		parts = append(parts, laneSet{build: s.build, fair: true, classed: true})
	}
	for _, class := range classes {
		parts = append(parts, laneSet{build: s.build, fair: s.fair, classed: true, class: class})
	}
	return parts
}

// filter matches, in what follows the kind, the subjects of the tasks in the set, and without fair those of the build's
// plain lane.
func (s laneSet) filter(queue string) string {
	if lane, one := s.lane(); one {
		return lane.filter(queue)
	}
	some := TaskLane{Build: s.build, Class: max(s.class, 1)}
	if s.fair {
		some.Bucket = 1
	}
	switch {
	case !s.classed:
		return some.queueToken(queue) + ".>"
	case s.class == 0:
		some.Class = 0
	}
	return some.tokens(queue) + ".>"
}

// Ear hears of lanes of a task queue that are in use. Its methods are safe for concurrent use.
type Ear struct {
	namespace    *Namespace
	queue, build string
	heard        func(TaskLane)

	mu     sync.Mutex // guards the rest
	closed bool
	subs   map[laneSet]*nats.Subscription
}

// HearLanes calls heard with the lane of each task that is published to a queue for a build, empty for any, with a priority
// other than the default one or with a fairness key, until the ear ignores that lane. Heard must not block, nor call the ear.
// Tasks that are published while the connection is lost are not heard of.
func (n *Namespace) HearLanes(queue, build string, heard func(TaskLane)) (*Ear, error) {
	e := &Ear{namespace: n, queue: queue, build: build, heard: heard, subs: map[laneSet]*nats.Subscription{}}
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.listenLocked(laneSet{build: build, fair: true})
	for _, s := range (laneSet{build: build}).parts() {
		err = errors.Join(err, e.listenLocked(s))
	}
	if err != nil {
		e.closeLocked()
		return nil, err
	}
	return e, nil
}

func (e *Ear) listenLocked(s laneSet) error {
	if e.closed || e.subs[s] != nil {
		return nil
	}
	subject := subjectRoot + "." + e.namespace.name + ".*." + string(kindTask) + "." + s.filter(e.queue)
	sub, err := e.namespace.nc.Subscribe(subject, func(m *nats.Msg) {
		if s, err := parseSubject(m.Subject); err == nil {
			e.heard(s.lane())
		}
	})
	if err != nil {
		return fmt.Errorf("subscribe to tasks of queue %q: %w", e.queue, errors.Join(ErrUnavailable, err))
	}
	e.subs[s] = sub
	return nil
}

func (e *Ear) endLocked(s laneSet) {
	if sub := e.subs[s]; sub != nil {
		_ = sub.Unsubscribe() // or the connection is closed
		delete(e.subs, s)
	}
}

// Ignore ends the hearing of a lane's tasks. Its neighbours are then listened to one by one; an error says that some are not.
func (e *Ear) Ignore(l TaskLane) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	one := laneSet{build: l.Build, fair: l.Bucket > 0, classed: true, class: l.Class, bucket: l.Bucket}
	var err error
	if one.fair {
		// From all classes to each, from the lane's class to its buckets; the finer BEFORE the coarser ends.
		class := one
		class.bucket = 0
		for _, coarse := range [...]laneSet{{build: l.Build, fair: true}, class} {
			if e.subs[coarse] == nil {
				continue
			}
			for _, part := range coarse.parts() {
				err = errors.Join(err, e.listenLocked(part))
			}
			e.endLocked(coarse)
		}
	}
	e.endLocked(one)
	return err
}

// Listen makes good for Ignore.
func (e *Ear) Listen(l TaskLane) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.listenLocked(laneSet{build: l.Build, fair: l.Bucket > 0, classed: true, class: l.Class, bucket: l.Bucket})
}

// Close ends all hearing.
func (e *Ear) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closeLocked()
}

func (e *Ear) closeLocked() {
	e.closed = true
	for s := range e.subs {
		e.endLocked(s)
	}
}
