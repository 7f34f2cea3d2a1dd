package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/devserver"
)

// bareSystem does what a one-activity run asks of the broker, and nothing else: a start, a transition, a task, a result
// and a transition are published, the two transitions and the start conditionally; start, task and result are
// delivered and acknowledged.
type bareSystem struct {
	prefix           string
	starter, working *nats.Conn
	consumers        []jetstream.ConsumeContext
	// ended holds a channel for each run in flight, tails the sequence of its first transition.
	ended, tails sync.Map
}

// bareBody is as large as a record of a one-activity run.
var bareBody = []byte(strings.Repeat("x", 150))

func openBare(ctx context.Context, server *devserver.Server, namespace string) (system, error) {
	s := &bareSystem{prefix: "millrace." + namespace + ".0."}
	var err error
	if s.starter, err = server.Connect(); err != nil {
		return nil, err
	}
	if s.working, err = server.Connect(); err != nil {
		return nil, err
	}
	if _, err := s.starter.Subscribe("millrace."+namespace+".live.*.*", s.onRecord); err != nil {
		return nil, err
	}
	js, err := jetstream.New(s.working)
	if err != nil {
		return nil, err
	}
	for _, lane := range []struct {
		stream, filter string
		handle         func(jetstream.Msg)
	}{
		{"HISTORY", s.prefix + "run.*.*.start.bench.-", s.onStart},
		{"TASKS", s.prefix + "task.bench.>", s.onTask},
		{"INBOX", s.prefix + "inbox.bench.-.>", s.onResult},
	} {
		if err := s.consume(ctx, js, "MILLRACE_"+namespace+"_0_"+lane.stream, lane.filter, lane.handle); err != nil {
			return nil, fmt.Errorf("%s: %w", lane.stream, err)
		}
	}
	return s, nil
}

func (s *bareSystem) consume(ctx context.Context, js jetstream.JetStream, stream, filter string, handle func(jetstream.Msg)) error {
	c, err := js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{Durable: "bare", FilterSubject: filter,
		AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1, AckWait: 30 * time.Second})
	if err != nil {
		return err
	}
	cc, err := c.Consume(func(m jetstream.Msg) { go handle(m) }, jetstream.PullMaxMessages(1000))
	if err != nil {
		return err
	}
	s.consumers = append(s.consumers, cc)
	return nil
}

// publish publishes and waits for the stream's acknowledgement. expected is checked when condition is not empty.
func publish(nc *nats.Conn, subject, condition string, expected uint64) (uint64, error) {
	m := nats.NewMsg(subject)
	m.Data = bareBody
	if condition != "" {
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, fmt.Sprint(expected))
		m.Header.Set("Nats-Expected-Last-Subject-Sequence-Subject", condition)
	}
	r, err := nc.RequestMsg(m, 10*time.Second)
	if err != nil {
		return 0, fmt.Errorf("publish %s: %w", subject, err)
	}
	var ack struct {
		Seq   uint64          `json:"seq"`
		Error json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(r.Data, &ack); err != nil {
		return 0, err
	}
	if ack.Error != nil {
		return 0, errors.New(string(ack.Error))
	}
	return ack.Seq, nil
}

func (s *bareSystem) do(ctx context.Context, id string) error {
	ended := make(chan struct{})
	s.ended.Store(id, ended)
	defer s.ended.Delete(id)
	if _, err := publish(s.starter, s.prefix+"run."+id+".r.start.bench.-", s.prefix+"run."+id+".*.start.>", 0); err != nil {
		return err
	}
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// runOf is the run's ID in a subject whose token at position i it is.
func runOf(subject string, i int) string { return strings.Split(subject, ".")[i] }

func (s *bareSystem) onStart(m jetstream.Msg) {
	id := runOf(m.Subject(), 4)
	lane := s.prefix + "run." + id + ".r.history"
	seq, err := publish(s.working, lane, lane, 0)
	if err != nil {
		return
	}
	s.tails.Store(id, seq)
	if _, err := publish(s.working, s.prefix+"task.bench.-.-."+id+".r.2", "", 0); err == nil {
		_ = m.Ack()
	}
}

func (s *bareSystem) onTask(m jetstream.Msg) {
	id := runOf(m.Subject(), 7)
	if _, err := publish(s.working, s.prefix+"inbox.bench.-."+id+".r.a2", "", 0); err == nil {
		_ = m.Ack()
	}
}

func (s *bareSystem) onResult(m jetstream.Msg) {
	id := runOf(m.Subject(), 6)
	lane := s.prefix + "run." + id + ".r.history"
	first, _ := s.tails.LoadAndDelete(id)
	expected, _ := first.(uint64)
	if _, err := publish(s.working, lane, lane, expected); err == nil {
		_ = m.Ack()
	}
}

// onRecord sees every transition; the second one ends its run.
func (s *bareSystem) onRecord(m *nats.Msg) {
	id := runOf(m.Subject, 3)
	if ended, ok := s.ended.Load(id); ok {
		if _, again := s.ended.Swap(id+"/1", struct{}{}); again {
			close(ended.(chan struct{}))
			s.ended.Delete(id + "/1")
		}
	}
}

func (s *bareSystem) close() {
	for _, c := range s.consumers {
		c.Stop()
	}
	s.working.Close()
	s.starter.Close()
}
