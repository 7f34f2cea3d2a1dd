package streams

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// keyAsked is the mark of a partition: whoever asks something of an activity marks the partition first. So those who are
// about to run tasks that had to wait need one look between them, instead of one each at keys that mostly are not there.
const keyAsked = "asked"

const (
	// A mark stands for what its writer asks in this time. A thousand activities are canceled by one mark and a thousand keys.
	markCovers = 10 * time.Second
	// QuietAfter is how much older than a task the last mark must be for nobody to have asked anything of it: as long as a
	// mark covers, as a key may take to be written (retryBudget), and, the rest, as the clocks of servers may differ.
	QuietAfter = 2 * time.Minute
)

// marks are what a process knows about the mark of one partition.
type marks struct {
	// writing and reading hold a token during a write and a read: one is enough for all who wait.
	writing, reading chan struct{}

	mu sync.Mutex // guards the rest
	// began is when the last write began that was answered, in epoch.
	began time.Time
	epoch uint64
	// looked is when the last read began that was answered, and last the time of the mark that it found, zero for none.
	looked, last time.Time
}

func newMarks() *marks {
	return &marks{writing: make(chan struct{}, 1), reading: make(chan struct{}, 1)}
}

func (p *partition) markKey() string { return p.heartbeatRoot() + keyAsked }

// mark marks the partition, unless this process has done so a moment ago.
func (n *Namespace) mark(ctx context.Context, p *partition) error {
	k := p.marks
	select {
	case k.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-k.writing }()
	epoch, now := n.Epoch(), time.Now()
	k.mu.Lock()
	covered := k.epoch == epoch && now.Sub(k.began) < markCovers
	k.mu.Unlock()
	if covered {
		return nil
	}
	if _, err := n.putRetried(ctx, &nats.Msg{Subject: p.markKey()}); err != nil {
		return fmt.Errorf("mark that something is asked of an activity: %w", err)
	}
	k.mu.Lock()
	k.began, k.epoch = now, epoch
	k.mu.Unlock()
	return nil
}

// NothingAsked says whether nobody had asked anything of an activity of workflowID whose task was published at that time, as
// far as could be known some time ago, age at most. False proves nothing: Asked knows.
func (n *Namespace) NothingAsked(ctx context.Context, workflowID string, published time.Time, age time.Duration) bool {
	p := n.at(workflowID)
	last, err := n.lastMark(ctx, p, age)
	return err == nil && last.Add(QuietAfter).Before(published)
}

// lastMark is the time of the partition's mark, zero when there is none, as it was age ago or later.
func (n *Namespace) lastMark(ctx context.Context, p *partition, age time.Duration) (time.Time, error) {
	k := p.marks
	if last, ok := k.known(age); ok {
		return last, nil
	}
	select {
	case k.reading <- struct{}{}:
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	defer func() { <-k.reading }()
	if last, ok := k.known(age); ok {
		return last, nil
	}
	now := time.Now()
	var last time.Time
	switch m, err := n.last(ctx, p.heartbeats, p.markKey()); {
	case err == nil:
		last = m.time
	case !errors.Is(err, ErrNotFound):
		return time.Time{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.looked, k.last = now, last
	return last, nil
}

func (k *marks) known(age time.Duration) (last time.Time, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.last, !k.looked.IsZero() && time.Since(k.looked) < age
}
