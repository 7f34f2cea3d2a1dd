package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/worker"
)

const (
	// engageTime is how long a task waits for a worker when the one has gone that it was taken for.
	engageTime = 2 * time.Second
	// idleTime is how long a task queue is served that nobody asks for.
	idleTime = 2 * time.Minute
	// maxTasks bounds the tasks of one queue that are handed out at a time.
	maxTasks = 10_000
)

// desks are the task queues that this gateway serves, and the leases that it has given.
type desks struct {
	gateway  *Gateway
	id       uuid.UUID
	instance string

	// relays counts the goroutines of the queues.
	relays sync.WaitGroup

	mu      sync.Mutex // guards the rest
	stopped bool
	queues  map[string]*desk
	// known are the queues that were served in the gateway's life.
	known  map[string]bool
	leases map[uuid.UUID]*lease
}

func (d *desks) init(g *Gateway) {
	d.gateway, d.id = g, uuid.New()
	d.instance = d.id.String()
	d.queues, d.known, d.leases = map[string]*desk{}, map[string]bool{}, map[uuid.UUID]*lease{}
}

// desk is the desk of a queue, which is opened if it is not open.
func (d *desks) desk(queue string) (*desk, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopped {
		return nil, &gatewire.Error{Code: gatewire.Unavailable, Message: "gateway is stopping"}
	}
	if at := d.queues[queue]; at != nil {
		at.idle.Reset(idleTime)
		return at, nil
	}
	if limit := d.gateway.config.Limits.Queues; !d.known[queue] && len(d.known) >= limit {
		return nil, &gatewire.Error{Code: gatewire.Busy, Message: fmt.Sprintf("gateway serves %d task queues of namespace %s, and no more", limit, d.gateway.ns.Name())}
	}
	at := &desk{desks: d, queue: queue, changed: make(chan struct{})}
	var ctx context.Context
	ctx, at.close = context.WithCancel(context.Background())
	at.idle = time.AfterFunc(idleTime, at.closeIfIdle)
	d.queues[queue], d.known[queue] = at, true
	d.relays.Go(func() { at.run(ctx) })
	return at, nil
}

// stop closes all desks and returns when what they had handed out is left to be completed from outside.
func (d *desks) stop() {
	d.mu.Lock()
	d.stopped = true
	for _, at := range d.queues {
		at.close()
	}
	d.mu.Unlock()
	d.relays.Wait()
}

// desk is where workers wait for the tasks of one queue. It is the worker.RelayDesk of a relay.
type desk struct {
	desks *desks
	queue string
	close context.CancelFunc
	idle  *time.Timer

	mu sync.Mutex // guards the rest
	// waiting are those that ask for a task, oldest first.
	waiting []*seat
	// unbound are the slots in which no task has a worker yet, ended those whose engagement is over.
	unbound, ended int
	// changed is closed, and replaced, when somebody comes to wait.
	changed chan struct{}
	// closed says that nobody is to come any more, and why.
	closed error
}

var errClosed = errors.New("task queue is not served any more")

// run relays the queue's tasks until the desk is closed or cannot be served.
func (a *desk) run(ctx context.Context) {
	g := a.desks.gateway
	logger := log.With(g.config.Logger, "taskQueue", a.queue)
	err := worker.RunRelay(ctx, g.config.Client, a.queue, a, worker.RelayOptions{Identity: "gateway " + a.desks.instance, Logger: g.config.Logger})
	if err != nil {
		logger.Error("task queue cannot be served to tenants", "error", err)
		err = &gatewire.Error{Code: gatewire.Unavailable, Message: fmt.Sprintf("task queue %s cannot be served: %v", a.queue, err)}
	} else {
		err = &gatewire.Error{Code: gatewire.Unavailable, Message: errClosed.Error()}
	}
	a.close()
	a.idle.Stop()
	a.desks.mu.Lock()
	if a.desks.queues[a.queue] == a {
		delete(a.desks.queues, a.queue)
	}
	a.desks.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = err
	for _, s := range a.waiting {
		s.answer(nil, err)
	}
	a.waiting = nil
}

// closeIfIdle ends the service of a queue that nobody asks for.
func (a *desk) closeIfIdle() {
	d := a.desks
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.leases {
		if l.seat.desk == a {
			a.idle.Reset(idleTime)
			return
		}
	}
	if d.queues[a.queue] == a {
		delete(d.queues, a.queue)
	}
	a.close()
}

// seat is somebody who asks for a task.
type seat struct {
	desk     *desk
	identity string
	lease    time.Duration
	types    map[string]bool // nil for all
	// answers has room for the one answer.
	answers chan seatAnswer
	// left says that nobody waits for the answer any more. It is the desk's to guard.
	left bool
}

type seatAnswer struct {
	reply *gatewire.PollReply
	err   error
}

func (s *seat) answer(r *gatewire.PollReply, err error) { s.answers <- seatAnswer{r, err} }

func (s *seat) knows(activityType string) bool { return s.types == nil || s.types[activityType] }

// enter lets somebody wait.
func (a *desk) enter(s *seat) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed != nil {
		return a.closed
	}
	a.sitLocked(s)
	return nil
}

func (a *desk) sitLocked(s *seat) {
	a.waiting = append(a.waiting, s)
	close(a.changed)
	a.changed = make(chan struct{})
}

// leave ends a wait. It returns false for somebody who has just been given a task, or will be at once.
func (a *desk) leave(s *seat) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.left = true
	for i, other := range a.waiting {
		if other == s {
			a.waiting = append(a.waiting[:i:i], a.waiting[i+1:]...)
			return true
		}
	}
	return false
}

// Engage takes somebody who waits and knows the activity type. It waits a little when nobody does.
func (a *desk) Engage(activityType string) (worker.RemoteWorker, bool) {
	over := time.NewTimer(engageTime)
	defer over.Stop()
	for {
		a.mu.Lock()
		for i, s := range a.waiting {
			if s.knows(activityType) {
				a.waiting = append(a.waiting[:i:i], a.waiting[i+1:]...)
				a.unbound = max(a.unbound-1, 0)
				a.mu.Unlock()
				return &lease{seat: s}, true
			}
		}
		changed, closed := a.changed, a.closed != nil
		a.mu.Unlock()
		if closed {
			return nil, false
		}
		select {
		case <-changed:
		case <-over.C:
			return nil, false
		}
	}
}

// ReserveSlot waits until somebody waits for whom no task is under way.
func (a *desk) ReserveSlot(ctx context.Context, _ worker.SlotReservationInfo) (*worker.SlotPermit, error) {
	for {
		a.mu.Lock()
		p, changed := a.reserveLocked(), a.changed
		a.mu.Unlock()
		if p != nil {
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (a *desk) reserveLocked() *worker.SlotPermit {
	if len(a.waiting) <= a.unbound {
		return nil
	}
	a.unbound++
	return &worker.SlotPermit{}
}

// TryReserveSlot is ReserveSlot without waiting.
func (a *desk) TryReserveSlot(worker.SlotReservationInfo) *worker.SlotPermit {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.reserveLocked()
}

// MarkSlotUsed has nothing to do.
func (a *desk) MarkSlotUsed(worker.SlotMarkUsedInfo) {}

// ReleaseSlot takes a slot back: one in which an engagement has ended, or else one that never had one.
func (a *desk) ReleaseSlot(worker.SlotReleaseInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended > 0 {
		a.ended--
	} else {
		a.unbound = max(a.unbound-1, 0)
	}
}

// MaxSlots bounds the tasks that are handed out.
func (a *desk) MaxSlots() int { return maxTasks }

// endEngagement notes that the slot of an engagement will come back, and lets whoever got no task wait on.
func (a *desk) endEngagement(s *seat, unused bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended++
	switch {
	case !unused:
	case a.closed != nil:
		s.answer(nil, a.closed)
	case s.left:
		s.answer(nil, nil)
	default:
		a.sitLocked(s)
	}
}
