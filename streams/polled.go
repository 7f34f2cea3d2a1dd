package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Polled says whether anybody is asking for what waits in a queue for a build: for runs to decide, or for tasks. A process
// that died without saying so counts for ten seconds more.
func (n *Namespace) Polled(ctx context.Context, queue, build string) (bool, error) {
	durables, err := n.taskDurables(queue, ConsumeOptions{Lanes: []TaskLane{{Build: build}}})
	if err != nil {
		return false, err
	}
	for i := range n.partitions {
		durables = append(durables, n.laneDurable(&n.partitions[i], LaneStarts, queue, build, 0))
	}
	for _, d := range durables {
		var info jetstream.ConsumerInfo
		err := n.api(ctx, "CONSUMER.INFO."+d.stream+"."+d.config.Durable, nil, &info)
		var missing *missingError
		switch {
		case errors.As(err, &missing):
		case err != nil:
			return false, fmt.Errorf("consumer %s/%s: %w", d.stream, d.config.Durable, err)
		case info.NumWaiting > 0:
			return true, nil
		}
	}
	return false, nil
}
