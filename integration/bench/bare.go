package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/streams"
)

// bareSystem asks of the broker what a run asks of it, and does nothing else: the same publishes, conditional appends,
// deliveries and acknowledgements on the same streams, with bodies of 150 bytes. It has no goroutine of its own: every
// answer of the broker is handled where nats.go delivers it and leads to the next publish, so that nothing ever waits
// for one answer while another could travel. One connection carries everything: a second one, for whoever starts runs,
// costs a tenth more CPU time, and one for each lane gains nothing.
type bareSystem struct {
	namespace  string
	partitions int
	// eager does each activity where its transition was decided: no task, no result message.
	eager bool

	conn *bareConn
	// failed ends with the first thing that a broker refused.
	failed context.Context
	fail   context.CancelCauseFunc

	mu   sync.Mutex // guards runs
	runs map[string]*bareRun
}

// The bodies are as large as a record of a one-activity run. The first byte of a closing record tells it from others.
const bareSize = 150

var bareBody, bareClosing = []byte("b" + strings.Repeat("x", bareSize-1)), []byte("c" + strings.Repeat("x", bareSize-1))

func bareQueue() contestant { return bareContestant("queue", false) }
func bareEager() contestant { return bareContestant("eager", true) }

func bareContestant(name string, eager bool) contestant {
	return contestant{name: name, open: func(ctx context.Context, g *ground, namespace string) (system, error) {
		s, err := openBare(ctx, g, namespace, eager)
		if err != nil {
			return nil, err
		}
		if err := s.consume(); err != nil {
			return nil, errors.Join(err, s.close())
		}
		return s, nil
	}}
}

// openBare opens a bare system that stores starts and does not yet consume them.
func openBare(ctx context.Context, g *ground, namespace string, eager bool) (*bareSystem, error) {
	s := &bareSystem{namespace: namespace, partitions: g.partitions, eager: eager, runs: map[string]*bareRun{}}
	s.failed, s.fail = context.WithCancelCause(ctx)
	nc, err := g.connect()
	if err != nil {
		return nil, err
	}
	if s.conn, err = newBareConn(nc, s.fail); err == nil {
		// One subscription sees the ends of all runs.
		_, err = nc.Subscribe("millrace."+namespace+".live.*.*", s.onRecord)
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return s, nil
}

// consume begins to work on what is stored.
func (s *bareSystem) consume() error {
	for p := range s.partitions {
		prefix := s.prefix(p)
		for _, lane := range []struct {
			stream, filter string
			handle         func(*nats.Msg)
		}{
			{"HISTORY", prefix + "run.*.*.start.bench.-", s.onStart},
			{"TASKS", prefix + "task.bench.>", s.onTask},
			{"INBOX", prefix + "inbox.bench.-.>", s.onMessage},
		} {
			stream := fmt.Sprintf("MILLRACE_%s_%d_%s", s.namespace, p, lane.stream)
			if err := startPull(s.conn.nc, stream, lane.filter, lane.handle); err != nil {
				return fmt.Errorf("consume %s: %w", stream, err)
			}
		}
	}
	return nil
}

func (s *bareSystem) prefix(partition int) string {
	return "millrace." + s.namespace + "." + strconv.Itoa(partition) + "."
}

func (s *bareSystem) do(ctx context.Context, id string, j job) error {
	r := s.newRun(id, j)
	defer s.forget(r)
	started := r.start()
	if j.signals > 0 {
		// Whoever signals a run knows that it has been started.
		if err := s.await(ctx, started); err != nil {
			return err
		}
		if err := r.signal(ctx, s); err != nil {
			return err
		}
	}
	return s.await(ctx, r.ended)
}

func (s *bareSystem) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-s.failed.Done():
		return context.Cause(s.failed)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// runAt finds the run whose ID is the token at position i of a subject.
func (s *bareSystem) runAt(subject string, i int) *bareRun {
	for ; i > 0; i-- {
		subject = subject[strings.IndexByte(subject, '.')+1:]
	}
	id, _, _ := strings.Cut(subject, ".")
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[id]
}

func (s *bareSystem) onStart(m *nats.Msg) {
	if r := s.runAt(m.Subject, 4); r != nil {
		r.begin(m)
	}
}

// onTask answers a task as a worker does: the result first, the acknowledgement when that is durable.
func (s *bareSystem) onTask(m *nats.Msg) {
	if r := s.runAt(m.Subject, 7); r != nil {
		activity := m.Subject[strings.LastIndexByte(m.Subject, '.')+1:]
		s.conn.publish(r.inbox+"a"+activity, nil, bareBody, func(uint64) { s.ack(m) })
	}
}

func (s *bareSystem) onMessage(m *nats.Msg) {
	if r := s.runAt(m.Subject, 6); r != nil {
		r.receive(m)
	}
}

func (s *bareSystem) onRecord(m *nats.Msg) {
	if m.Data[0] != bareClosing[0] {
		return
	}
	if r := s.runAt(m.Subject, 3); r != nil {
		close(r.ended)
	}
}

// ack acknowledges a delivery, without waiting for a confirmation. An empty message is the shortest acknowledgement.
func (s *bareSystem) ack(m *nats.Msg) {
	if err := s.conn.nc.Publish(m.Reply, nil); err != nil {
		s.fail(err)
	}
}

func (s *bareSystem) cpu() time.Duration { return 0 }

func (s *bareSystem) close() error {
	s.conn.nc.Close()
	return nil
}

func (s *bareSystem) newRun(id string, j job) *bareRun {
	prefix := s.prefix(streams.PartitionOf(id, s.partitions))
	tree := prefix + "run." + id + ".r."
	r := &bareRun{system: s, id: id, job: j, left: j.units(), ended: make(chan struct{}),
		lane: tree + "history", inbox: prefix + "inbox.bench.-." + id + ".r.", task: prefix + "task.bench.-.-." + id + ".r.",
		first: tree + "start.bench.-", starts: prefix + "run." + id + ".*.start.>"}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[id] = r
	return r
}

func (s *bareSystem) forget(r *bareRun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, r.id)
}
