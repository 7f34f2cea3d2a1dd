package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
)

const (
	// aloneLimit is how many writes are on their way one by one before the next ones wait for each other. It is also the
	// smallest batch: a batch costs the broker as much as 10 to 16 flushed writes, however many it holds.
	aloneLimit = 16
	// batchLimit and batchBytes bound a batch. The broker accepts 1,000 messages, unless it is configured otherwise.
	batchLimit = 500
	batchBytes = 1 << 20
	// A batch waits for its members at most half as long as the one before it took, or half of longestBatch. Meanwhile it
	// looks gatherSteps times whether that pays.
	longestBatch = 40 * time.Millisecond
	gatherSteps  = 4
)

// group sends conditional writes to one stream in atomic batches, which share one flush to disk
// (docs/adr/0015-group-commit.md).
//
// While few writes are on their way each travels by itself. Those that come in addition wait until all that travel are
// answered, and then go together. A batch is only ever an attempt: when it is stored, each member is; when it is
// refused or not answered, each member is published by itself, as if there had been no batch, and finds out whether it
// was stored.
//
// It has no goroutine: one of the waiting calls, the leader, sends the batch for all. It holds no more than its callers
// do.
type group struct {
	broker broker
	// name begins the IDs of its batches, which are unique and short: the broker stores them with each message.
	name string

	mu      sync.Mutex // guards the fields below and those of the members
	off     bool       // the broker does not accept batches
	batches uint64     // sent so far
	alone   int        // first attempts of single writes on their way
	led     bool       // there is a leader: the next batch gathers, or is on its way
	waiting []*member  // in the order in which they came; the leader of a batch that gathers is the first

	// The writers that a batch has just served come back soon, with what they write next, and the next batch waits for
	// them: until there are as many as before, no longer than half of the time that the last one took, and only while
	// so many come that more are stored in a second.
	expected int
	took     time.Duration // by the last batch
	ended    time.Time     // the last batch
	complete chan struct{} // closed when as many wait as are expected; nil while nobody waits for that
}

// member is a write that waits for others to share its way.
type member struct {
	msg *nats.Msg
	// turn gets one value, from whoever holds the group's lock.
	turn chan turn
	// gone says that the call has ended and nobody takes the turn.
	gone bool
}

// turn is what becomes of a waiting write: it was stored at seq, or it is to lead the next batch, or else it travels by
// itself.
type turn struct {
	seq  uint64
	lead bool
}

func newGroup(b broker) *group { return &group{broker: b, name: uuid.NewString()[:13]} }

// putHistory publishes a message that carries an expectation to a partition's HISTORY until it is acknowledged or
// refused, where that pays together with others.
func (n *Namespace) putHistory(ctx context.Context, p *partition, m *nats.Msg) (seq uint64, err error) {
	if p.group == nil {
		seq, err = n.putRetried(ctx, m)
	} else {
		seq, err = p.group.put(ctx, m)
	}
	if err == nil {
		n.witnessed(ctx, p.records, seq, m)
	}
	return seq, err
}

// put publishes m, which must carry an expectation, until it is acknowledged or refused.
func (g *group) put(ctx context.Context, m *nats.Msg) (uint64, error) {
	if w := g.enter(m); w != nil {
		seq, err := g.wait(ctx, w)
		if seq > 0 || err != nil {
			return seq, err
		}
	}
	begun := time.Now()
	var seq uint64
	err := g.broker.ready()
	if err == nil {
		seq, err = g.broker.put(ctx, m, firstAttempt)
	}
	g.leave()
	if isUnanswered(err) {
		return g.broker.putAgain(ctx, m, begun, err)
	}
	return seq, err
}

// enter lets a write travel by itself, or makes it wait.
func (g *group) enter(m *nats.Msg) *member {
	g.mu.Lock()
	defer g.mu.Unlock()
	idle := !g.led && len(g.waiting) == 0
	gathers := idle && g.alone == 0 && g.gathersLocked()
	if g.off || idle && !gathers && g.alone < aloneLimit {
		g.alone++
		return nil
	}
	w := &member{msg: m, turn: make(chan turn, 1)}
	g.waiting = append(g.waiting, w)
	if gathers {
		g.leadLocked()
	}
	if g.complete != nil && len(g.waiting) >= g.expected {
		close(g.complete)
		g.complete = nil
	}
	return w
}

// leave says that a write which travelled by itself was answered, or waited for long enough.
func (g *group) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.alone--
	g.nextLocked()
}

// wait returns the sequence at which a batch stored the write, or 0 when it is to travel by itself.
func (g *group) wait(ctx context.Context, w *member) (uint64, error) {
	var t turn
	select {
	case t = <-w.turn:
	case <-ctx.Done():
		var given bool
		if t, given = g.withdraw(w); !given {
			return 0, fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
		}
	}
	if t.lead {
		g.gather(ctx)
		return g.send(ctx), nil
	}
	return t.seq, nil
}

// withdraw takes back a write whose caller waits no longer, unless its turn has come.
func (g *group) withdraw(w *member) (turn, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case t := <-w.turn:
		return t, true
	default:
	}
	w.gone = true
	if i := slices.Index(g.waiting, w); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
	}
	return turn{}, false
}

// nextLocked gives those that wait their turn once nothing is on its way.
func (g *group) nextLocked() {
	switch {
	case g.led || g.alone > 0 || len(g.waiting) == 0:
	case g.off || len(g.waiting) < aloneLimit && !g.gathersLocked():
		g.releaseLocked(g.takeLocked())
	default:
		g.leadLocked()
	}
}

// gathersLocked says whether the writers of the last batch are still waited for.
func (g *group) gathersLocked() bool { return time.Since(g.ended) < g.took/2 }

// leadLocked makes the first of those that wait the leader.
func (g *group) leadLocked() {
	g.led = true
	if len(g.waiting) < g.expected && g.gathersLocked() {
		g.complete = make(chan struct{})
	}
	g.waiting[0].turn <- turn{lead: true}
}

// gather waits for those that are expected.
func (g *group) gather(ctx context.Context) {
	g.mu.Lock()
	complete, before := g.complete, len(g.waiting)
	g.mu.Unlock()
	if complete == nil {
		return
	}
	step := time.NewTicker(g.took / 2 / gatherSteps)
	defer step.Stop()
	for {
		select {
		case <-complete:
			return
		case <-ctx.Done():
			return
		case <-step.C:
		}
		g.mu.Lock()
		now := len(g.waiting)
		pays := g.gathersLocked() && waitingPays(now, now-before, time.Since(g.ended), g.took)
		g.mu.Unlock()
		if !pays {
			return
		}
		before = now
	}
}

// waitingPays says whether a batch of so many writes should wait another step, when some more came in the last one: it
// stores more in a second then, counting that it was idle before and will take as long as the last batch took.
func waitingPays(waiting, came int, idle, took time.Duration) bool {
	return time.Duration(came)*(took+idle) > time.Duration(waiting)*(took/2/gatherSteps)
}

// takeLocked takes from those that wait as many as fit a batch. Two writes that depend on one subject do not: the broker
// would accept both on the same expectation, or refuse the batch.
func (g *group) takeLocked() []*member {
	var taken, rest []*member
	subjects := make(map[string]bool, len(g.waiting))
	size := 0
	for _, w := range g.waiting {
		on := checkSubject(w.msg)
		if len(taken) == batchLimit || subjects[on] || len(taken) > 0 && size+len(w.msg.Data) > batchBytes {
			rest = append(rest, w)
			continue
		}
		subjects[on] = true
		size += len(w.msg.Data)
		taken = append(taken, w)
	}
	g.waiting = rest
	return taken
}

// checkSubject is the subject that a write's expectation speaks of.
func checkSubject(m *nats.Msg) string {
	if on := m.Header[headerExpectedSubject]; len(on) > 0 {
		return on[0]
	}
	return m.Subject
}

// releaseLocked lets members travel by themselves.
func (g *group) releaseLocked(members []*member) {
	for _, w := range members {
		if !w.gone {
			g.alone++
			w.turn <- turn{}
		}
	}
}

// send sends a batch for all that wait and tells them what became of it. The sequence is that of the first one, the
// leader, whose call this is, or 0.
func (g *group) send(ctx context.Context) uint64 {
	g.mu.Lock()
	g.complete = nil
	batch := g.takeLocked()
	g.batches++
	id := g.name + "-" + strconv.FormatUint(g.batches, 36)
	g.mu.Unlock()
	if len(batch) < aloneLimit {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.led = false
		g.alone++ // the leader
		g.releaseLocked(batch[1:])
		return 0
	}
	begun := time.Now()
	first, err := g.publish(ctx, id, batch)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.led = false
	if err != nil {
		g.off = g.off || isUnsupported(err)
		g.alone++ // the leader
		g.releaseLocked(batch[1:])
		return 0
	}
	for i, w := range batch[1:] {
		w.turn <- turn{seq: first + uint64(i) + 1}
	}
	g.expected, g.took, g.ended = len(batch)+len(g.waiting), min(time.Since(begun), longestBatch), time.Now()
	g.nextLocked()
	return first
}

// publish makes one attempt to store a batch, and returns the sequence of its first member.
func (g *group) publish(ctx context.Context, id string, batch []*member) (first uint64, err error) {
	last := len(batch) - 1
	if err := errors.Join(ctx.Err(), g.broker.ready()); err != nil {
		return 0, err // rather than begin a batch that nobody ends
	}
	for i, w := range batch[:last] {
		if err := g.broker.nc.PublishMsg(inBatch(w.msg, id, i+1)); err != nil {
			return 0, err
		}
	}
	m := inBatch(batch[last].msg, id, last+1)
	m.Header[headerBatchCommit] = []string{"1"}
	answer, err := g.broker.request(ctx, m, firstAttempt)
	if err != nil {
		return 0, err
	}
	return readBatchAck(answer.Data, id, len(batch))
}

// inBatch is m as the n-th message of a batch.
func inBatch(m *nats.Msg, id string, n int) *nats.Msg {
	h := make(nats.Header, len(m.Header)+3)
	maps.Copy(h, m.Header)
	h[headerBatchID] = []string{id}
	h[headerBatchSequence] = []string{strconv.Itoa(n)}
	return &nats.Msg{Subject: m.Subject, Header: h, Data: m.Data}
}

// readBatchAck reads the acknowledgement of a batch, whose members have consecutive sequences that end with the one
// acknowledged. A broker that knows no batches stores messages one by one and acknowledges the last: that says nothing
// about the others.
func readBatchAck(data []byte, id string, count int) (first uint64, err error) {
	var ack struct {
		Seq   uint64    `json:"seq"`
		Batch string    `json:"batch"`
		Count int       `json:"count"`
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return 0, fmt.Errorf("%w: unreadable acknowledgement %.80q: %w", ErrRejected, data, err)
	}
	if ack.Error != nil {
		return 0, ack.Error.classified()
	}
	if ack.Batch != id || ack.Count != count || ack.Seq < uint64(count) {
		return 0, &unansweredError{fmt.Errorf("acknowledgement of something else than batch %s of %d: %.80q", id, count, data)}
	}
	return ack.Seq - uint64(count) + 1, nil
}
