package client

import (
	"container/list"
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"
)

// Whoever closes a run that was started here tells this client so, on one subscription for all of them. That costs a
// message a run, where following each run costs the broker a subscription a run. A notice may be lost, and a run may take
// long: Get waits for one for a second at most and follows the run then.
//
// A notice takes about 300 bytes until it has come or is forgotten. Those that nobody waits for are bounded by
// maxIdleNotices, so 3 MB, and the records in notices that came by maxIdleRecord for each handle on a run; those that
// callers of Get wait for are as many as these.
const (
	// maxIdleNotices bounds the notices that are expected while nobody waits for them; the oldest is forgotten first.
	maxIdleNotices = 10_000
	// maxIdleRecord is the size in bytes up to which a closing record is kept that nobody waits for. Get reads a larger
	// one.
	maxIdleRecord = 4 << 10
	// noticeTick is half of the longest time that Get waits for a notice.
	noticeTick = 500 * time.Millisecond
)

// listenFunc is ListenClosed of a namespace.
type listenFunc func(waiter string, handle func(runID string, record []byte), ended func()) (stop func(), err error)

// notices are the ends of runs that a client has been told of, or will be.
type notices struct {
	listen listenFunc
	// waiter is the token to which this client is told. It is random, so that no other is told the same.
	waiter string
	// limit is maxIdleNotices.
	limit int

	mu       sync.Mutex // guards the rest, and the fields of each notice
	state    listening
	stop     func()
	expected map[string]*notice // by run ID, those that have not come
	idle     *list.List         // of *notice, those that nobody waits for, the oldest first
	waiting  int                // calls of await that wait

	// Whoever begins to wait gives up when later is closed. A tick, while somebody waits, closes soon and lets later
	// follow it: no wait needs a timer of its own.
	soon, later chan struct{}
	ticker      *time.Timer
	ticking     bool
}

type listening int

const (
	notListening listening = iota
	isListening
	// listenedEnough is the state after close, or after the end of the connection.
	listenedEnough
)

// notice is what a client knows of the end of one run.
type notice struct {
	runID string
	// settled is closed when the notice has come, and when it is forgotten.
	settled chan struct{}

	place   *list.Element // in idle, nil when it is not
	waiting int
	// record is the closing record, nil until it comes, and when it is not kept.
	record []byte
}

// isSettled says whether the notice has come, or will not.
func (n *notice) isSettled() bool {
	select {
	case <-n.settled:
		return true
	default:
		return false
	}
}

func newNotices(listen listenFunc) *notices {
	var token [12]byte
	_, _ = rand.Read(token[:]) // never fails
	return &notices{
		listen: listen, waiter: base64.RawURLEncoding.EncodeToString(token[:]), limit: maxIdleNotices,
		expected: make(map[string]*notice), idle: list.New(),
		soon: make(chan struct{}), later: make(chan struct{}),
	}
}

// expect returns the notice of a run's end, which must not have been started yet, or else be looked at after this call.
// It is nil when notices cannot be had: the run has to be followed.
func (s *notices) expect(runID string) *notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == notListening {
		stop, err := s.listen(s.waiter, s.deliver, s.end)
		if err != nil {
			return nil // what comes next on this connection fails as well, and says so
		}
		s.state, s.stop = isListening, stop
	}
	if s.state != isListening {
		return nil
	}
	if n := s.expected[runID]; n != nil {
		return n
	}
	n := &notice{runID: runID, settled: make(chan struct{})}
	s.expected[runID] = n
	s.restLocked(n)
	return n
}

// restLocked makes n one that nobody waits for.
func (s *notices) restLocked(n *notice) {
	n.place = s.idle.PushBack(n)
	if s.idle.Len() > s.limit {
		s.settleLocked(s.idle.Front().Value.(*notice))
	}
}

// settleLocked ends the expectation of n. The record, if there is one, is set before.
func (s *notices) settleLocked(n *notice) {
	delete(s.expected, n.runID)
	if n.place != nil {
		s.idle.Remove(n.place)
		n.place = nil
	}
	close(n.settled)
}

// deliver takes a notice that came. One that is not expected is forgotten, or another's.
func (s *notices) deliver(runID string, record []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.expected[runID]
	if n == nil {
		return
	}
	if n.waiting > 0 || len(record) <= maxIdleRecord {
		n.record = record
	}
	s.settleLocked(n)
}

// forget ends the expectation of a run that was not started, or is known to have ended.
func (s *notices) forget(n *notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expected[n.runID] == n {
		s.settleLocked(n)
	}
}

// await waits for the notice and returns the closing record. It returns nil when the run must be looked at instead:
// after a second at most, and when the notice is forgotten, was too large to be kept, or will not come any more. The
// error is the context's.
func (s *notices) await(ctx context.Context, n *notice) ([]byte, error) {
	overdue := s.beginWait(n)
	select {
	case <-n.settled:
	case <-overdue:
	case <-ctx.Done():
	}
	record := s.endWait(n)
	if record == nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return record, nil
}

// beginWait returns what is closed when the wait must end.
func (s *notices) beginWait(n *notice) (overdue <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n.waiting++
	s.waiting++
	if n.place != nil {
		s.idle.Remove(n.place)
		n.place = nil
	}
	if !s.ticking && s.state == isListening {
		s.ticking = true
		if s.ticker == nil {
			s.ticker = time.AfterFunc(noticeTick, s.tick)
		} else {
			s.ticker.Reset(noticeTick)
		}
	}
	return s.later
}

func (s *notices) endWait(n *notice) (record []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	record = n.record
	n.waiting--
	s.waiting--
	if n.waiting > 0 {
		return record
	}
	if len(record) > maxIdleRecord {
		n.record = nil
	}
	if s.expected[n.runID] == n {
		s.restLocked(n)
	}
	return record
}

// tick ends the waits that began before the last tick.
func (s *notices) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != isListening {
		return
	}
	close(s.soon)
	s.soon, s.later = s.later, make(chan struct{})
	if s.ticking = s.waiting > 0; s.ticking {
		s.ticker.Reset(noticeTick)
	}
}

// end settles all that is expected: no notice will come any more.
func (s *notices) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == listenedEnough {
		return
	}
	s.state = listenedEnough
	for _, n := range s.expected {
		s.settleLocked(n)
	}
	close(s.soon)
	close(s.later)
	if s.ticker != nil {
		s.ticker.Stop()
	}
}

// close ends the subscription, and with it every wait.
func (s *notices) close() {
	s.mu.Lock()
	stop := s.stop
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
	s.end()
}
