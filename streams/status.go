package streams

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/history"
)

// Status is what is stored of a namespace, with what is wrong with it.
type Status struct {
	Name       string
	Partitions int
	Created    time.Time
	Durability Durability
	Streams    []StreamStatus
	// Losses are the dead letters that tell of losses of the broker, newest first.
	Losses []DeadLetter
	// Stuck are the open runs that do not go on, as their coordinators have noted.
	Stuck []StuckRun
	// Healed is what healers have put right, by measure.
	Healed map[string]Healed
	// Problems are the parts of this that could not be looked at.
	Problems []error
}

// StreamStatus is one of the streams of a namespace.
type StreamStatus struct {
	Name string
	// Problem says what is wrong with it: that it is missing, differs from what it must be, or did not answer. Nil: nothing.
	Problem         error
	Messages, Bytes uint64
	// Replicas is how many servers store it, Behind how many of them are known not to have all of it, or of one of its
	// consumers.
	Replicas, Behind int
}

// StuckRun is an open run that does not go on.
type StuckRun struct {
	Run history.Run
	// Reason and Since are the coordinators'. Quarantined says that no code is run for it any more until it is released.
	Reason      string
	Since       time.Time
	Quarantined bool
}

const (
	// maxStuck and maxLetters bound what Inspect looks at.
	maxStuck   = 1000
	maxLetters = 1000
)

// Inspect looks at a namespace that need not be in order: unlike Open it does not refuse what is missing or differs, but
// says so. It changes nothing.
func Inspect(ctx context.Context, nc *nats.Conn, name string) (*Status, error) {
	n, entry, err := registered(ctx, nc, name)
	if err != nil {
		return nil, fmt.Errorf("inspect namespace %s: %w", name, err)
	}
	s := &Status{Name: name, Partitions: len(n.partitions), Created: entry.Created}
	var infos []*jetstream.StreamInfo
	for _, cfg := range (blueprint{n.name, len(n.partitions), 0, false}).configs() {
		info, err := n.inspectStream(ctx, cfg)
		if errors.Is(err, ErrUnavailable) && ctx.Err() != nil {
			return nil, fmt.Errorf("inspect namespace %s: %w", name, err)
		}
		status, err := n.streamStatus(ctx, cfg.Name, info, err)
		if err != nil {
			return nil, fmt.Errorf("inspect namespace %s: %w", name, err)
		}
		s.Streams = append(s.Streams, status)
		if info != nil {
			infos = append(infos, info)
		}
	}
	s.Durability = entry.durability(fewest(infos))
	for _, look := range []func() error{
		func() (err error) { s.Healed, err = n.Healed(ctx); return err },
		func() error { return n.findLosses(ctx, s) },
		func() error { return n.findStuck(ctx, s) },
	} {
		if err := look(); err != nil {
			s.Problems = append(s.Problems, err)
		}
	}
	return s, nil
}

// streamStatus says what is known of a stream. Its error is that there was no time to look at its consumers.
func (n *Namespace) streamStatus(ctx context.Context, name string, info *jetstream.StreamInfo, problem error) (StreamStatus, error) {
	s := StreamStatus{Name: name, Problem: problem}
	if info == nil {
		return s, nil
	}
	s.Messages, s.Bytes, s.Replicas = info.State.Msgs, info.State.Bytes, max(info.Config.Replicas, 1)
	if s.Replicas == 1 {
		return s, nil
	}
	clusters := []*jetstream.ClusterInfo{info.Cluster}
	// A server that cannot read the state of a consumer has no part in it, and says nothing about that.
	consumers, silent, err := n.listConsumers(ctx, name)
	for _, c := range consumers {
		clusters = append(clusters, c.Cluster)
	}
	s.Behind = countBehind(s.Replicas, clusters)
	switch {
	case err != nil && ctx.Err() != nil:
		return s, err
	case err != nil:
		s.Problem = errors.Join(s.Problem, err)
	case len(silent) > 0:
		s.Problem = errors.Join(s.Problem, fmt.Errorf("%w: consumers %s do not answer", ErrUnavailable, strings.Join(silent, ", ")))
	}
	return s, nil
}

// countBehind counts the servers that are known not to have all of a stream with so many replicas, or of one of its
// consumers, after what the leaders of these say.
func countBehind(replicas int, clusters []*jetstream.ClusterInfo) int {
	behind := map[string]bool{}
	for _, c := range clusters {
		if c == nil {
			continue
		}
		// One that could not read its Raft log takes itself for the only server there is, and answers (nats-server 2.15.2).
		if len(c.Replicas)+1 < replicas {
			behind[c.Leader] = true
		}
		for _, r := range c.Replicas {
			// One that has come back counts as current for some seconds because of what it was before.
			if !r.Current || r.Offline || r.Active > maxSilence {
				behind[r.Name] = true
			}
		}
	}
	return len(behind)
}

// lossPrefix begins the IDs of dead letters that tell of losses, and of no others.
const lossPrefix = "loss-MILLRACE_"

func (n *Namespace) findLosses(ctx context.Context, s *Status) error {
	for d, err := range n.DeadLetters(ctx, maxLetters) {
		if err != nil {
			return err
		}
		if strings.HasPrefix(d.ID, lossPrefix) {
			s.Losses = append(s.Losses, d)
		}
	}
	return nil
}

// findStuck reads what coordinators have noted. A note is void once its run has gone on.
func (n *Namespace) findStuck(ctx context.Context, s *Status) error {
	for i := range n.partitions {
		p := &n.partitions[i]
		var noted []StuckRun
		var transitions []uint64
		err := n.scan(ctx, p.heartbeats, p.runNotes(), 1, scanBatch, func(m *stored) bool {
			t, err := history.DecodeTrouble(m.data)
			run, ok := p.notedRun(m.subject)
			if err == nil && ok && t.Reason != "" && m.header.Get(headerKVOperation) == "" {
				noted = append(noted, StuckRun{Run: run, Reason: t.Reason, Since: t.Since, Quarantined: t.Quarantined()})
				transitions = append(transitions, t.Transition)
			}
			return len(noted) < maxStuck
		})
		if err != nil && !isNoMessage(err) {
			return fmt.Errorf("look for stuck runs: %w", err)
		}
		for i, run := range noted {
			tail, err := n.Tail(ctx, run.Run)
			if errors.Is(err, ErrNotFound) {
				tail, err = &Record{}, nil
			}
			if err != nil && !errors.Is(err, ErrDamaged) {
				return fmt.Errorf("look for stuck runs: %w", err)
			}
			if err != nil || tail.Number == transitions[i] {
				s.Stuck = append(s.Stuck, run)
			}
		}
	}
	return nil
}

// runNotes matches the notes of all runs of a partition.
func (p *partition) runNotes() string {
	return p.heartbeatRoot() + "*.*.0." + keyBeat
}

// notedRun is the run of a note's subject.
func (p *partition) notedRun(subject string) (history.Run, bool) {
	tokens := strings.Split(strings.TrimPrefix(subject, p.heartbeatRoot()), ".")
	if len(tokens) != 4 {
		return history.Run{}, false
	}
	workflowID, err := DecodeToken(tokens[0])
	runID, errRun := DecodeToken(tokens[1])
	return history.Run{WorkflowID: workflowID, RunID: runID}, err == nil && errRun == nil
}
