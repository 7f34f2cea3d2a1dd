package streams

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxSilence is how long ago a leader may have heard of its followers for its word to count. It is shorter than the 4 s
// after which followers that do not hear of it elect another one (nats-server 2.15.2).
const maxSilence = 3 * time.Second

// InContact says that the leader of the partition of a workflow ID has just been in contact with most of its replicas. A
// leader that is cut off from them goes on answering reads for about ten seconds, and does not know of what was stored
// since by its successor: what it says is missing may be there. It fails with ErrUnavailable when there is no such
// leader, or not yet. A stream without replicas has no other leader to ask.
//
// Whoever has been told that something is missing asks this, and reads once more: the first answer may have been another
// leader's.
func (n *Namespace) InContact(ctx context.Context, workflowID string) error {
	if n.direct {
		return nil
	}
	history := n.at(workflowID).history
	info, err := n.streamInfo(ctx, history)
	if err == nil && !inContact(info.Cluster) {
		err = fmt.Errorf("%w: server %s leads stream %s, and has not heard of most replicas for %v", ErrUnavailable, info.Cluster.Leader, history, maxSilence)
	}
	return err
}

// inContact says whether a leader has heard of most members, itself included.
func inContact(c *jetstream.ClusterInfo) bool {
	if c == nil {
		return true
	}
	heard := 1
	for _, r := range c.Replicas {
		if !r.Offline && r.Active <= maxSilence {
			heard++
		}
	}
	return heard > (len(c.Replicas)+1)/2
}
