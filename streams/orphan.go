package streams

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// Orphans. A work queue removes a message when it is acknowledged, and its consumer notes the acknowledgement; a
// server that is killed may have written down the note and not the removal. The message is then stored although its
// consumer has done with it: it is never delivered and never removed. A single server does not look for such messages,
// so we do, whenever a consumer is opened or the connection comes back. Those below the consumer's ack floor are found at
// once, those between the floor and what was delivered by then when the floor has passed them.
//
// They are delivered once more rather than removed. Receivers have to tolerate a delivery after the acknowledgement
// anyway, they know whether the message is done with, and should a server that lost the end of a stream give the
// sequences below the floor to new messages, those are delivered too.

const (
	// maxOrphans bounds how many are taken at a time; those beyond wait for the next time.
	maxOrphans = 1000
	// maxOrphanPause bounds the time between two looks at a floor that something holds back.
	maxOrphanPause = 5 * time.Minute
	// orphanDeliveries is the delivery count of an orphan: receivers must look whether the message is done with.
	orphanDeliveries = 2
)

// position is how far a consumer has come in its stream: everything up to floor is acknowledged, nothing beyond
// delivered was ever delivered.
type position struct{ floor, delivered uint64 }

// runOrphans looks for orphans until the ack floor has passed what had been delivered at first, or until a later
// search takes over.
func (p *puller) runOrphans(i int, part *pullPart, at position) {
	if !part.workQueue {
		return
	}
	p.mu.Lock()
	part.search++
	search := part.search
	p.mu.Unlock()
	end, pause := at.delivered, part.config.AckWait
	for {
		p.deliverOrphans(i, part, at.floor)
		if at.floor >= end {
			return
		}
		select {
		case <-p.life.Done():
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, maxOrphanPause)
		p.mu.Lock()
		superseded := part.search != search
		p.mu.Unlock()
		if superseded {
			return
		}
		// Without an answer, the next time or the next reconnection brings another occasion.
		if now, err := p.ensureConsumer(p.life, part.durable); err == nil {
			at = now
		}
	}
}

// deliverOrphans puts what lies below the ack floor of a work queue's consumer among what has arrived. It reads one
// message more than there are.
func (p *puller) deliverOrphans(i int, part *pullPart, floor uint64) {
	next := uint64(1)
	for range maxOrphans {
		if next > floor {
			return
		}
		m, err := p.get(p.life, part.stream, getRequest{Seq: next, Next: part.config.FilterSubject})
		if err != nil || m.seq > floor {
			return
		}
		p.mu.Lock()
		inHand := part.orphans[m.seq]
		part.orphans[m.seq] = true
		p.mu.Unlock()
		if !inHand {
			p.arrive(newOrphan(p, i, part.stream, m))
		}
		next = m.seq + 1
	}
}

func newOrphan(p *puller, i int, stream string, m *stored) pulled {
	orphan := pulled{
		msg:  &nats.Msg{Subject: m.subject, Header: m.ownHeader(), Data: m.data},
		at:   place{stream: stream, seq: m.seq, deliveries: orphanDeliveries, published: m.time},
		part: i, epoch: p.link.arrival(),
	}
	orphan.acker = &orphanAcker{puller: p, message: orphan}
	return orphan
}

// arrive adds a message to what waits for pull.
func (p *puller) arrive(m pulled) {
	p.mu.Lock()
	if !p.closed {
		p.arrived.add(m)
	}
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// orphanAcker answers the delivery of a message that the broker believes to be acknowledged: nothing needs to be
// prolonged, and an acknowledgement removes the message.
type orphanAcker struct {
	puller  *puller
	message pulled // without its acker
}

func (a *orphanAcker) Ack(ctx context.Context) error { return a.AckSync(ctx) }

func (a *orphanAcker) AckSync(ctx context.Context) error {
	err := a.remove(ctx)
	if err == nil {
		a.puller.mu.Lock()
		delete(a.puller.parts[a.message.part].orphans, a.message.at.seq)
		a.puller.mu.Unlock()
	}
	return err
}

func (a *orphanAcker) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ackBudget)
	defer cancel()
	return a.puller.remove(ctx, a.message.at.stream, a.message.at.seq)
}

// Nak delivers the message again to the same receiver, unless that was closed in the meantime.
func (a *orphanAcker) Nak(delay time.Duration) error {
	p, m := a.puller, a.message
	m.acker = a
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.group.Go(func() {
		select {
		case <-time.After(delay):
			p.arrive(m)
		case <-p.life.Done():
		}
	})
	return nil
}

func (a *orphanAcker) InProgress(context.Context) error { return nil }

func (a *orphanAcker) KeepAlive() error { return nil }
