package streams

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// checkpoint says how far a HISTORY had come. It is kept in the registry, another stream, so that it can bear witness
// when a server comes back without the end of HISTORY, or without something in its middle, and no process that knows
// better has lived on.
type checkpoint struct {
	Stream string `json:"stream"`
	// Samples are the last message at the time of this checkpoint and of the ones before it, newest first.
	Samples []sample `json:"samples"`
	// Holes is how many sequences up to the last one have no message. Deleting is until when runs may be being deleted,
	// which makes holes.
	Holes    uint64    `json:"holes"`
	Deleting time.Time `json:"deleting,omitzero"`
	Time     time.Time `json:"time"`
}

// sample is a message, Sum a hash of its subject and body.
type sample struct {
	Seq uint64 `json:"seq"`
	Sum string `json:"sum"`
}

const (
	maxSamples = 16
	// deletionTime is for how long the deletion of one run may make holes, with the difference of clocks between machines.
	deletionTime = 2 * time.Minute
)

func checkpointKey(namespace string, partition int) string {
	return registryKey(namespace) + ".checkpoint." + strconv.Itoa(partition)
}

// Audit compares every HISTORY of the namespace with its last checkpoint, reports what is missing (see OnLoss), and makes
// a new checkpoint. It returns the losses that it reported. Losses behind the last checkpoint are not seen: it is to be
// called at short intervals, and before a server is stopped. Any number of processes may do so.
func (n *Namespace) Audit(ctx context.Context) ([]Loss, error) {
	var all []Loss
	for i := range n.partitions {
		lost, err := n.auditPartition(ctx, i)
		if err != nil {
			return all, fmt.Errorf("audit partition %d of namespace %s: %w", i, n.name, err)
		}
		all = append(all, lost...)
	}
	return all, nil
}

func (n *Namespace) auditPartition(ctx context.Context, partition int) ([]Loss, error) {
	stream := n.partitions[partition].history
	before, seq, err := n.readCheckpoint(ctx, partition)
	if err != nil {
		return nil, err
	}
	if err := n.scrubOnce(ctx, &n.partitions[partition]); err != nil {
		return nil, err
	}
	now, lost, err := n.inspectHistory(ctx, stream, before)
	if err == nil && len(lost) > 0 && !n.direct {
		// A server that no longer leads may have answered. It goes on doing so for some seconds.
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(maxDoubt):
		}
		now, lost, err = n.inspectHistory(ctx, stream, before)
	}
	if err != nil {
		return nil, err
	}
	if len(lost) == 0 && len(before.Samples) > 0 && len(now.Samples) > 0 && before.Samples[0] == now.Samples[0] &&
		before.Holes == now.Holes && before.Deleting.Equal(now.Deleting) {
		return nil, nil
	}
	if err := n.writeCheckpoint(ctx, partition, now, seq); err != nil {
		return nil, err
	}
	for _, l := range lost {
		n.report(ctx, l)
	}
	return lost, nil
}

// life names a server's copy of a stream since the server began to lead it, or since the connection was lost: behind
// either, the files of another server may be read, or those of one that was started again.
func (n *Namespace) life(info *jetstream.StreamInfo) string {
	life := fmt.Sprint(n.link.current().epoch)
	if c := info.Cluster; c != nil {
		life += " " + c.Leader
		if c.LeaderSince != nil {
			life += " " + c.LeaderSince.String()
		}
	}
	return life
}

func leaderOf(info *jetstream.StreamInfo) string {
	if info.Cluster == nil || len(info.Cluster.Replicas) == 0 {
		return ""
	}
	return info.Cluster.Leader
}

// scrubOnce reads all of a HISTORY, once in the life of its server as far as this process sees that, and reports messages
// that the broker counts and cannot read: it leaves them out without a word, and what a run's last record is then is the
// one before.
func (n *Namespace) scrubOnce(ctx context.Context, p *partition) error {
	info, err := n.streamInfo(ctx, p.history)
	if err != nil {
		return err
	}
	life := n.life(info)
	if p.records.scrubbed.Load() == life {
		return nil
	}
	count, last := uint64(0), uint64(0)
	for from := uint64(1); from <= info.State.LastSeq; from = last + 1 {
		err := n.scan(ctx, p.history, p.prefix+">", from, scanBatch, func(m *stored) bool {
			if last = m.seq; last <= info.State.LastSeq {
				count++
			}
			return last < info.State.LastSeq
		})
		if err != nil {
			return err
		}
		if last < from { // what stands at from cannot be read, or is not there
			last = from
		}
	}
	after, err := n.streamInfo(ctx, p.history)
	if err != nil {
		return err
	}
	if n.life(after) != life {
		return nil // several servers have answered: the next audit looks again
	}
	p.records.scrubbed.Store(life)
	// Runs that were deleted meanwhile are not missing.
	added := after.State.LastSeq - min(after.State.LastSeq, info.State.LastSeq)
	stays := credible(after.State) - min(credible(after.State), added)
	if there := min(credible(info.State), stays); count < there {
		n.report(ctx, Loss{Stream: p.history, First: 1, Last: info.State.LastSeq, Missing: there - count, Server: leaderOf(info)})
	}
	return nil
}

// credible is how many messages a stream has, at most as many as it can: a server whose files were damaged may count one
// twice.
func credible(state jetstream.StreamState) uint64 {
	return min(state.Msgs, state.LastSeq+1-min(state.FirstSeq, state.LastSeq+1))
}

// inspectHistory returns a checkpoint of a HISTORY as it is, and what it has lost since the one before.
func (n *Namespace) inspectHistory(ctx context.Context, stream string, before *checkpoint) (*checkpoint, []Loss, error) {
	info, err := n.streamInfo(ctx, stream)
	if err != nil {
		return nil, nil, err
	}
	state := info.State
	now := &checkpoint{Stream: stream, Holes: state.LastSeq - credible(state), Time: time.Now().UTC()}
	if state.Msgs > 0 {
		s, err := n.sampleAt(ctx, stream, state.LastSeq)
		if err != nil && !isNoMessage(err) {
			return nil, nil, err
		}
		if s != (sample{}) {
			now.Samples = append(now.Samples, s)
		}
	}
	// A sample that is not there was deleted with its run: it says nothing.
	var lost []Loss
	first, gone := uint64(1), false
	for i, s := range before.Samples {
		found := sample{}
		if s.Seq <= state.LastSeq {
			if found, err = n.sampleAt(ctx, stream, s.Seq); err != nil && !isNoMessage(err) {
				return nil, nil, err
			}
		}
		if found == s {
			first = s.Seq + 1
			now.Samples = append(now.Samples, before.Samples[i:]...)
			break
		}
		gone = gone || s.Seq > state.LastSeq || found != sample{}
	}
	if before.Deleting.After(now.Time) {
		now.Deleting = before.Deleting
	}
	switch {
	case gone:
		lost = append(lost, Loss{Stream: stream, First: first, Last: before.Samples[0].Seq, Server: leaderOf(info)})
	case now.Holes > before.Holes && len(before.Samples) > 0 && before.Deleting.IsZero():
		lost = append(lost, Loss{Stream: stream, First: 1, Last: state.LastSeq, Missing: now.Holes - before.Holes, Server: leaderOf(info)})
	}
	now.Samples = distinct(now.Samples)
	return now, lost, nil
}

// expectHoles notes that a run is about to be deleted, so that what is missing then is not taken to be lost.
func (n *Namespace) expectHoles(ctx context.Context, partition int) error {
	c, seq, err := n.readCheckpoint(ctx, partition)
	if err != nil || len(c.Samples) == 0 || time.Until(c.Deleting) > deletionTime/2 {
		return err
	}
	c.Deleting = time.Now().UTC().Add(deletionTime)
	return n.writeCheckpoint(ctx, partition, c, seq)
}

// distinct leaves out a first sample that comes twice, and those beyond the limit.
func distinct(samples []sample) []sample {
	if len(samples) > 1 && samples[0] == samples[1] {
		samples = samples[1:]
	}
	return samples[:min(len(samples), maxSamples)]
}

func (n *Namespace) sampleAt(ctx context.Context, stream string, seq uint64) (sample, error) {
	m, err := n.get(ctx, stream, getRequest{Seq: seq})
	if err != nil {
		return sample{}, err
	}
	h := sha256.New()
	h.Write([]byte(m.subject + "\n"))
	h.Write(m.data)
	return sample{Seq: seq, Sum: hex.EncodeToString(h.Sum(nil)[:16])}, nil
}

// readCheckpoint reads the last checkpoint, which is empty before the first, and the sequence that a new one expects.
func (n *Namespace) readCheckpoint(ctx context.Context, partition int) (*checkpoint, uint64, error) {
	m, err := n.last(ctx, kvStreamPrefix+registryBucket, checkpointKey(n.name, partition))
	if isNoMessage(err) {
		return &checkpoint{}, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	c := &checkpoint{}
	if err := json.Unmarshal(m.data, c); err != nil {
		return &checkpoint{}, m.seq, nil // as good as none: it is no part of the truth
	}
	return c, m.seq, nil
}

// writeCheckpoint stores a checkpoint unless somebody else has stored one in the meantime, which is as good.
func (n *Namespace) writeCheckpoint(ctx context.Context, partition int, c *checkpoint, expected uint64) error {
	data, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode checkpoint: %w", err)
	}
	m := &nats.Msg{Subject: checkpointKey(n.name, partition), Header: nats.Header{}, Data: data}
	expect(m.Header, "", expected)
	_, err = n.putRetried(ctx, m)
	var refused *refusedError
	if errors.As(err, &refused) {
		return nil
	}
	return err
}
