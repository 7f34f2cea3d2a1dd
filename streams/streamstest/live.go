package streamstest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// follower delivers the records of a run with a number above after.
type follower struct {
	model *Model
	run   history.Run
	after uint64

	closing sync.Once
	closed  chan struct{}
}

// Follow delivers the records of a run with a number higher than after, those that exist and those to come.
func (m *Model) Follow(ctx context.Context, run history.Run, after uint64) (streams.Follower, error) {
	if err := m.do(ctx, OpFollow, run, func(Fault) error { return nil }); err != nil {
		return nil, err
	}
	return &follower{model: m, run: run, after: after, closed: make(chan struct{})}, nil
}

// Next blocks until there is another record, ctx ends or the follower is closed.
func (f *follower) Next(ctx context.Context) (*streams.Record, error) {
	for {
		r, changed := f.take()
		if r != nil {
			return r, nil
		}
		select {
		case <-changed:
		case <-f.closed:
			return nil, streams.ErrClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *follower) take() (*streams.Record, <-chan struct{}) {
	f.model.mu.Lock()
	defer f.model.mu.Unlock()
	for _, s := range f.model.history.bySubject[recordsOf(f.run)] {
		if r := record(s); !r.Junk && r.Number > f.after {
			f.after = r.Number
			return &r, nil
		}
	}
	return nil, f.model.history.wait(kindRecord)
}

// Close ends the follower.
func (f *follower) Close() error {
	f.closing.Do(func() { close(f.closed) })
	return nil
}

type listener struct {
	handle func(runID string, record []byte)
}

// NotifyClosed tells the listeners of a waiter that a run closed. handle runs on the goroutine of the caller; no hook is
// asked, because a notice may be lost anyway.
func (m *Model) NotifyClosed(run history.Run, waiter string, record []byte) error {
	err := streams.CheckWaiter(waiter)
	if waiter == "" {
		err = &streams.InvalidError{Field: "waiter", Limit: "not empty"}
	}
	if err != nil {
		return fmt.Errorf("notify of the close of run %s: %w", run, err)
	}
	m.tell(waiter, run.RunID, record)
	return nil
}

func (m *Model) tell(waiter, key string, data []byte) {
	m.mu.Lock()
	listeners := slices.Clone(m.listeners[waiter])
	m.mu.Unlock()
	for _, l := range listeners {
		l.handle(key, slices.Clone(data))
	}
}

// Answer tells the listeners of a waiter what became of a request.
func (m *Model) Answer(waiter, key string, data []byte) error {
	err := streams.CheckWaiter(waiter)
	if waiter == "" {
		err = &streams.InvalidError{Field: "waiter", Limit: "not empty"}
	}
	if err != nil {
		return fmt.Errorf("answer request %q: %w", key, err)
	}
	m.tell(waiter, key, data)
	return nil
}

// ListenClosed calls handle with what NotifyClosed sends to a waiter, until stop is called; then ended is called once.
func (m *Model) ListenClosed(waiter string, handle func(runID string, record []byte), ended func()) (stop func(), err error) {
	if err := streams.CheckWaiter(waiter); err != nil {
		return nil, fmt.Errorf("listen for closed runs: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := &listener{handle}
	m.listeners[waiter] = append(m.listeners[waiter], l)
	return sync.OnceFunc(func() {
		m.mu.Lock()
		m.listeners[waiter] = slices.DeleteFunc(m.listeners[waiter], func(o *listener) bool { return o == l })
		m.mu.Unlock()
		ended()
	}), nil
}

type queryHandler struct {
	handle func(ctx context.Context, data []byte) []byte
}

// ServeQueries answers the queries of a queue until stop is called. handle runs on the goroutine of the asker.
func (m *Model) ServeQueries(queue, build string, handle func(ctx context.Context, data []byte) []byte) (stop func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name, h := durableName{queue: queue, build: build}, &queryHandler{handle}
	m.handlers[name] = append(m.handlers[name], h)
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.handlers[name] = slices.DeleteFunc(m.handlers[name], func(o *queryHandler) bool { return o == h })
	}, nil
}

// Query asks one of those that answer the queries of a queue.
func (m *Model) Query(ctx context.Context, queue, build string, data []byte) (answer []byte, err error) {
	var h *queryHandler
	err = m.do(ctx, OpQuery, history.Run{}, func(Fault) error {
		if all := m.handlers[durableName{queue: queue, build: build}]; len(all) > 0 {
			h = all[len(all)-1]
			return nil
		}
		return fmt.Errorf("nobody answers queries of queue %q: %w", queue, streams.ErrUnavailable)
	})
	if err != nil {
		return nil, err
	}
	return h.handle(ctx, slices.Clone(data)), nil
}

// PutDeadLetter stores what could not be used. A letter with the ID of one that is stored is not stored again.
func (m *Model) PutDeadLetter(ctx context.Context, d streams.DeadLetter) error {
	return m.do(ctx, OpPutDeadLetter, d.Run, func(Fault) error {
		known := func(o streams.DeadLetter) bool { return d.ID != "" && o.ID == d.ID }
		if slices.ContainsFunc(m.letters, known) {
			return nil
		}
		d.Seq, d.Time = uint64(len(m.letters)+1), m.now()
		m.letters = append(m.letters, d)
		return nil
	})
}

// DeadLetters yields up to limit dead letters (0: all), the newest first.
func (m *Model) DeadLetters(ctx context.Context, limit int) iter.Seq2[streams.DeadLetter, error] {
	return func(yield func(streams.DeadLetter, error) bool) {
		var letters []streams.DeadLetter
		err := m.do(ctx, OpDeadLetters, history.Run{}, func(Fault) error {
			letters = slices.Clone(m.letters)
			return nil
		})
		if err != nil {
			yield(streams.DeadLetter{}, err)
			return
		}
		slices.Reverse(letters)
		if limit > 0 && limit < len(letters) {
			letters = letters[:limit]
		}
		for _, d := range letters {
			if !yield(d, nil) {
				return
			}
		}
	}
}
