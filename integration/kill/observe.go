package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// broker reads what is stored without the engine's own readers: those follow a run's chain of records, and would not
// see what stands beside it.
type broker struct {
	conn *nats.Conn
	js   jetstream.JetStream
	ns   *streams.Namespace
}

func openBroker(ctx context.Context, url string) (*broker, error) {
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	b := &broker{conn: nc}
	if b.js, err = jetstream.New(nc); err == nil {
		b.ns, err = streams.Open(ctx, nc, client.DefaultNamespace)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return b, nil
}

func (b *broker) close() { b.conn.Close() }

// streamOf is the name of a stream of the only partition.
func streamOf(name string) string { return "MILLRACE_" + client.DefaultNamespace + "_0_" + name }

// scan calls each with every message of a stream whose subject fits.
func (b *broker) scan(ctx context.Context, stream, filter string, each func(subject string, seq uint64, data []byte) error) error {
	s, err := b.js.Stream(ctx, streamOf(stream))
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	left := uint64(0)
	for _, n := range info.State.Subjects {
		left += n
	}
	if left == 0 {
		return nil
	}
	c, err := b.js.OrderedConsumer(ctx, streamOf(stream), jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	messages, err := c.Messages()
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	defer messages.Stop()
	for ; left > 0; left-- {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("read stream %s: %d messages are missing: %w", stream, left, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read stream %s: %w", stream, err)
		}
		if err := each(m.Subject(), meta.Sequence.Stream, m.Data()); err != nil {
			return err
		}
	}
	return nil
}

// observe reads everything: the lanes message by message, and again as the engine loads them.
func (b *broker) observe(ctx context.Context, ledgers string) (*observation, error) {
	o := &observation{Starts: map[string][]string{}, Lanes: map[history.Run][]storedRecord{}, Loaded: map[history.Run]int{}}
	entries, err := readLedgers(ledgers)
	if err != nil {
		return nil, err
	}
	o.Executions = countExecutions(entries)
	for start, err := range b.ns.ListStarts(ctx, streams.StartFilter{}) {
		if err != nil {
			return nil, fmt.Errorf("list starts: %w", err)
		}
		run := start.Run.Run
		o.Starts[run.WorkflowID] = append(o.Starts[run.WorkflowID], run.RunID)
	}
	// A subject of records is millrace.<namespace>.<partition>.run.<workflow ID>.<run ID>.history.
	err = b.scan(ctx, "HISTORY", "millrace.*.*.run.*.*.history", func(subject string, seq uint64, data []byte) error {
		tokens := strings.Split(subject, ".")
		id, err := streams.DecodeToken(tokens[4])
		if err != nil {
			return fmt.Errorf("subject %s: %w", subject, err)
		}
		run := history.Run{WorkflowID: id, RunID: tokens[5]}
		r := storedRecord{Seq: seq}
		r.Transition, r.Err = history.DecodeTransition(data)
		o.Lanes[run] = append(o.Lanes[run], r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for run := range o.Lanes {
		loaded, err := b.ns.Load(ctx, run, 0)
		if err != nil {
			return nil, fmt.Errorf("load run %s: %w", run, err)
		}
		o.Loaded[run] = len(loaded.Records)
	}
	o.Tasks, o.Inbox, err = b.waiting(ctx)
	return o, err
}

// waiting is what is left in the streams that drain to empty, by subject. Among it are armed wake-ups.
func (b *broker) waiting(ctx context.Context) (tasks, inbox []string, err error) {
	if tasks, err = b.subjects(ctx, "TASKS"); err == nil {
		inbox, err = b.subjects(ctx, "INBOX")
	}
	return tasks, inbox, err
}

// subjects are those of all messages in a stream.
func (b *broker) subjects(ctx context.Context, stream string) ([]string, error) {
	s, err := b.js.Stream(ctx, streamOf(stream))
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(">"))
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return slices.Sorted(maps.Keys(info.State.Subjects)), nil
}

// drained waits until nothing is left to do, or until ctx ends. It returns when that was seen, zero if it was not.
func (b *broker) drained(ctx context.Context) time.Time {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		left := uint64(0)
		for _, name := range []string{"TASKS", "INBOX"} {
			s, err := b.js.Stream(ctx, streamOf(name))
			if err != nil {
				left++ // not known to be empty
				continue
			}
			left += s.CachedInfo().State.Msgs
		}
		if left == 0 {
			return time.Now()
		}
		select {
		case <-ctx.Done():
			return time.Time{}
		case <-tick.C:
		}
	}
}

// redeliveries counts, over all durable consumers, the deliveries beyond the first of each message. It is what the
// consumers remember: some acknowledgements and counts die with a killed server.
func (b *broker) redeliveries(ctx context.Context) (map[string]uint64, error) {
	again := map[string]uint64{}
	for _, name := range []string{"HISTORY", "INBOX", "TASKS"} {
		s, err := b.js.Stream(ctx, streamOf(name))
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", name, err)
		}
		list := s.ListConsumers(ctx)
		for c := range list.Info() {
			if c.Config.Durable == "" {
				continue
			}
			delivered, err := b.matching(ctx, s, c)
			if err != nil {
				return nil, err
			}
			if c.Delivered.Consumer > delivered {
				again[name] += c.Delivered.Consumer - delivered
			}
		}
		if err := list.Err(); err != nil {
			return nil, fmt.Errorf("list consumers of %s: %w", name, err)
		}
	}
	return again, nil
}

// matching is how many messages a durable consumer has had to deliver: those on its subject that are still stored, and
// in a stream that drains all there ever were.
func (b *broker) matching(ctx context.Context, s jetstream.Stream, c *jetstream.ConsumerInfo) (uint64, error) {
	state := s.CachedInfo().State
	if s.CachedInfo().Config.Retention == jetstream.WorkQueuePolicy {
		return state.LastSeq, nil
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(c.Config.FilterSubject))
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", c.Config.FilterSubject, err)
	}
	n := uint64(0)
	for _, count := range info.State.Subjects {
		n += count
	}
	return n, nil
}
