package main

import (
	"context"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
)

// perTransition is how many results one transition of a fan-out takes.
const perTransition = 100

// bareRun is a run without an engine: it knows what it still waits for and the sequence of its last transition.
type bareRun struct {
	system *bareSystem
	id     string
	job    job
	ended  chan struct{}
	// lane, inbox, task, first and starts are the run's subjects, inbox and task without their last token.
	lane, inbox, task, first, starts string

	mu sync.Mutex // guards the rest
	// tail is the sequence of the last transition, next the number of the next activity.
	tail uint64
	next int
	// left is how many results or signals have not been consumed yet.
	left int
	// writing says that a transition is on its way: the next one needs its sequence.
	writing bool
	// waiting are delivered messages that no transition has taken.
	waiting []*nats.Msg
}

// start publishes the start, on the condition that the ID was never used. stored is closed when it is durable.
func (r *bareRun) start() (stored <-chan struct{}) {
	r.writing = true // until the first transition is stored
	done := make(chan struct{})
	r.system.conn.publish(r.first, expect(0, r.starts), bareBody, func(uint64) { close(done) })
	return done
}

// begin appends the first transition and sends its effects: with them durable, m is acknowledged.
func (r *bareRun) begin(m *nats.Msg) {
	r.append(0, false, func(seq uint64) {
		switch {
		case r.system.eager && r.job.steps > 0:
			r.proceed(seq, m)
		case r.job.steps > 0:
			r.stored(seq)
			r.schedule(func() { r.system.ack(m) })
		case r.job.fan > 0:
			r.stored(seq)
			unstored := r.job.fan
			var mu sync.Mutex // guards unstored
			for range r.job.fan {
				r.schedule(func() {
					mu.Lock()
					defer mu.Unlock()
					if unstored--; unstored == 0 {
						r.system.ack(m)
					}
				})
			}
		default:
			r.system.ack(m)
			r.stored(seq)
		}
	})
}

// proceed is the eager form: one transition for each activity, one after the other, and m acknowledged after the last.
func (r *bareRun) proceed(tail uint64, m *nats.Msg) {
	r.left--
	closing := r.left == 0
	r.append(tail, closing, func(seq uint64) {
		if closing {
			r.system.ack(m)
		} else {
			r.proceed(seq, m)
		}
	})
}

// append publishes a transition, on the condition that the last one is that at sequence tail.
func (r *bareRun) append(tail uint64, closing bool, then func(seq uint64)) {
	body := bareBody
	if closing {
		body = bareClosing
	}
	r.system.conn.publish(r.lane, expect(tail, ""), body, then)
}

// schedule publishes the task of the next activity.
func (r *bareRun) schedule(stored func()) {
	r.mu.Lock()
	r.next++
	n := r.next
	r.mu.Unlock()
	r.system.conn.publish(r.task+strconv.Itoa(n), nil, bareBody, func(uint64) { stored() })
}

// receive takes a result or a signal.
func (r *bareRun) receive(m *nats.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = append(r.waiting, m)
	r.decideLocked()
}

// stored notes a stored transition and decides what has arrived meanwhile.
func (r *bareRun) stored(seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tail, r.writing = seq, false
	r.decideLocked()
}

// decideLocked appends the next transition when it is time: for each result of a sequence; for 100 results of a
// fan-out; for whatever signals have arrived.
func (r *bareRun) decideLocked() {
	take := len(r.waiting)
	if r.job.fan > 0 {
		if take = min(perTransition, r.left); len(r.waiting) < take {
			return
		}
	}
	if r.writing || take == 0 {
		return
	}
	taken := r.waiting[:take:take]
	r.waiting = r.waiting[take:]
	r.left -= take
	r.writing = true
	closing := r.left == 0
	r.append(r.tail, closing, func(seq uint64) {
		r.stored(seq)
		acknowledge := func() {
			for _, m := range taken {
				r.system.ack(m)
			}
		}
		if r.job.steps > 0 && !closing {
			r.schedule(acknowledge)
		} else {
			acknowledge()
		}
	})
}

// signal sends the run its signals: as many at a time as the job says, and each acknowledged.
func (r *bareRun) signal(ctx context.Context, s *bareSystem) error {
	free := make(chan struct{}, r.job.inFlight)
	for range r.job.inFlight {
		free <- struct{}{}
	}
	release := func(uint64) { free <- struct{}{} }
	for range r.job.signals {
		if err := s.await(ctx, free); err != nil {
			return err
		}
		s.conn.publish(r.inbox+"s", nil, bareBody, release)
	}
	return nil
}
