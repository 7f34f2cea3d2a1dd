package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// listening is for how long acknowledgements are listened to: whoever keeps a message says so within that time.
const listening = 6 * time.Second

// describe writes down what can be seen of a system that does not come to rest: the consumers, and who goes on saying
// that he is at work on which message. Then every process leaves its stacks in its log, and ends.
func (p *played) describe(ctx context.Context, f *fleet) (err error) {
	out, err := os.Create(filepath.Join(p.dir, "stuck.txt"))
	if err != nil {
		return fmt.Errorf("describe what is stuck: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	var mu sync.Mutex
	seen := map[string]int{}
	// An acknowledgement names its delivery: stream, consumer, how often, sequence in the stream, in the consumer, time.
	sub, err := f.admin.Subscribe("$JS.ACK.>", func(m *nats.Msg) {
		mu.Lock()
		defer mu.Unlock()
		seen[fmt.Sprintf("%s %.20s", m.Subject, m.Data)]++
	})
	if err != nil {
		return fmt.Errorf("describe what is stuck: %w", err)
	}
	select {
	case <-ctx.Done():
	case <-time.After(listening):
	}
	if err := sub.Unsubscribe(); err != nil {
		return fmt.Errorf("describe what is stuck: %w", err)
	}
	mu.Lock()
	defer mu.Unlock()
	fmt.Fprintf(out, "acknowledgements within %v:\n", listening)
	for _, subject := range slices.Sorted(maps.Keys(seen)) {
		fmt.Fprintf(out, "%4d %s\n", seen[subject], subject)
	}
	for _, stream := range []string{streamHistory, streamInbox, streamTasks} {
		describeStream(ctx, f, stream, out)
	}
	for _, m := range f.of(partWorker, partCoordinator, partActivities, partDaemon) {
		if c := m.process(); c != nil {
			c.dump()
		}
	}
	return nil
}

// describeStream writes down a stream's state and its consumers. What cannot be read is said in its place.
func describeStream(ctx context.Context, f *fleet, stream string, out io.Writer) {
	js, err := jetstream.New(f.admin)
	if err != nil {
		fmt.Fprintln(out, err)
		return
	}
	s, err := js.Stream(ctx, apiStream(stream))
	if err != nil {
		fmt.Fprintf(out, "stream %s: %v\n", stream, err)
		return
	}
	state := s.CachedInfo().State
	fmt.Fprintf(out, "stream %s: %d messages, sequences %d to %d\n", stream, state.Msgs, state.FirstSeq, state.LastSeq)
	list := s.ListConsumers(ctx)
	for c := range list.Info() {
		fmt.Fprintf(out, "consumer %s: delivered %d/%d, ack floor %d/%d, ack pending %d, redelivered %d, waiting pulls %d, pending %d\n",
			c.Name, c.Delivered.Consumer, c.Delivered.Stream, c.AckFloor.Consumer, c.AckFloor.Stream,
			c.NumAckPending, c.NumRedelivered, c.NumWaiting, c.NumPending)
	}
	if err := list.Err(); err != nil {
		fmt.Fprintf(out, "consumers of %s: %v\n", stream, err)
	}
}

// held counts the messages that consumers have still to deliver, or of which they have no acknowledgement.
func (f *fleet) held(ctx context.Context) (int, error) {
	js, err := jetstream.New(f.admin)
	if err != nil {
		return 0, fmt.Errorf("look what is held: %w", err)
	}
	held := 0
	for _, stream := range []string{streamHistory, streamInbox, streamTasks} {
		s, err := js.Stream(ctx, apiStream(stream))
		if err != nil {
			return 0, fmt.Errorf("look what is held: %w", err)
		}
		list := s.ListConsumers(ctx)
		for c := range list.Info() {
			held += int(c.NumPending) + c.NumAckPending
		}
		if err := list.Err(); err != nil {
			return 0, fmt.Errorf("look what is held: %w", err)
		}
	}
	return held, nil
}
