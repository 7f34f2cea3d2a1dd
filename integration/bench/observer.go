package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/api/enums"
)

// observer sees the records of all runs of a namespace as they are committed.
type observer struct {
	nc *nats.Conn
	mu sync.Mutex // guards the rest
	// closed is when the closing record was stored, by the server's clock, which is ours; seen is when it arrived here.
	closed, seen map[string]time.Time
	// progress is replaced with every record, after the old one was closed.
	progress chan struct{}
	total    int
}

// observe begins to observe on a connection of its own.
func observe(g *ground, namespace string) (*observer, error) {
	nc, err := g.connect()
	if err != nil {
		return nil, err
	}
	o := &observer{nc: nc, closed: map[string]time.Time{}, seen: map[string]time.Time{},
		progress: make(chan struct{})}
	sub, err := nc.Subscribe("millrace."+namespace+".live.*.*", o.receive)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return o, nil
}

func (o *observer) receive(m *nats.Msg) {
	now := time.Now()
	id := strings.Split(m.Subject, ".")[3]
	status := m.Header.Get("Millrace-Status")
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total++
	if status != "" && status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING.String() {
		o.seen[id] = now
		o.closed[id], _ = time.Parse(time.RFC3339Nano, m.Header.Get("Nats-Time-Stamp"))
	}
	close(o.progress)
	o.progress = make(chan struct{})
}

// await returns when ready, which is called under the observer's lock after every record, says so.
func (o *observer) await(ctx context.Context, ready func() bool) error {
	for {
		o.mu.Lock()
		done, next := ready(), o.progress
		o.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// awaitRecords returns when n records have arrived, awaitClosed when n runs have closed.
func (o *observer) awaitRecords(ctx context.Context, n int) error {
	return o.await(ctx, func() bool { return o.total >= n })
}

func (o *observer) awaitClosed(ctx context.Context, n int) error {
	return o.await(ctx, func() bool { return len(o.closed) >= n })
}

func (o *observer) close() { o.nc.Close() }

// count is how many records have arrived.
func (o *observer) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.total
}
