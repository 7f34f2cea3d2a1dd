package coordinator

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// item is one thing that a run has to deal with: a delivered start or message, a message read from the inbox without
// having been delivered to us, a local alarm, the outcome of an eager activity, or a query. Exactly one of ack and
// handBack ends an item.
type item struct {
	run history.Run
	// delivery is nil for what the broker did not deliver to this process.
	delivery *streams.Delivery
	// message is nil for a start, an alarm and a query.
	message *history.Message
	// seq is the message's sequence in INBOX.
	seq uint64
	// missing is set for an update that was delivered and does not wait in the inbox any more.
	missing bool
	// inherited says that the message waits in the inbox of the run's predecessor.
	inherited bool
	// alarm is the local alarm that rang, nil for all else.
	alarm *alarm
	query *queryItem

	// call is the eager activity of which the item is the outcome; message is nil when it has no result. running is
	// where it is known to be under way.
	call    *eagerCall
	running *runningCalls

	// keeper keeps the delivery alive until it is ended. room is what it takes of its lane, nil when that was given back.
	// overflows is set when it takes none because its run has had its share.
	keeper    *keeper
	room      *room
	overflows bool
	ended     bool
	// tries counts how often the item met a history that had moved on, since contested.
	tries     int
	contested time.Time
	// eager counts the eager activities that the item covers, and settled says that it waits for nothing else to be
	// acknowledged.
	eager   int
	settled bool
}

func (it *item) isStart() bool { return it.delivery != nil && it.message == nil }

// identity names the item's message as records and covers do.
func (it *item) identity() string {
	if it.message == nil {
		return history.StartIdentity
	}
	return it.message.Identity()
}

// covers is the identity of the message whose acknowledgement the item's end leads to.
func (it *item) covers() string {
	if it.call != nil {
		return it.call.held.identity()
	}
	return it.identity()
}

// isRequest says whether the item is of the lane whose order matters: signals, updates, cancel and terminate requests.
func (it *item) isRequest() bool {
	return it.message != nil && it.message.IsRequest()
}

// place is the item's place in the order of sending.
func (it *item) place() uint64 {
	if it.message != nil && it.message.Forwarded > 0 {
		return it.message.Forwarded
	}
	return it.seq
}

func (it *item) isAlarm() bool { return it.alarm != nil }

func (it *item) isWakeUp() bool { return it.message != nil && it.message.WakeUp != nil }

func (it *item) isUpdate() bool { return it.message != nil && it.message.Update != nil }

func (it *item) isTerminate() bool { return it.message != nil && it.message.Terminate != nil }

// deliveries is how often the broker has delivered the item, 0 when it has not.
func (it *item) deliveries() int {
	if it.delivery == nil {
		return 0
	}
	return it.delivery.Deliveries
}

// ack acknowledges a delivery, once all eager activities that it covers are dealt with; that of an eager outcome ends
// its share in the one that covers it.
func (it *item) ack(ctx context.Context) {
	if it.call != nil {
		if it.endCall() && it.call.held.settled {
			it.call.held.ack(ctx)
		}
		return
	}
	if it.eager > 0 {
		it.settled = true
		it.free() // what waits for nothing but activities keeps no other message from being dealt with
		return
	}
	if it.end() {
		// A lost acknowledgement leads to a redelivery that finds its work done.
		_ = it.delivery.Ack(ctx)
	}
}

// handBack gives a delivery to whoever is next; an eager outcome is given up with the delivery that covers it.
func (it *item) handBack(delay time.Duration) {
	if it.call != nil {
		it.endCall()
		it = it.call.held
	}
	if it.end() {
		// A lost hand-back leads to the same redelivery, after AckWait.
		_ = it.delivery.Nak(delay)
	}
}

// endCall forgets the item's eager call and says whether it was the last under its cover.
func (it *item) endCall() bool {
	if it.ended {
		return false
	}
	it.ended = true
	it.running.remove(eagerKey{it.run, it.call.activity})
	it.call.held.eager--
	return it.call.held.eager == 0
}

// end forgets the item and says whether there is a delivery to answer.
func (it *item) end() bool {
	if it.delivery == nil || it.ended {
		return false
	}
	it.ended = true
	it.keeper.forget(it)
	it.free()
	return true
}

func (it *item) free() {
	if it.room != nil {
		it.room.give(it.overflows)
		it.room = nil
	}
}

// mailbox holds what waits for one run in this process. It exists while a goroutine serves it.
type mailbox struct {
	waiting []*item
	// pace and overtaken, when a race for the run was last lost, belong to the goroutine.
	pace      pace
	overtaken time.Time
	// hurry is not nil while the goroutine rests, and holds a token to end the rest.
	hurry chan struct{}
}

// take takes out what is served next. What is beyond many items would be gone through each time without being consumed.
func (b *mailbox) take() []*item {
	n := min(len(b.waiting), inboxBatch)
	items := b.waiting[:n:n]
	if b.waiting = b.waiting[n:]; len(b.waiting) == 0 {
		b.waiting = nil
	}
	return items
}

// post gives it to its run's goroutine, and starts one when there is none. It refuses when stopping.
func (c *Coordinator) post(work context.Context, it *item) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopping {
		return false
	}
	c.postLocked(work, it)
	return true
}

func (c *Coordinator) postLocked(work context.Context, it *item) {
	box, served := c.boxes[it.run]
	if !served {
		box = &mailbox{}
		c.boxes[it.run] = box
		c.busy.Add(1)
		c.pool.Run(func() {
			if c.runMailbox(work, it.run, box) {
				c.busy.Done()
			}
		})
	}
	box.addLocked(it)
	if it.room != nil && len(box.waiting) > max(1, c.cfg.MaxConcurrent/runShare) {
		it.overflows = it.overflows || it.room.overflow(overflow*c.cfg.MaxConcurrent)
	}
	c.interrupts.tell(it)
}

// runMailbox serves one run until nothing waits for it. It says whether somebody waits for that: not when an activity
// kept the goroutine for longer than its attempt lasted.
func (c *Coordinator) runMailbox(work context.Context, run history.Run, box *mailbox) bool {
	for {
		c.mu.Lock()
		items := box.take()
		if len(items) == 0 {
			delete(c.boxes, run)
			c.mu.Unlock()
			return true
		}
		c.mu.Unlock()
		call := c.serve(work, run, box, items)
		c.alarms.served(items)
		if call == nil {
			c.rest(work, box)
			continue
		}
		more, waited := c.runOwn(work, run, box, call)
		if more == nil {
			return waited
		}
		box = more
	}
}

// runOwn makes an attempt in the goroutine that serves the run, which serves it no more meanwhile: afterwards it takes
// the run back, unless another goroutine serves it by then or has the outcome, and no mailbox is returned. When something
// waits the attempt goes to another goroutine.
func (c *Coordinator) runOwn(work context.Context, run history.Run, box *mailbox, call *eagerCall) (more *mailbox, waited bool) {
	c.mu.Lock()
	if len(box.waiting) > 0 {
		c.mu.Unlock()
		c.spawn(work, run, call)
		return box, true
	}
	delete(c.boxes, run)
	c.mu.Unlock()
	it := c.attempt(work, run, call)
	if it == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, served := c.boxes[run]; served {
		other.addLocked(it)
		return nil, true
	}
	box.waiting = append(box.waiting, it)
	c.boxes[run] = box
	return box, true
}

const (
	// runShare is the part of a lane's room that may be taken by what waits for one run: a tenth. A run that is flooded
	// keeps no other waiting.
	runShare = 10
	// overflow is how many times the room of a lane is held beyond it at most, of runs that have taken their share.
	overflow = 4
)

// runLane moves deliveries from one lane into mailboxes, never holding more than MaxConcurrent.
func (c *Coordinator) runLane(ctx, work context.Context, src streams.Consumer) error {
	room := room{free: c.cfg.MaxConcurrent, changed: make(chan struct{}, 1)}
	for {
		free := room.wait(ctx)
		if free == 0 {
			return nil
		}
		deliveries, err := src.Pull(ctx, free)
		room.take(len(deliveries))
		for _, d := range deliveries {
			c.receive(work, d, &room)
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// room is how many more deliveries of one lane may be held. One goroutine takes, any gives.
type room struct {
	mu   sync.Mutex // guards free and over
	free int
	// over is how many more are held beyond.
	over int
	// changed wakes the one that waits; it holds one token.
	changed chan struct{}
}

// wait returns how much is free, when something is; 0 when ctx has ended.
func (r *room) wait(ctx context.Context) int {
	for {
		r.mu.Lock()
		free := r.free
		r.mu.Unlock()
		if free > 0 {
			return free
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			return 0
		}
	}
}

func (r *room) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.free <= 0
}

func (r *room) take(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free -= n
}

// overflow gives the room of a delivery to others while it is still held, unless limit are held so.
func (r *room) overflow(limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over >= limit {
		return false
	}
	r.over++
	r.giveLocked()
	return true
}

// give gives back what a delivery took, which for one that overflows is no room.
func (r *room) give(overflows bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if overflows {
		r.over--
	} else {
		r.giveLocked()
	}
}

func (r *room) giveLocked() {
	if r.free++; r.free != 1 {
		return
	}
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// receive reads a delivery and posts it. What nobody can use it rejects; what a newer version wrote is handed back for a
// process that knows it.
func (c *Coordinator) receive(work context.Context, d *streams.Delivery, room *room) {
	it := &item{run: d.Run.Run, delivery: d, keeper: c.keeper, room: room}
	c.keeper.hold(it)
	err := it.read()
	switch {
	case errors.Is(err, history.ErrNewerFormat):
		it.handBack(growing([]*item{it}, newerFormatDelay, maxTroubleDelay))
		return
	case err != nil:
		c.reject(work, it, err.Error())
		return
	}
	if d.Deliveries > 1 {
		c.redelivered.Store(c.cfg.Now().UnixNano())
	}
	if !c.post(work, it) {
		it.handBack(0)
	}
}

// read decodes what was delivered as far as is needed to know whether anybody can use it.
func (it *item) read() error {
	d := it.delivery
	if d.Lane == streams.LaneStarts {
		if d.Checked {
			return nil
		}
		if _, err := history.DecodeStart(d.Data); err != nil {
			return err
		}
		return errUnchecked
	}
	m, err := decodeMessage(d)
	if err != nil {
		return err
	}
	it.message, it.seq = m, d.Seq
	return nil
}

// newerFormatDelay is how long a record of a newer format rests before another process is asked for the first time.
const newerFormatDelay = 2 * time.Second

func decodeMessage(d *streams.Delivery) (*history.Message, error) {
	m, err := history.DecodeMessage(d.Data)
	if err != nil {
		return nil, err
	}
	if m.Source() != d.Source {
		return nil, errors.New("message of source " + string(m.Source()) + " in lane " + string(d.Source))
	}
	return m, nil
}

// each is every item of the lists, one list after the other.
func each(lists ...[]*item) iter.Seq[*item] {
	return func(yield func(*item) bool) {
		for _, list := range lists {
			for _, it := range list {
				if !yield(it) {
					return
				}
			}
		}
	}
}
