package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
)

// Follower delivers a run's records as they are committed.
type Follower interface {
	// Next returns the next record: each one exactly once, in order, without gap. It blocks until there is one, and
	// returns ctx's error when ctx ends first and ErrClosed after Close. One caller at a time.
	Next(ctx context.Context) (*Record, error)
	// Close ends the subscription and a blocked Next.
	Close() error
}

const (
	// followBuffer is how many live messages wait for Next; more are dropped, and read again.
	followBuffer = 64
	// followCheck is how often a follower reads, in case a live message was lost.
	followCheck = 5 * time.Second
)

// Follow delivers the records of a run with a number higher than after, those that exist and those to come. It costs
// the broker a core subscription, no consumer.
func (n *Namespace) Follow(ctx context.Context, run history.Run, after uint64) (Follower, error) {
	f := &follower{
		namespace: n, run: run, last: after, stale: true,
		live: make(chan *nats.Msg, followBuffer), done: make(chan struct{}),
	}
	err := checkRun(run)
	if err == nil {
		f.sub, err = n.nc.ChanSubscribe(liveSubject(n.name, run), f.live)
	}
	// The subscription is in force before the first read, which follows it on the same connection. Where another server
	// leads the stream it may learn of it later, and while the connection is down it is not in force: a gap in the
	// numbers, and the reads from time to time, find what was missed.
	if err != nil {
		return nil, fmt.Errorf("follow run %s: %w", run, err)
	}
	return f, nil
}

type follower struct {
	namespace *Namespace
	run       history.Run
	sub       *nats.Subscription
	live      chan *nats.Msg

	closing sync.Once
	done    chan struct{}

	// Of the one caller of Next:
	last  uint64   // number of the last record returned
	ready []Record // read and not yet returned
	stale bool     // there may be records that no live message will tell of
}

func (f *follower) Close() error {
	var err error
	f.closing.Do(func() {
		close(f.done)
		if f.sub == nil {
			return
		}
		if err = f.sub.Unsubscribe(); errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription) {
			err = nil
		}
	})
	return err
}

func (f *follower) Next(ctx context.Context) (*Record, error) {
	var check *time.Ticker // made when there is something to wait for
	defer func() {
		if check != nil {
			check.Stop()
		}
	}()
	for {
		select {
		case <-f.done:
			return nil, ErrClosed
		default:
		}
		if len(f.ready) > 0 {
			r := f.ready[0]
			f.ready = f.ready[1:]
			f.last = r.Number
			return &r, nil
		}
		if f.stale {
			loaded, err := f.namespace.load(ctx, f.run, f.last)
			if err != nil {
				return nil, fmt.Errorf("follow run %s: %w", f.run, err)
			}
			f.ready, f.stale = loaded.Records, false
			continue
		}
		select {
		case m, ok := <-f.live:
			if !ok {
				return nil, ErrClosed
			}
			f.receive(m)
			continue
		default:
		}
		if check == nil {
			check = time.NewTicker(followCheck)
		}
		select {
		case m, ok := <-f.live:
			if !ok {
				return nil, ErrClosed
			}
			f.receive(m)
		case <-check.C:
			f.stale = true
		case <-f.done:
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// receive takes a live message: the next record is ready, an old one is forgotten, and anything else, junk included,
// is a reason to read.
func (f *follower) receive(m *nats.Msg) {
	r := liveRecord(f.run, m)
	switch {
	case r == nil || r.Number > f.last+1:
		f.stale = true
	case r.Number == f.last+1 && m.Header.Get(headerBatchID) != "":
		// Members of a batch are sent live before the batch is flushed to disk. A read waits for that.
		f.stale = true
	case r.Number == f.last+1:
		f.ready = append(f.ready, *r)
	}
}

// liveRecord is the record in a live message, nil for what is none or was published by somebody else than the broker.
func liveRecord(run history.Run, m *nats.Msg) *Record {
	seq, errSeq := strconv.ParseUint(stamp(m.Header, headerSequence), 10, 64)
	stored, errTime := time.Parse(time.RFC3339Nano, stamp(m.Header, headerTimestamp))
	if errSeq != nil || errTime != nil {
		return nil
	}
	r := recordOf(run, m.Header, m.Data)
	if r != nil {
		r.Seq, r.Time = seq, stored
	}
	return r
}

// AwaitClosed waits until the run has closed and says how. It costs the broker a core subscription and a read, and
// another read every five seconds; records that do not close the run are not decoded.
func (n *Namespace) AwaitClosed(ctx context.Context, run history.Run) (*ClosedRun, error) {
	live := make(chan *nats.Msg, followBuffer)
	err := checkRun(run)
	var sub *nats.Subscription
	if err == nil {
		sub, err = n.nc.ChanSubscribe(liveSubject(n.name, run), live)
	}
	if err != nil {
		return nil, fmt.Errorf("await the end of run %s: %w", run, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only on a connection that is closed
	check := time.NewTicker(followCheck)
	defer check.Stop()
	for {
		// What is said of Follow's first read holds here.
		closed, err := RunClosed(ctx, n, run)
		if err != nil || closed != nil {
			return closed, err
		}
		record, err := awaitEnd(ctx, run, live, check.C)
		if err != nil {
			return nil, err
		}
		if record == nil {
			continue
		}
		t, err := TransitionOf(ctx, n, record)
		if err != nil {
			return nil, err
		}
		if closed = closedBy(t); closed != nil {
			return closed, nil
		}
	}
}

// awaitEnd waits for a live message whose header says that the run is not running any more, and returns its record. Nil
// is a reason to read.
func awaitEnd(ctx context.Context, run history.Run, live <-chan *nats.Msg, check <-chan time.Time) (*Record, error) {
	for {
		select {
		case m, ok := <-live:
			if !ok {
				return nil, ErrClosed
			}
			if status, _ := textIn(m.Header, headerStatus); status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING.String() {
				continue
			}
			return liveRecord(run, m), nil
		case <-check:
			return nil, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
