package streams

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// A request waits for messages this long at the broker, which says every beat that it still waits. Two beats
	// missed, and the consumer is looked after.
	pullExpires = 10 * time.Second
	pullBeat    = 2 * time.Second
	beatsMissed = 2*pullBeat + time.Second
	// One of several partitions is waited for this long, and this long when there is hardly more room than partitions:
	// until then the room that it takes is lost to the others.
	sharedExpires = time.Second
	turnExpires   = 100 * time.Millisecond
	minTurn       = 20 * time.Millisecond
	answerSlack   = 2 * time.Second

	// maxWaiting is how many requests a consumer holds: processes that share it, twice over.
	maxWaiting = 4096
)

// durable is a durable consumer that a puller keeps in being.
type durable struct {
	stream string
	config jetstream.ConsumerConfig
	// rank says which consumers are asked first: those with the lowest.
	rank int
	// bucket says which consumers of one rank share what one of them would get where there are several buckets.
	bucket int
	// workQueue says that the stream removes what is acknowledged, and that a delivery after that does no harm.
	workQueue bool
	// lost, if it is not nil, says whether the stream has lost what its consumer has delivered.
	lost func(ctx context.Context) bool
}

// pulled is a delivered message.
type pulled struct {
	msg   *nats.Msg
	at    place
	part  int
	acker Acker
	// epoch is that of the connection by which it came.
	epoch uint64
}

// puller pulls from several durable consumers as if they were one.
//
// Each consumer has one subscription for the answers to all requests. A request is open until it is fulfilled, until
// the broker says that it has ended, or until the broker falls silent. What the open requests ask for and what has
// arrived but was not taken never exceeds what the last call of pull asked for.
type puller struct {
	broker
	// life ends with close. It bounds the goroutines, which group waits for.
	life  context.Context
	end   context.CancelFunc
	group sync.WaitGroup
	// changed wakes a blocked pull; it holds one token.
	changed chan struct{}
	// patience bounds a blocked pull. It belongs to the one caller of that.
	patience *time.Timer

	mu      sync.Mutex // guards the fields below and those of parts
	parts   []*pullPart
	arrived arrivals
	closed  bool
	failure error // why pulling cannot go on
	ranked  bool  // the parts have several ranks
	// shares divide the room among buckets, nil where there is one.
	shares   *shares
	turn     int // which partition is asked first
	requests uint64
}

// pullPart is a puller's view of one consumer.
type pullPart struct {
	// backlog is how many more messages waited at the broker when the last one was sent.
	backlog uint64
	durable
	sub   *nats.Subscription
	inbox string // of the answers, without the request's number
	gone  chan struct{}

	open      []openRequest // oldest first
	empty     bool          // the broker's last word was that there is nothing
	emptied   time.Time     // when it said so, if there are buckets
	repairing bool          // the consumer is being looked after

	orphans map[uint64]bool // sequences of those that are delivered and not acknowledged
	search  int             // which search for them is the latest
}

type openRequest struct {
	number uint64
	left   int
	// silent is when the broker will have been silent for too long.
	silent time.Time
	beats  bool
	probe  bool // it does not wait
}

// openPuller makes sure of the consumers and subscribes to what they will answer.
func (b broker) openPuller(ctx context.Context, durables []durable) (*puller, error) {
	positions := make([]position, len(durables))
	for i, d := range durables {
		var err error
		if positions[i], err = b.ensureConsumer(ctx, d); err != nil {
			return nil, err
		}
	}
	p := &puller{broker: b, changed: make(chan struct{}, 1), patience: time.NewTimer(0), shares: newShares(durables)}
	if p.shares != nil {
		p.turn = rand.IntN(len(durables)) // or many workers that start together would all begin with the same bucket
	}
	p.life, p.end = context.WithCancel(context.WithoutCancel(ctx))
	ackWait := defaultAckWait
	for i, d := range durables {
		ackWait = min(ackWait, d.config.AckWait)
		part := &pullPart{durable: d, inbox: b.nc.NewInbox() + ".", gone: make(chan struct{}), orphans: map[uint64]bool{}}
		sub, err := b.nc.Subscribe(part.inbox+"*", func(m *nats.Msg) { p.receive(i, m) })
		if err != nil {
			return nil, errors.Join(fmt.Errorf("subscribe: %w: %w", ErrUnavailable, err), p.close())
		}
		sub.SetClosedHandler(func(string) { close(part.gone) })
		part.sub = sub
		p.mu.Lock()
		p.parts = append(p.parts, part)
		p.ranked = p.ranked || d.rank != durables[0].rank
		p.mu.Unlock()
		// Nothing arrives that was not asked for, so nothing needs to be dropped.
		if err := sub.SetPendingLimits(-1, -1); err != nil {
			return nil, errors.Join(fmt.Errorf("subscribe: %w: %w", ErrUnavailable, err), p.close())
		}
	}
	p.group.Go(func() { p.runKeeper(ackWait / 3) })
	for i, part := range p.parts {
		p.group.Go(func() { p.runOrphans(i, part, positions[i]) })
	}
	return p, nil
}

// pull returns 1 to max messages, when there are some. One caller at a time; what it gets is valid until the next call.
func (p *puller) pull(ctx context.Context, max int) ([]pulled, error) {
	if max < 1 {
		return nil, &InvalidError{Field: "max", Value: strconv.Itoa(max), Limit: "at least 1"}
	}
	for {
		messages, wait, err := p.step(max)
		if err != nil || len(messages) > 0 {
			return messages, err
		}
		p.patience.Reset(wait)
		select {
		case <-p.changed:
		case <-p.patience.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// step takes what has arrived or else sends the requests that are missing, and says how long nothing needs doing.
func (p *puller) step(max int) ([]pulled, time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, 0, ErrClosed
	}
	if taken := p.arrived.take(max); len(taken) > 0 {
		return taken, 0, nil
	}
	if p.failure != nil {
		return nil, 0, p.failure
	}
	now := time.Now()
	asked := 0
	for _, part := range p.parts {
		p.dropSilentLocked(part, now)
		asked += part.asked()
	}
	p.requestLocked(max, max-asked, now)
	wait := pullBeat
	for _, part := range p.parts {
		for _, r := range part.open {
			wait = min(wait, r.silent.Sub(now)+time.Millisecond)
		}
	}
	return nil, wait, nil
}

func (part *pullPart) asked() int {
	sum := 0
	for _, r := range part.open {
		sum += r.left
	}
	return sum
}

// dropSilentLocked gives requests up that the broker has stopped answering, and looks after the consumer.
func (p *puller) dropSilentLocked(part *pullPart, now time.Time) {
	kept := part.open[:0]
	for _, r := range part.open {
		if now.Before(r.silent) {
			kept = append(kept, r)
		}
	}
	if len(kept) < len(part.open) {
		p.repairLocked(part)
	}
	part.open = kept
}

// requestLocked asks for room more messages.
//
// One partition is simply waited for. Several share the room, and what waits in one must not be kept from a caller by
// requests that wait in vain in others. So those that may have something are asked without waiting, and only when all
// have said that they are empty are they waited for, with one message each; where there is less room than that, they
// take short turns.
//
// Where they have ranks, each round begins with the lowest: the next is asked when all of those before it have said that
// they are empty. So what is delivered is what was first in order at that moment, at the price of a question for each rank.
//
// Where there are buckets, too, a round divides the room among those of the lowest rank that may have something.
func (p *puller) requestLocked(max, room int, now time.Time) {
	if room <= 0 {
		return
	}
	if len(p.parts) == 1 {
		// A second request behind one that is nearly fulfilled, so that there is no pause between them.
		if part := p.parts[0]; !part.repairing && (len(part.open) == 0 || len(part.open) == 1 && room >= (max+1)/2) {
			p.sendLocked(part, room, pullRequest{Expires: pullExpires, Beat: pullBeat}, now)
		}
		return
	}
	var lively, empty []*pullPart
	probing := false
	p.turn++
	for k := range p.parts {
		part := p.parts[(p.turn+k)%len(p.parts)]
		switch {
		case part.repairing:
		case len(part.open) > 0:
			probing = probing || part.open[0].probe
		case part.empty:
			empty = append(empty, part)
		default:
			lively = append(lively, part)
		}
	}
	if p.ranked || p.shares != nil {
		if probing {
			return
		}
		lively = lowest(lively)
	}
	ask := func(part *pullPart, batch int) {
		p.sendLocked(part, batch, pullRequest{NoWait: true}, now)
		room -= batch
		probing = true
	}
	if p.shares != nil {
		p.shares.divide(room, lively, ask)
	} else {
		for k, part := range lively {
			if batch := ceilDiv(room, len(lively)-k); batch > 0 {
				ask(part, batch)
			}
		}
	}
	if probing {
		return
	}
	if p.shares != nil && len(empty) == len(p.parts) {
		p.shares.idle()
	}
	wait := sharedExpires
	if room <= len(p.parts) {
		wait = turnFor(len(p.parts))
	}
	for _, part := range empty[:min(room, len(empty))] {
		p.sendLocked(part, 1, pullRequest{Expires: wait}, now)
	}
}

// turnFor is how long a turn of one of so many partitions takes: of many less, so that each has its turn within a second.
func turnFor(parts int) time.Duration {
	return max(min(turnExpires, time.Second/time.Duration(parts)), minTurn)
}

// lowest are the parts with the lowest rank among them.
func lowest(parts []*pullPart) []*pullPart {
	if len(parts) == 0 {
		return nil
	}
	least := slices.MinFunc(parts, func(a, b *pullPart) int { return a.rank - b.rank }).rank
	return slices.DeleteFunc(parts, func(part *pullPart) bool { return part.rank > least })
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// pullRequest is what the broker is asked.
type pullRequest struct {
	Batch   int
	Expires time.Duration
	Beat    time.Duration
	NoWait  bool
}

// append writes it as the broker reads it.
func (r pullRequest) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"batch":`...), int64(r.Batch), 10)
	if r.Expires > 0 {
		b = strconv.AppendInt(append(b, `,"expires":`...), int64(r.Expires), 10)
	}
	if r.Beat > 0 {
		b = strconv.AppendInt(append(b, `,"idle_heartbeat":`...), int64(r.Beat), 10)
	}
	if r.NoWait {
		b = append(b, `,"no_wait":true`...)
	}
	return append(b, '}')
}

func (p *puller) sendLocked(part *pullPart, batch int, request pullRequest, now time.Time) {
	request.Batch = batch
	data := request.append(make([]byte, 0, 96))
	p.requests++
	r := openRequest{number: p.requests, left: batch, beats: request.Beat > 0, probe: request.NoWait}
	if r.silent = now.Add(request.Expires + answerSlack); r.beats {
		r.silent = now.Add(beatsMissed)
	}
	part.open = append(part.open, r)
	subject := apiRoot + "CONSUMER.MSG.NEXT." + part.stream + "." + part.config.Durable
	if err := p.nc.PublishRequest(subject, part.inbox+strconv.FormatUint(r.number, 10), data); err != nil && p.nc.IsClosed() {
		p.failure = fmt.Errorf("pull: %w: %w", ErrUnavailable, err)
	}
}

// receive takes one message or status from the broker. nats.go calls it, in order for each partition.
func (p *puller) receive(i int, m *nats.Msg) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part := p.parts[i]
	status := m.Header.Get("Status")
	if status == "" || len(m.Data) > 0 || m.Reply != "" && m.Reply[0] == '$' {
		p.messageLocked(i, part, m)
	} else {
		p.statusLocked(part, m, status)
	}
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *puller) messageLocked(i int, part *pullPart, m *nats.Msg) {
	at, ok := parsePlace(m.Reply)
	if !ok {
		return // published to our inbox by somebody else: nothing that could be acknowledged
	}
	p.arrived.add(pulled{msg: m, at: at, part: i, acker: &acker{broker: &p.broker, reply: m.Reply}, epoch: p.link.arrival()})
	part.empty, part.backlog = false, at.pending
	if p.shares != nil {
		p.shares.charge(part, m)
	}
	if p.ranked || p.shares != nil {
		p.newRoundLocked(part, at)
	}
	for k := range part.open {
		r := &part.open[k]
		if r.left--; r.left <= 0 {
			part.open = append(part.open[:k], part.open[k+1:]...)
		} else if r.beats {
			r.silent = time.Now().Add(beatsMissed)
		}
		return
	}
}

// newRoundLocked follows a delivery by a part: what waits elsewhere is to be asked for anew. Of buckets those that were found
// empty just now are left out, and the part itself if nothing is left in it. The broker does not count what it has to deliver
// again.
func (p *puller) newRoundLocked(by *pullPart, at place) {
	if p.shares == nil {
		for _, other := range p.parts {
			other.empty = false
		}
		return
	}
	now := time.Now()
	for _, other := range p.parts {
		if other.bucket == 0 && other.rank != by.rank || now.Sub(other.emptied) >= emptyFor {
			other.empty = false
		}
	}
	if at.pending == 0 && at.deliveries == 1 {
		by.empty, by.emptied = true, now
	}
}

// statusLocked handles 100 (still waiting), 404 and 408 (the request has ended), 409 (it has ended because of the
// consumer or the server) and 503 (nobody is there to answer).
func (p *puller) statusLocked(part *pullPart, m *nats.Msg, status string) {
	number := m.Subject[min(len(part.inbox), len(m.Subject)):]
	for k := range part.open {
		r := &part.open[k]
		if strconv.FormatUint(r.number, 10) != number {
			continue
		}
		if status == "100" {
			r.silent = time.Now().Add(beatsMissed)
			return
		}
		part.open = append(part.open[:k], part.open[k+1:]...)
		break
	}
	switch status {
	case "100":
	case "404", "408":
		part.empty = true
		if p.shares != nil {
			part.emptied, part.backlog = time.Now(), 0
		}
	default:
		p.repairLocked(part)
	}
}

// repairLocked looks after a consumer that does not answer as it should: it may have been deleted. Requests go on
// when that is settled. One repair at a time for each consumer.
func (p *puller) repairLocked(part *pullPart) {
	if part.repairing || p.closed {
		return
	}
	part.repairing = true
	part.open = nil
	i := slices.Index(p.parts, part)
	p.group.Go(func() {
		if at, ok := p.runRepair(part); ok {
			p.runOrphans(i, part, at)
		}
	})
}

// runRepair returns where the consumer is, when it found or created it.
func (p *puller) runRepair(part *pullPart) (at position, ok bool) {
	pause := newBackoff()
	for {
		epoch := p.link.current().epoch
		at, err := p.ensureConsumer(p.life, part.durable)
		if err == nil && part.lost != nil && part.lost(p.life) {
			at, err = p.resetConsumer(p.life, part.durable)
		}
		var different *ConfigurationError
		settled := err == nil || errors.As(err, &different) || p.nc.IsClosed()
		// A consumer that answers may still be without a leader for pulls, hence a pause in any case.
		select {
		case <-p.life.Done():
			settled = true
		case <-time.After(pause.NextBackOff()):
		}
		// What was found out before the connection was lost once more is of no use: renew has found a repair under way.
		if !settled || epoch != p.link.current().epoch && p.life.Err() == nil && !p.nc.IsClosed() {
			continue
		}
		p.mu.Lock()
		part.repairing, part.empty = false, false
		if err != nil && p.life.Err() == nil {
			p.failure = err
		}
		p.mu.Unlock()
		select {
		case p.changed <- struct{}{}:
		default:
		}
		return at, err == nil && p.life.Err() == nil
	}
}

// runKeeper keeps messages alive that have arrived and wait to be taken, and renews all requests after a reconnect: the
// broker may have forgotten them.
func (p *puller) runKeeper(every time.Duration) {
	connected := p.nc.StatusChanged(nats.CONNECTED)
	defer p.nc.RemoveStatusListener(connected)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-p.life.Done():
			return
		case _, ok := <-connected:
			if !ok {
				connected = nil // the connection was closed
				continue
			}
			p.renew()
		case <-tick.C:
			p.mu.Lock()
			for _, m := range p.arrived.waiting() {
				// A sign of life that is lost costs a redelivery.
				_ = m.acker.KeepAlive()
			}
			p.mu.Unlock()
		}
	}
}

func (p *puller) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.parts {
		p.repairLocked(part)
	}
}

// stop ends pulling, waits for what is on its way, and returns what was not taken. What the broker sends all the same
// comes back to it after AckWait.
func (p *puller) stop() []pulled {
	p.mu.Lock()
	p.closed = true
	parts := p.parts
	p.mu.Unlock()
	p.end()
	select {
	case p.changed <- struct{}{}:
	default:
	}
	p.group.Wait()
	p.awaitBacklog()
	for _, part := range parts {
		if err := part.sub.Drain(); err != nil {
			continue // the connection is closed, and with it the subscription
		}
		select {
		case <-part.gone:
		case <-time.After(answerSlack):
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.arrived.takeAll()
}

// awaitBacklog waits for what the broker is sure to be sending: an open request and a backlog. What is sent just when the
// subscription ends reaches nobody, and counts as a delivery all the same.
func (p *puller) awaitBacklog() {
	slack := time.NewTimer(answerSlack)
	defer slack.Stop()
	for p.expects() {
		select {
		case <-p.changed:
		case <-slack.C:
			return
		}
	}
}

func (p *puller) expects() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.parts {
		if part.backlog > 0 && len(part.open) > 0 {
			return true
		}
	}
	return false
}

// close is stop that hands back what was not taken.
func (p *puller) close() error {
	var errs []error
	for _, m := range p.stop() {
		errs = append(errs, m.acker.Nak(0))
	}
	if p.nc.IsConnected() && len(errs) > 0 {
		errs = append(errs, p.flush(answerSlack))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("hand back deliveries: %w", err)
	}
	return nil
}
