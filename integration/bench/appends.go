package main

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
)

// appendSystem makes one conditional append to one stream for each run, and waits for it: what a writer gets from the
// broker where every write is flushed.
type appendSystem struct {
	nc     *nats.Conn
	conn   *bareConn
	prefix string
	failed context.Context
}

func appends() contestant {
	return contestant{name: "appends", open: func(ctx context.Context, g *ground, namespace string) (system, error) {
		nc, err := g.connect()
		if err != nil {
			return nil, err
		}
		s := &appendSystem{nc: nc, prefix: "millrace." + namespace + ".0.run."}
		failed, fail := context.WithCancelCause(ctx)
		s.failed = failed
		if s.conn, err = newBareConn(nc, fail); err != nil {
			return nil, errors.Join(err, s.close())
		}
		return s, nil
	}}
}

func (s *appendSystem) do(ctx context.Context, id string, _ job) error {
	stored := make(chan struct{})
	s.conn.publish(s.prefix+id+".r.history", expect(0, ""), bareBody, func(uint64) { close(stored) })
	select {
	case <-stored:
		return nil
	case <-s.failed.Done():
		return context.Cause(s.failed)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *appendSystem) cpu() time.Duration { return 0 }

func (s *appendSystem) close() error {
	s.nc.Close()
	return nil
}
