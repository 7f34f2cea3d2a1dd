package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Restore creates the streams of the namespace again that were deleted and whose loss can be healed: INBOX, TASKS and
// HEARTBEATS, of which histories tell what was in them, and INTAKE and DEADLETTER, which are of use empty. It returns the
// names of those that it created. Nothing that exists is changed. A HISTORY or PAYLOADS that is missing is an error that
// matches ErrConfiguration: what was in it is lost, and nobody but its operator can decide what is to become of its runs.
func (n *Namespace) Restore(ctx context.Context) (restored []string, err error) {
	there, err := n.streamsThere(ctx)
	if err != nil {
		return nil, fmt.Errorf("restore streams of namespace %s: %w", n.name, err)
	}
	replicas, lost := 0, []error(nil)
	for i := range n.partitions {
		if name := n.partitions[i].history; !there[name] {
			lost = append(lost, fmt.Errorf("stream %s is missing (%w): it holds the histories of runs and is not created again",
				name, ErrConfiguration))
		}
	}
	if name := payloadsStream(n.name); !there[name] {
		lost = append(lost, fmt.Errorf("stream %s is missing (%w): it holds payloads of histories and is not created again",
			name, ErrConfiguration))
	}
	for _, cfg := range n.healable() {
		if there[cfg.Name] {
			continue
		}
		if replicas == 0 {
			if replicas, err = n.replicas(ctx); err != nil {
				break
			}
		}
		if err = n.createStream(ctx, storedOn(cfg, replicas)); err != nil {
			var exists *existsError
			if errors.As(err, &exists) { // by another daemon
				err = nil
				continue
			}
			break
		}
		restored = append(restored, cfg.Name)
	}
	if err = errors.Join(append(lost, err)...); err != nil {
		err = fmt.Errorf("restore streams of namespace %s: %w", n.name, err)
	}
	return restored, err
}

// healable are the configurations of the streams that are created again.
func (n *Namespace) healable() []jetstream.StreamConfig {
	b := blueprint{n.name, len(n.partitions), 1, false}
	all := []jetstream.StreamConfig{b.intake(), b.deadLetters()}
	for p := range n.partitions {
		all = append(all, b.inbox(p), b.tasks(p), b.heartbeats(p))
	}
	return all
}

// replicas is the number of servers that the histories are stored on.
func (n *Namespace) replicas(ctx context.Context) (int, error) {
	info, err := n.streamInfo(ctx, n.partitions[0].history)
	if err != nil {
		return 0, err
	}
	return info.Config.Replicas, nil
}

// streamsThere are the names of all streams of the account.
func (n *Namespace) streamsThere(ctx context.Context) (map[string]bool, error) {
	there := map[string]bool{}
	for {
		var page struct {
			Total   int      `json:"total"`
			Streams []string `json:"streams"`
		}
		if err := n.api(ctx, "STREAM.NAMES", map[string]any{"offset": len(there)}, &page); err != nil {
			return nil, err
		}
		for _, name := range page.Streams {
			there[name] = true
		}
		if len(page.Streams) == 0 || len(there) >= page.Total {
			return there, nil
		}
	}
}

// ConsumerState is what a durable consumer of the namespace says of itself. Its numbers are estimates of the broker, of use
// to notice that nothing happens, and for nothing else.
type ConsumerState struct {
	Stream, Name string
	// Pending messages wait to be delivered for the first time, Waiting pulls wait for messages.
	Pending uint64
	Waiting int
	// Delivered counts deliveries.
	Delivered uint64
	// Replicated says that the consumer has a leader among several servers.
	Replicated bool
	// Paused says that somebody has paused it, for PauseRemaining.
	Paused         bool
	PauseRemaining time.Duration
}

// Consumers are the durable consumers of the namespace's work, in no order.
func (n *Namespace) Consumers(ctx context.Context) ([]ConsumerState, error) {
	streams := []string{intakeStream(n.name)}
	for i := range n.partitions {
		p := &n.partitions[i]
		streams = append(streams, p.history, p.streamNames.inbox, p.tasks)
	}
	var all []ConsumerState
	for _, stream := range streams {
		of, err := n.consumersOf(ctx, stream)
		var missing *missingError
		if errors.As(err, &missing) {
			continue // Restore is for that
		}
		if err != nil {
			return nil, fmt.Errorf("consumers of stream %s: %w", stream, err)
		}
		all = append(all, of...)
	}
	return all, nil
}

func (n *Namespace) consumersOf(ctx context.Context, stream string) ([]ConsumerState, error) {
	infos, _, err := n.listConsumers(ctx, stream)
	if err != nil {
		return nil, err
	}
	var all []ConsumerState
	for _, c := range infos {
		all = append(all, ConsumerState{
			Stream: stream, Name: c.Name, Pending: c.NumPending, Waiting: c.NumWaiting, Delivered: c.Delivered.Consumer,
			Replicated: c.Cluster != nil && len(c.Cluster.Replicas) > 0, Paused: c.Paused, PauseRemaining: c.PauseRemaining,
		})
	}
	return all, nil
}

// listConsumers are the durable consumers of a stream, and the names of those of which no server answers.
func (n *Namespace) listConsumers(ctx context.Context, stream string) (all []*jetstream.ConsumerInfo, silent []string, err error) {
	for offset := 0; ; {
		var page struct {
			Total     int                       `json:"total"`
			Consumers []*jetstream.ConsumerInfo `json:"consumers"`
			Missing   []string                  `json:"missing"`
		}
		if err := n.api(ctx, "CONSUMER.LIST."+stream, map[string]any{"offset": offset}, &page); err != nil {
			return nil, nil, err
		}
		for _, c := range page.Consumers {
			if c.Config.Durable != "" {
				all = append(all, c)
			}
		}
		silent = append(silent, page.Missing...)
		offset += len(page.Consumers)
		if len(page.Consumers) == 0 || offset >= page.Total {
			return all, silent, nil
		}
	}
}

// StepDown makes another server lead a replicated consumer. What it has delivered and not heard of may come again.
func (n *Namespace) StepDown(ctx context.Context, c ConsumerState) error {
	return n.revive(ctx, "CONSUMER.LEADER.STEPDOWN.", c)
}

// Reset makes a consumer forget what it has delivered and was not told to be done: all of it is delivered again, as first
// deliveries.
func (n *Namespace) Reset(ctx context.Context, c ConsumerState) error {
	return n.revive(ctx, "CONSUMER.RESET.", c)
}

// Recreate deletes a consumer. Whoever pulls from it creates it again, and is delivered all that is stored.
func (n *Namespace) Recreate(ctx context.Context, c ConsumerState) error {
	err := n.revive(ctx, "CONSUMER.DELETE.", c)
	var missing *missingError
	if errors.As(err, &missing) {
		return nil
	}
	return err
}

func (n *Namespace) revive(ctx context.Context, request string, c ConsumerState) error {
	if err := n.api(ctx, request+c.Stream+"."+c.Name, nil, nil); err != nil {
		return fmt.Errorf("%s of consumer %s/%s: %w", request[:len(request)-1], c.Stream, c.Name, err)
	}
	return nil
}
