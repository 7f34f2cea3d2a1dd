package streamstest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// defaultAckWait is the AckWait of a consumer that names none.
const defaultAckWait = 30 * time.Second

// consumer takes deliveries from one lane of a queue.
type consumer struct {
	model    *Model
	lane     streams.Lane
	durables []*durable
	shares   [streams.MaxClass + 1]*shares // by priority

	closing sync.Once
	closed  chan struct{}
}

// Consume returns a consumer of one lane of a queue. All consumers of the same lane, queue and build share what there
// is; the AckWait is that of the first.
func (m *Model) Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (streams.Consumer, error) {
	if err := streams.CheckTaskQueue(queue); err != nil {
		return nil, err
	}
	s, kind := m.laneOf(lane)
	if s == nil {
		return nil, &streams.InvalidError{Field: "lane", Value: lane.String(), Limit: "starts, inbox or tasks"}
	}
	if lane == streams.LaneTasks && build != "" {
		return nil, &streams.InvalidError{Field: "build", Value: build, Limit: "empty for tasks"}
	}
	names := []durableName{{queue: queue, build: build}}
	if lane == streams.LaneTasks && o.Lanes != nil {
		names = laneNames(queue, o.Lanes)
		for _, l := range o.Lanes {
			if l.Class < 0 || l.Class > streams.MaxClass {
				return nil, &streams.InvalidError{Field: "priority", Value: strconv.Itoa(l.Class), Limit: "1 to 5"}
			}
			if l.Bucket < 0 || l.Bucket > history.FairnessBuckets {
				return nil, &streams.InvalidError{Field: "bucket", Value: strconv.Itoa(l.Bucket), Limit: "1 to 31"}
			}
		}
	}
	var c *consumer
	err := m.do(ctx, OpConsume, history.Run{}, func(Fault) error {
		c = &consumer{model: m, lane: lane, closed: make(chan struct{})}
		for _, name := range names {
			d := s.durables[name]
			if d == nil {
				d = &durable{
					stream:  s,
					kind:    kind,
					name:    name,
					ackWait: cmp.Or(o.AckWait, defaultAckWait),
					pending: make(map[uint64]*pending),
				}
				s.durables[name] = d
			}
			c.durables = append(c.durables, d)
			c.share(name, d)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// laneNames are the consumers of lanes of a task queue.
func laneNames(queue string, lanes []streams.TaskLane) []durableName {
	var names []durableName
	for _, l := range lanes {
		names = append(names, durableName{queue: queue, build: l.Build, class: l.Class, bucket: l.Bucket})
	}
	return names
}

func (m *Model) laneOf(lane streams.Lane) (s *stream, kind string) {
	switch lane {
	case streams.LaneStarts:
		return m.history, kindStart
	case streams.LaneInbox:
		return m.inbox, kindInbox
	case streams.LaneTasks:
		return m.tasks, kindTask
	}
	return nil, ""
}

// Pull returns between 1 and max deliveries. It blocks until there is one, ctx ends or the consumer is closed.
func (c *consumer) Pull(ctx context.Context, max int) ([]*streams.Delivery, error) {
	if max < 1 {
		return nil, &streams.InvalidError{Field: "max", Value: strconv.Itoa(max), Limit: "at least 1"}
	}
	for {
		select {
		case <-c.closed:
			return nil, streams.ErrClosed
		default:
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		taken, changed, wait := c.take(max)
		if len(taken) > 0 {
			if ds := c.deliver(taken); len(ds) > 0 {
				return ds, nil
			}
			continue
		}
		var timer <-chan time.Time
		if wait > 0 {
			timer = time.After(wait)
		}
		select {
		case <-changed:
		case <-timer:
		case <-c.closed:
			return nil, streams.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// take marks up to max messages as delivered. When there are none it says what to wait for: a change, or the time to
// the next redelivery or wake-up (0 for neither).
func (c *consumer) take(max int) (taken []pending, changed <-chan struct{}, wait time.Duration) {
	m := c.model
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle()
	now := m.now()
	var due time.Time
	for len(taken) < max {
		d := c.first(now)
		if d == nil {
			break
		}
		p := d.next(now)
		p.waiting = d.waiting()
		c.charge(p)
		taken = append(taken, *p)
	}
	for _, d := range c.durables {
		if next := d.nextDue(); due.IsZero() || !next.IsZero() && next.Before(due) {
			due = next
		}
	}
	if len(taken) > 0 {
		return taken, nil, 0
	}
	if next := m.nextArmed; c.lane == streams.LaneInbox && !next.IsZero() && (due.IsZero() || next.Before(due)) {
		due = next
	}
	if !due.IsZero() {
		wait = clampWait(due.Sub(now))
	}
	return nil, c.durables[0].stream.wait(c.durables[0].kind), wait
}

// deliver asks the hook about what was taken and makes deliveries of the rest.
func (c *consumer) deliver(taken []pending) []*streams.Delivery {
	var ds []*streams.Delivery
	for _, p := range taken {
		switch c.model.fault(OpDeliver, p.run) {
		case Lost:
			continue
		case Duplicate:
			c.update(func(now time.Time) { p.from.postpone(p.seq, now) })
		}
		ds = append(ds, c.delivery(p))
	}
	return ds
}

func (c *consumer) delivery(p pending) *streams.Delivery {
	d := &streams.Delivery{
		Lane:       c.lane,
		Epoch:      c.model.Epoch(),
		Run:        history.Address{Run: p.run},
		Queue:      p.queue,
		Build:      p.build,
		Class:      int32(p.class),
		Bucket:     int32(p.bucket),
		Seq:        p.seq,
		Deliveries: p.deliveries,
		Published:  p.at,
		Data:       slices.Clone(p.data),
		Pending:    p.waiting,
		Acker:      &answer{c, p.from, p.message},
	}
	switch c.lane {
	case streams.LaneStarts:
		start := p.headers.(startHeaders)
		d.Run.Queue, d.Run.Build = p.queue, p.build
		d.Checked, d.Expected = start.checked, start.expected
	case streams.LaneInbox:
		d.Run.Queue, d.Run.Build = p.queue, p.build
		d.Source = history.Source(p.part)
	case streams.LaneTasks:
		d.Activity, _ = strconv.ParseInt(p.part, 10, 64) // PublishTask wrote it
	}
	return d
}

// update changes what is pending.
func (c *consumer) update(f func(now time.Time)) {
	c.model.mu.Lock()
	defer c.model.mu.Unlock()
	f(c.model.now())
}

// Close ends the consumer. The model gives nothing to a consumer that no Pull asked for, so nothing is handed back.
func (c *consumer) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return nil
}

// Drain is Close: nothing is left over.
func (c *consumer) Drain() []*streams.Delivery {
	c.closing.Do(func() { close(c.closed) })
	return nil
}

// answer is what the receiver of a delivery answers with. As on the server, only the sequence counts, not which of
// its deliveries is answered.
type answer struct {
	*consumer
	durable *durable
	message *message
}

// settle is one answer: an unconfirmed one gets no error, whatever becomes of it.
func (a *answer) settle(ctx context.Context, op Op, confirmed bool, f func(now time.Time)) error {
	if err := ctx.Err(); err != nil {
		return unavailable(op, a.message.run, err)
	}
	fault := a.model.fault(op, a.message.run)
	if fault != Lost {
		a.update(f)
	}
	if confirmed && (fault == Lost || fault == Ambiguous) {
		return unavailable(op, a.message.run, ErrInjected)
	}
	return nil
}

func (a *answer) ack(time.Time) { a.durable.ack(a.message.seq) }

func (a *answer) progress(now time.Time) {
	a.durable.postpone(a.message.seq, now.Add(a.durable.ackWait))
}

func (a *answer) Ack(ctx context.Context) error { return a.settle(ctx, OpAck, false, a.ack) }

func (a *answer) AckSync(ctx context.Context) error { return a.settle(ctx, OpAckSync, true, a.ack) }

func (a *answer) Nak(delay time.Duration) error {
	return a.settle(context.Background(), OpNak, false, func(now time.Time) {
		a.durable.postpone(a.message.seq, now.Add(delay))
	})
}

func (a *answer) InProgress(ctx context.Context) error {
	return a.settle(ctx, OpInProgress, true, a.progress)
}

func (a *answer) KeepAlive() error {
	return a.settle(context.Background(), OpKeepAlive, false, a.progress)
}

// clampWait keeps a Pull from spinning when the model's clock stands still.
func clampWait(d time.Duration) time.Duration { return max(d, time.Millisecond) }
