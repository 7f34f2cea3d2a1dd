package streamstest

import (
	"slices"
	"sort"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// subject is where a message stands: what package streams writes as the tokens of a JetStream subject.
type subject struct {
	kind  string
	run   history.Run
	queue string
	build string
	class int
	// bucket is that of a task's fairness key.
	bucket int
	// part tells subjects of one kind and run apart: an inbox source, an activity's number, a piece of a body.
	part string
}

// message is a stored message. Nothing in it changes after it was stored.
type message struct {
	subject
	seq  uint64
	at   time.Time
	data []byte
	// headers is what package streams would have put into headers: a storedStart, a streams.RecordInfo, a taskWeight, or nil.
	headers any
}

// stream is a JetStream stream: messages in the order of their sequences, and the durable consumers on them. Its
// owner's lock guards it.
type stream struct {
	workQueue bool
	last      uint64
	messages  []*message
	bySubject map[subject][]*message
	durables  map[durableName]*durable
	// changed is what those wait for who want messages of a kind: it is closed, and removed, when there may be one.
	changed map[string]chan struct{}
}

type durableName struct {
	queue, build  string
	class, bucket int
}

func newStream(workQueue bool) *stream {
	return &stream{
		workQueue: workQueue,
		bySubject: make(map[subject][]*message),
		durables:  make(map[durableName]*durable),
		changed:   make(map[string]chan struct{}),
	}
}

// wake lets everybody look again who waits for a message of the kind.
func (s *stream) wake(kind string) {
	if changed := s.changed[kind]; changed != nil {
		close(changed)
		delete(s.changed, kind)
	}
}

func (s *stream) wakeAll() {
	for kind := range s.changed {
		s.wake(kind)
	}
}

// wait is closed by the next wake.
func (s *stream) wait(kind string) <-chan struct{} {
	changed := s.changed[kind]
	if changed == nil {
		changed = make(chan struct{})
		s.changed[kind] = changed
	}
	return changed
}

func (s *stream) add(at time.Time, on subject, data []byte, headers any) *message {
	s.last++
	m := &message{subject: on, seq: s.last, at: at, data: slices.Clone(data), headers: headers}
	s.messages = append(s.messages, m)
	s.bySubject[on] = append(s.bySubject[on], m)
	s.wake(on.kind)
	return m
}

// lastOn is the last message on a subject, nil for none.
func (s *stream) lastOn(on subject) *message {
	if all := s.bySubject[on]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// remove takes a message out of the stream and out of every consumer's hands.
func (s *stream) remove(m *message) {
	i := sort.Search(len(s.messages), func(i int) bool { return s.messages[i].seq >= m.seq })
	if i == len(s.messages) || s.messages[i] != m {
		return
	}
	s.messages = slices.Delete(s.messages, i, i+1)
	same := func(o *message) bool { return o == m }
	if rest := slices.DeleteFunc(s.bySubject[m.subject], same); len(rest) > 0 {
		s.bySubject[m.subject] = rest
	} else {
		delete(s.bySubject, m.subject)
	}
	for _, d := range s.durables {
		delete(d.pending, m.seq)
	}
}

// durable is the state of a durable consumer, which all that consume under its name share.
type durable struct {
	stream  *stream
	kind    string
	name    durableName
	ackWait time.Duration
	// floor is the highest sequence that was delivered at least once.
	floor uint64
	// passed is a sequence up to which nothing that was never delivered is wanted.
	passed  uint64
	pending map[uint64]*pending
}

// pending is a message that was delivered and not acknowledged.
type pending struct {
	*message
	from       *durable
	deliveries int
	// due is when it is delivered again: after AckWait, or after the delay of a negative acknowledgement.
	due time.Time
	// waiting is how many messages had never been delivered after this delivery.
	waiting uint64
}

// ready says whether next would deliver something.
func (d *durable) ready(now time.Time) bool {
	for _, p := range d.pending {
		if !p.due.After(now) {
			return true
		}
	}
	return d.unseen() < len(d.stream.messages)
}

// next is what the consumer delivers at this time: what is due for redelivery first, in the order in which it fell
// due, then what was never delivered, in the order of the stream. It is nil when there is nothing.
func (d *durable) next(now time.Time) *pending {
	var first *pending
	for _, p := range d.pending {
		if p.due.After(now) {
			continue
		}
		if first == nil || p.due.Before(first.due) || p.due.Equal(first.due) && p.seq < first.seq {
			first = p
		}
	}
	if first == nil {
		i := d.unseen()
		if i == len(d.stream.messages) {
			return nil
		}
		m := d.stream.messages[i]
		first = &pending{message: m, from: d}
		d.floor = m.seq
		d.pending[m.seq] = first
	}
	first.deliveries++
	first.due = now.Add(d.ackWait)
	return first
}

// unseen is the index of the first message that was never delivered, the number of messages when there is none.
func (d *durable) unseen() int {
	all := d.stream.messages
	seen := max(d.floor, d.passed)
	if len(all) == 0 || all[len(all)-1].seq <= seen {
		return len(all)
	}
	i := sort.Search(len(all), func(i int) bool { return all[i].seq > seen })
	for i < len(all) && !d.wants(all[i]) {
		d.passed = all[i].seq
		i++
	}
	return i
}

func (d *durable) wants(m *message) bool {
	return m.kind == d.kind && m.class == d.name.class && m.bucket == d.name.bucket && m.queue == d.name.queue && m.build == d.name.build
}

// forget makes everything new that is still stored.
func (d *durable) forget() {
	d.floor, d.passed = 0, 0
	clear(d.pending)
}

// waiting counts the messages that were never delivered.
func (d *durable) waiting() uint64 {
	var n uint64
	for _, m := range d.stream.messages[d.unseen():] {
		if d.wants(m) {
			n++
		}
	}
	return n
}

// nextDue is when something falls due for redelivery, zero when nothing is pending.
func (d *durable) nextDue() time.Time {
	var due time.Time
	for _, p := range d.pending {
		if due.IsZero() || p.due.Before(due) {
			due = p.due
		}
	}
	return due
}

// ack settles a message, whichever of its deliveries the acknowledgement answers: the server asks only whether the
// sequence is pending.
func (d *durable) ack(seq uint64) {
	p := d.pending[seq]
	if p == nil {
		return
	}
	delete(d.pending, seq)
	if d.stream.workQueue {
		d.stream.remove(p.message)
	}
}

// postpone sets when a pending message is delivered again.
func (d *durable) postpone(seq uint64, due time.Time) {
	p := d.pending[seq]
	if p == nil {
		return
	}
	if due.Before(p.due) {
		d.stream.wake(d.kind)
	}
	p.due = due
}
