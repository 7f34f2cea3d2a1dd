package streams

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// handlersAtOnce bounds the requests that one server of queries or intake handles at a time; more wait.
	handlersAtOnce = 64
	// queryTimeout bounds a query whose context has no deadline.
	queryTimeout = 60 * time.Second
	// servers is the queue group of whoever answers requests: each request reaches one of them.
	servers = "millrace"
)

// ServeQueries answers queries for the runs of a queue, together with everyone else who does: each query reaches one.
// handle is called concurrently, in a goroutine of its own, with a context that stop cancels; an empty answer is sent
// as such. stop returns when all calls of handle have returned; it may be called more than once.
func (n *Namespace) ServeQueries(queue, build string, handle func(ctx context.Context, data []byte) []byte) (stop func(), err error) {
	if err := errors.Join(CheckTaskQueue(queue), checkBuild(build)); err != nil {
		return nil, fmt.Errorf("serve queries: %w", err)
	}
	stop, err = n.serve(querySubject(n.name, queue, build), func(ctx context.Context, m *nats.Msg) []byte {
		return handle(ctx, m.Data)
	})
	if err != nil {
		return nil, fmt.Errorf("serve queries of queue %s: %w", queue, err)
	}
	return stop, nil
}

// serve answers requests on a subject until stop is called.
func (b broker) serve(subject string, handle func(ctx context.Context, m *nats.Msg) []byte) (stop func(), err error) {
	life, cancel := context.WithCancel(context.Background())
	slots := make(chan struct{}, handlersAtOnce)
	var mu sync.Mutex // guards group against a message that arrives while stop waits
	var group sync.WaitGroup
	sub, err := b.nc.QueueSubscribe(subject, servers, func(m *nats.Msg) {
		select {
		case slots <- struct{}{}:
		case <-life.Done():
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if life.Err() != nil {
			return
		}
		group.Go(func() {
			defer func() { <-slots }()
			// An answer that cannot be sent is one that the asker does not get: it will ask again.
			_ = m.Respond(handle(life, m))
		})
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return func() {
		mu.Lock()
		cancel()
		mu.Unlock()
		_ = sub.Unsubscribe() // fails only on a connection that is closed, or the second time
		group.Wait()
	}, nil
}

// Query asks whoever serves the queries of a queue and returns the answer. ErrUnavailable means that nobody serves it,
// or that no answer came before ctx, or a minute, ended. It asks once.
func (n *Namespace) Query(ctx context.Context, queue, build string, data []byte) ([]byte, error) {
	err := errors.Join(CheckTaskQueue(queue), checkBuild(build))
	var answer *nats.Msg
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, queryTimeout)
		defer cancel()
		answer, err = n.askProcess(ctx, &nats.Msg{Subject: querySubject(n.name, queue, build), Data: data}, 0)
	}
	var unanswered *unansweredError
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("query queue %s: %w: nobody serves it", queue, ErrUnavailable)
	case errors.As(err, &unanswered):
		return nil, fmt.Errorf("query queue %s: %w: %w", queue, ErrUnavailable, err)
	case err != nil:
		return nil, fmt.Errorf("query queue %s: %w", queue, err)
	}
	return answer.Data, nil
}
