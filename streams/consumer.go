package streams

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
)

// Consumer delivers one lane of one queue, from all partitions.
type Consumer interface {
	// Pull returns at least one delivery and at most max, which must be positive. It blocks until there is one, and
	// returns ctx's error when ctx ends first and ErrClosed after Close. It goes on through lost connections, leader
	// changes and deleted consumers, which it creates again. Messages are never requested beyond max, so a caller asks for
	// what it can begin at once. One caller at a time.
	Pull(ctx context.Context, max int) ([]*Delivery, error)
	// Close ends a blocked Pull, hands back what was delivered but not returned by Pull, and returns when all of
	// that is done. The durable consumers stay.
	Close() error
	// Drain ends a blocked Pull, too, and returns what was delivered but not returned by Pull instead of handing it
	// back: for a receiver that leaves word before a hand-back. It takes the place of Close, and the first of the two
	// counts.
	Drain() []*Delivery
}

// ConsumeOptions configure the durable consumers behind a Consumer.
type ConsumeOptions struct {
	// AckWait is how long a delivery may go without a sign of life; 0 means 30 s. All processes that share a
	// consumer must agree.
	AckWait time.Duration
	// Lanes are the parts of a task queue to consume, for LaneTasks only. What waits with a higher priority is delivered
	// first; of the same priority, buckets, among which tasks without a fairness key count as one, get shares in proportion
	// to the weights of their tasks. Nil means the zero TaskLane.
	Lanes []TaskLane
}

const (
	defaultAckWait = 30 * time.Second
	minAckWait     = 100 * time.Millisecond
	// ackBudget bounds the wait for the confirmation of an acknowledgement. A consumer that was deleted and created again
	// confirms nothing that it has not yet delivered itself, and a caller that waits for it may be the one to pull.
	ackBudget = 5 * time.Second
	// bucketInactive is after how long without a pull the broker forgets the consumer of a bucket of fairness keys, of which a
	// queue may have many. Workers pull from it as long as its tasks are stored, so that it knows of none that run.
	bucketInactive = time.Hour
	// maxName is the longest consumer name that is used as it is; the broker makes a directory of it.
	maxName = 180
)

// Consume opens a lane of a queue. Build is empty except for coordinators of pinned runs. The durable consumers are
// created when absent and compared when present; a ConfigurationError says what differs.
func (n *Namespace) Consume(ctx context.Context, lane Lane, queue, build string, o ConsumeOptions) (Consumer, error) {
	if o.AckWait == 0 {
		o.AckWait = defaultAckWait
	}
	err := errors.Join(CheckTaskQueue(queue), checkBuild(build))
	switch {
	case err != nil:
	case o.AckWait < minAckWait:
		err = &InvalidError{Field: "AckWait", Value: o.AckWait.String(), Limit: "at least " + minAckWait.String()}
	case lane != LaneStarts && lane != LaneInbox && lane != LaneTasks:
		err = &InvalidError{Field: "lane", Value: lane.String(), Limit: "LaneStarts, LaneInbox or LaneTasks"}
	case lane == LaneTasks && build != "":
		err = &InvalidError{Field: "build", Value: build, Limit: "empty for tasks, whose lanes have theirs"}
	}
	var durables []durable
	if err == nil {
		durables, err = n.durables(lane, queue, build, o)
	}
	var p *puller
	if err == nil {
		p, err = n.openPuller(ctx, durables)
	}
	if err != nil {
		return nil, fmt.Errorf("consume %s of queue %s: %w", lane, queue, err)
	}
	c := &laneConsumer{namespace: n, lane: lane, puller: p, rejects: NewRejects(n.PutDeadLetter, DefaultRejects, log.Discard{})}
	c.life, c.end = context.WithCancel(context.WithoutCancel(ctx))
	return c, nil
}

// durables are the durable consumers of a lane of a queue in all partitions.
func (n *Namespace) durables(lane Lane, queue, build string, o ConsumeOptions) ([]durable, error) {
	if lane == LaneTasks {
		return n.taskDurables(queue, o)
	}
	var durables []durable
	for i := range n.partitions {
		durables = append(durables, n.laneDurable(&n.partitions[i], lane, queue, build, o.AckWait))
	}
	return durables, nil
}

// laneDurable is the durable consumer of a lane in one partition.
func (n *Namespace) laneDurable(p *partition, lane Lane, queue, build string, ackWait time.Duration) durable {
	if lane == LaneTasks {
		return p.taskDurable(queue, TaskLane{}, ackWait)
	}
	d := newDurable(consumerName(lane, queue, build), fmt.Sprintf("Millrace: %s of queue %q", lane, queue), ackWait)
	switch lane {
	case LaneStarts:
		d.stream, d.config.FilterSubject = p.history, p.queueStarts(queue, build)
		// A start whose transition was lost has nobody to drive it but the start itself.
		d.lost = func(ctx context.Context) bool { return n.hasLost(ctx, p.records) }
	case LaneInbox:
		d.stream, d.config.FilterSubject, d.workQueue = p.streamNames.inbox, p.queueInbox(queue, build), true
	}
	return d
}

// taskDurables are the durable consumers of lanes of a task queue: for each lane those of all partitions.
func (n *Namespace) taskDurables(queue string, o ConsumeOptions) ([]durable, error) {
	lanes := o.Lanes
	if lanes == nil {
		lanes = []TaskLane{{}}
	}
	var durables []durable
	for _, lane := range lanes {
		if err := lane.check(); err != nil {
			return nil, err
		}
		for i := range n.partitions {
			durables = append(durables, n.partitions[i].taskDurable(queue, lane, o.AckWait))
		}
	}
	return durables, nil
}

// taskDurable is the durable consumer of a lane of a task queue in the partition.
func (p *partition) taskDurable(queue string, lane TaskLane, ackWait time.Duration) durable {
	d := newDurable(lane.consumerName(queue), fmt.Sprintf("Millrace: tasks of queue %q", queue), ackWait)
	d.stream, d.config.FilterSubject, d.workQueue = p.tasks, p.queueTasks(queue, lane), true
	d.rank, d.bucket = cmp.Or(lane.Class, history.DefaultPriority), lane.Bucket
	if lane.Bucket > 0 {
		d.config.InactiveThreshold = bucketInactive
	}
	return d
}

// consumerName is "tasks+queue", "tasks+queue+build", "tasks+queue++class" or "tasks+queue+build+class", and the last one with
// "+bucket" for buckets, where "-" stands for no class.
func (l TaskLane) consumerName(queue string) string {
	name := LaneTasks.String() + "+" + EncodeToken(queue)
	if l != (TaskLane{}) {
		name += "+"
	}
	if l.Build != "" {
		name += EncodeToken(l.Build)
	}
	switch {
	case l.Class > 0:
		name += "+" + strconv.Itoa(l.Class)
	case l.Bucket > 0:
		name += "+" + unusedToken
	}
	if l.Bucket > 0 {
		name += "+" + strconv.Itoa(l.Bucket)
	}
	return shortened(name)
}

func newDurable(name, description string, ackWait time.Duration) durable {
	return durable{config: jetstream.ConsumerConfig{
		Name:          name,
		Durable:       name,
		Description:   description,
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		ReplayPolicy:  jetstream.ReplayInstantPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: -1,
		MaxWaiting:    maxWaiting,
		Metadata:      map[string]string{"millrace.format": fmt.Sprint(formatVersion)},
	}}
}

// consumerName is "starts+queue" or "starts+queue+build", shortened to a hash where that is too long for a file.
func consumerName(lane Lane, queue, build string) string {
	name := lane.String() + "+" + EncodeToken(queue)
	if build != "" {
		name += "+" + EncodeToken(build)
	}
	return shortened(name)
}

func shortened(name string) string {
	if len(name) > maxName {
		sum := sha256.Sum256([]byte(name))
		name = name[:maxName-33] + "+" + hex.EncodeToString(sum[:16])
	}
	return name
}

// laneConsumer makes deliveries of what a puller brings.
type laneConsumer struct {
	namespace *Namespace
	lane      Lane
	puller    *puller
	// rejects are what is no message of the lane; life bounds the storing of their letters and ends with closing.
	rejects   *Rejects
	life      context.Context
	end       context.CancelFunc
	closeOnce sync.Once
	closeErr  error
}

func (c *laneConsumer) Close() error {
	c.closeOnce.Do(func() {
		c.closeRejects()
		c.closeErr = c.puller.close()
	})
	return c.closeErr
}

func (c *laneConsumer) Drain() []*Delivery {
	var left []*Delivery
	c.closeOnce.Do(func() {
		c.closeRejects()
		for _, m := range c.puller.stop() {
			// What is no message of the lane comes again, and is put away then.
			if d, err := c.delivery(m); err == nil {
				left = append(left, d)
			}
		}
	})
	return left
}

func (c *laneConsumer) Pull(ctx context.Context, max int) ([]*Delivery, error) {
	for {
		messages, err := c.puller.pull(ctx, max)
		if err != nil {
			return nil, err
		}
		deliveries := make([]*Delivery, 0, len(messages))
		for _, m := range messages {
			if d, err := c.delivery(m); err == nil {
				deliveries = append(deliveries, d)
			} else {
				c.reject(m, err)
			}
		}
		if len(deliveries) > 0 {
			return deliveries, nil
		}
	}
}

// reject puts away what is no message of the lane.
func (c *laneConsumer) reject(m pulled, reason error) {
	c.rejects.Add(c.life, Reject{Acker: m.acker, Deliveries: m.at.deliveries, Letter: DeadLetter{
		ID:     fmt.Sprintf("%s-%d", m.at.stream, m.at.seq),
		Reason: reason.Error(), Subject: m.msg.Subject, Headers: m.msg.Header, Data: m.msg.Data,
	}})
}

func (c *laneConsumer) closeRejects() {
	c.end()
	c.rejects.Close()
}

// delivery reads a message of the lane; the error says why it is not one.
func (c *laneConsumer) delivery(m pulled) (*Delivery, error) {
	s, err := parseSubject(m.msg.Subject)
	if err != nil {
		return nil, err
	}
	d := &Delivery{
		Lane: c.lane, Queue: s.queue, Build: s.build, Class: int32(s.class), Bucket: int32(s.bucket), Source: s.source, Activity: s.activity,
		Run:       history.Address{Run: s.run, Queue: s.queue, Build: s.build},
		Partition: m.part % len(c.namespace.partitions), Seq: m.at.seq, Deliveries: m.at.deliveries, Published: m.at.published, Pending: m.at.pending,
		Data:  m.msg.Data,
		Acker: m.acker,
		Epoch: m.epoch,
	}
	if s.kind != c.lane.kind() {
		return nil, fmt.Errorf("subject %q is not one of lane %s", m.msg.Subject, c.lane)
	}
	// Names that nobody of ours gives could not be asked for, and their message would be handed back for ever.
	if err := checkRun(s.run); err != nil {
		return nil, fmt.Errorf("subject %q: %w", m.msg.Subject, err)
	}
	switch c.lane {
	case LaneStarts:
		d.Checked, d.Expected = checkOf(&c.namespace.partitions[d.Partition], s.run.WorkflowID, m.msg.Header)
	case LaneTasks:
		d.Run.Queue = "" // the run's own queue is not that of its activity
	}
	return d, nil
}

// ensureConsumer creates a durable consumer unless there is one, and refuses one that differs. One that is ahead of its
// stream, which has lost its end, is created anew. It returns where the consumer is.
func (b broker) ensureConsumer(ctx context.Context, d durable) (at position, err error) {
	for range resetTries {
		if at, err = b.findConsumer(ctx, d); err != nil {
			break
		}
		ahead, unknown := b.isAhead(ctx, d, at)
		if err = unknown; err != nil || !ahead {
			break
		}
		if err = b.deleteConsumer(ctx, d); err != nil {
			break
		}
	}
	if err != nil {
		return at, fmt.Errorf("consumer %s/%s: %w", d.stream, d.config.Durable, err)
	}
	return at, nil
}

// resetTries bounds how often a consumer is created anew by one call: others may do the same at that time.
const resetTries = 3

// findConsumer is ensureConsumer for whatever consumer there is.
func (b broker) findConsumer(ctx context.Context, d durable) (at position, err error) {
	name := d.config.Durable
	var info jetstream.ConsumerInfo
	err = b.api(ctx, "CONSUMER.INFO."+d.stream+"."+name, nil, &info)
	var missing *missingError
	if errors.As(err, &missing) && missing.code == codeConsumerNotFound {
		request := map[string]any{"stream_name": d.stream, "config": d.config, "action": "create"}
		err = b.api(ctx, "CONSUMER.CREATE."+d.stream+"."+name+"."+d.config.FilterSubject, request, &info)
		var exists *existsError
		if errors.As(err, &exists) { // created by someone else a moment ago
			err = b.api(ctx, "CONSUMER.INFO."+d.stream+"."+name, nil, &info)
		}
	}
	if err != nil {
		return at, err
	}
	differences, err := compareConsumer(d.config, info.Config)
	if err == nil && len(differences) > 0 {
		err = &ConfigurationError{Object: "consumer " + d.stream + "/" + name, Differences: differences}
	}
	return position{floor: info.AckFloor.Stream, delivered: info.Delivered.Stream}, err
}

// isAhead says whether a consumer has delivered what its stream does not have yet. A server that was killed, or lost power
// without having synced, may have kept more of the consumer than of the stream. The messages that get these sequences now
// would not be delivered.
func (b broker) isAhead(ctx context.Context, d durable, at position) (bool, error) {
	// The stream is asked after the consumer; but of replicas one may know more than the other for a moment.
	for range aheadLooks {
		info, err := b.streamInfo(ctx, d.stream)
		if err != nil || at.delivered <= info.State.LastSeq {
			return false, err
		}
		select {
		case <-time.After(aheadPause):
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
	return true, nil
}

const (
	aheadLooks = 3
	aheadPause = 100 * time.Millisecond
)

// resetConsumer creates a consumer anew: it delivers everything that is stored.
func (b broker) resetConsumer(ctx context.Context, d durable) (at position, err error) {
	if err := b.deleteConsumer(ctx, d); err != nil {
		return at, fmt.Errorf("consumer %s/%s: %w", d.stream, d.config.Durable, err)
	}
	return b.ensureConsumer(ctx, d)
}

func (b broker) deleteConsumer(ctx context.Context, d durable) error {
	err := b.api(ctx, "CONSUMER.DELETE."+d.stream+"."+d.config.Durable, nil, nil)
	var missing *missingError
	if errors.As(err, &missing) && missing.code == codeConsumerNotFound {
		return nil // somebody else was first
	}
	return err
}

// acker acknowledges one delivery of the broker.
type acker struct {
	broker *broker
	reply  string
}

// Ack says nothing, which means the same as +ACK.
func (a *acker) Ack(context.Context) error { return a.publish("") }

func (a *acker) KeepAlive() error { return a.publish("+WPI") }

func (a *acker) Nak(delay time.Duration) error {
	if delay <= 0 {
		return a.publish("-NAK")
	}
	return a.publish(fmt.Sprintf(`-NAK {"delay": %d}`, delay.Nanoseconds()))
}

func (a *acker) publish(word string) error {
	if err := a.broker.post(&nats.Msg{Subject: a.reply, Data: []byte(word)}); err != nil {
		return fmt.Errorf("answer delivery with %q: %w: %w", word, ErrUnavailable, err)
	}
	return nil
}

func (a *acker) AckSync(ctx context.Context) error {
	err := a.broker.retryFor(ctx, ackBudget, func(ctx context.Context, timeout time.Duration) error {
		_, err := a.broker.request(ctx, &nats.Msg{Subject: a.reply, Data: []byte("+ACK")}, timeout)
		return err
	})
	if err != nil {
		return fmt.Errorf("acknowledge delivery: %w", err)
	}
	return nil
}

func (a *acker) InProgress(ctx context.Context) error {
	_, err := a.broker.request(ctx, &nats.Msg{Subject: a.reply, Data: []byte("+WPI")}, 0)
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("prolong delivery: %w: %w", ErrUnavailable, err)
}
