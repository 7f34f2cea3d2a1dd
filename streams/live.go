package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

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
	check := time.NewTicker(followCheck)
	defer check.Stop()
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
	r := recordOf(f.run, m.Header, m.Data)
	switch {
	case r == nil || r.Number > f.last+1:
		f.stale = true
	case r.Number == f.last+1:
		var errSeq, errTime error
		r.Seq, errSeq = strconv.ParseUint(m.Header.Get(headerSequence), 10, 64)
		r.Time, errTime = time.Parse(time.RFC3339Nano, m.Header.Get(headerTimestamp))
		if errSeq != nil || errTime != nil { // published by somebody else
			f.stale = true
			return
		}
		f.ready = append(f.ready, *r)
	}
}
