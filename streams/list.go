package streams

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// StartFilter selects starts; its zero value selects all.
type StartFilter struct {
	WorkflowID string
	// Checked, with a WorkflowID, selects those that coordinators would run.
	Checked bool
	Queue   string
	// Build, with a Queue, selects runs that were started on a build, empty for none; nil selects all.
	Build *string
}

const (
	// Starts are read in windows of sequences, from the new end of the stream to the old. Those of one window are held
	// until they have been gone through, which a daemon's scan takes minutes for: some hundred bytes each, 8 MiB in all.
	firstWindow = 20_000
	lastWindow  = 40_000
	listBatch   = 500
	listTimeout = 10 * time.Second
	// uncountedWait bounds the wait for a message that the broker may have without counting it.
	uncountedWait = time.Second
)

// ListStarts yields starts, newest first. It reads as far as the caller goes on; an error ends it. It costs the broker
// a short-lived consumer for every window of some ten thousand messages.
func (n *Namespace) ListStarts(ctx context.Context, f StartFilter) iter.Seq2[*StoredStart, error] {
	if f.WorkflowID != "" && f.Checked {
		return n.checkedStarts(ctx, f.WorkflowID)
	}
	if f.WorkflowID != "" {
		p := n.at(f.WorkflowID)
		return n.partitionStarts(ctx, p, p.startsOf(f.WorkflowID), f)
	}
	return func(yield func(*StoredStart, error) bool) {
		var lists []iter.Seq2[*StoredStart, error]
		for i := range n.partitions {
			p := &n.partitions[i]
			subject := p.allStarts()
			if f.Queue != "" && f.Build != nil {
				subject = p.queueStarts(f.Queue, *f.Build)
			}
			lists = append(lists, n.partitionStarts(ctx, p, subject, f))
		}
		mergeStarts(lists, yield)
	}
}

// mergeStarts yields the newest of the lists' next starts until all are used up.
func mergeStarts(lists []iter.Seq2[*StoredStart, error], yield func(*StoredStart, error) bool) {
	heads := make([]*StoredStart, len(lists))
	nexts := make([]func() (*StoredStart, error, bool), len(lists))
	for i, list := range lists {
		next, stop := iter.Pull2(list)
		defer stop()
		nexts[i] = next
	}
	advance := func(i int) bool {
		head, err, ok := nexts[i]()
		if err != nil {
			yield(nil, err)
			return false
		}
		if heads[i] = nil; ok {
			heads[i] = head
		}
		return true
	}
	for i := range nexts {
		if !advance(i) {
			return
		}
	}
	for {
		newest := -1
		for i, head := range heads {
			if head != nil && (newest < 0 || head.Time.After(heads[newest].Time)) {
				newest = i
			}
		}
		if newest < 0 || !yield(heads[newest], nil) || !advance(newest) {
			return
		}
	}
}

// partitionStarts lists the starts of one partition that match a subject and the filter, newest first.
func (n *Namespace) partitionStarts(ctx context.Context, p *partition, subject string, f StartFilter) iter.Seq2[*StoredStart, error] {
	return func(yield func(*StoredStart, error) bool) {
		newest, err := n.last(ctx, p.history, subject)
		if isNoMessage(err) {
			return
		}
		if err != nil {
			yield(nil, fmt.Errorf("list starts: %w", err))
			return
		}
		for s, err := range n.startsAfter(ctx, p, subject, newest, 0) {
			if (err != nil || f.Queue == "" || s.Run.Queue == f.Queue) && !yield(s, err) {
				return
			}
		}
	}
}

// startsAfter lists the starts on a subject after a sequence, from the newest message on it on.
func (n *Namespace) startsAfter(ctx context.Context, p *partition, subject string, newest *stored, after uint64) iter.Seq2[*StoredStart, error] {
	return func(yield func(*StoredStart, error) bool) {
		end, window := newest.seq+1, uint64(firstWindow)
		known := startOf(p, newest) != nil
		var patience patience
		for end > after+1 {
			begin := after + 1
			if end > begin+window {
				begin = end - window
			}
			starts, err := n.startsBetween(ctx, p, subject, begin, end)
			// The consumer of a replicated stream may sit on a server that has not heard of the newest start yet.
			for err == nil && known && end == newest.seq+1 && !hasStart(starts, newest.seq) {
				if err = patience.wait(ctx, errBehind); err == nil {
					starts, err = n.startsBetween(ctx, p, subject, begin, end)
				}
			}
			if err != nil {
				yield(nil, fmt.Errorf("list starts: %w", err))
				return
			}
			for _, s := range slices.Backward(starts) {
				if !yield(s, nil) {
					return
				}
			}
			end, window = begin, min(4*window, lastWindow)
		}
	}
}

var errBehind = errors.New("a server does not know the newest start yet")

func hasStart(starts []*StoredStart, seq uint64) bool {
	return slices.ContainsFunc(starts, func(s *StoredStart) bool { return s.Seq == seq })
}

// startsBetween reads the starts from sequence begin to before end, oldest first.
func (n *Namespace) startsBetween(ctx context.Context, p *partition, subject string, begin, end uint64) ([]*StoredStart, error) {
	ctx, cancel := context.WithTimeout(ctx, retryBudget)
	defer cancel()
	js, err := jetstream.New(n.nc)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	var consumer jetstream.Consumer
	err = n.retry(ctx, func(ctx context.Context, timeout time.Duration) (err error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		consumer, err = js.CreateConsumer(ctx, p.history, jetstream.ConsumerConfig{
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: begin, FilterSubject: subject,
			AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute,
		})
		// One that was created all the same goes by itself.
		if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, context.DeadlineExceeded) {
			err = &unansweredError{err}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w: create consumer: %w", ErrUnavailable, err)
	}
	// One that cannot be deleted now goes by itself.
	defer func() { _ = js.DeleteConsumer(context.WithoutCancel(ctx), p.history, consumer.CachedInfo().Name) }()
	var starts []*StoredStart
	seen, left := uint64(0), consumer.CachedInfo().NumPending
	// How many messages there are is the broker's estimate: those with strange bytes in their subjects it does not count,
	// though it delivers them.
	for left > 0 || seen+1 < end {
		counted := left > 0
		before, more := seen, false
		err := n.retry(ctx, func(context.Context, time.Duration) error {
			batch, err := fetchStarts(consumer, left)
			if err == nil {
				more, err = readStarts(p, batch, end, &seen, &starts)
			}
			// A consumer that is a moment old may not be known to the server that we are connected to.
			if errors.Is(err, nats.ErrNoResponders) {
				err = &unansweredError{err}
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read starts: %w", err)
		}
		if !more || !counted && seen == before {
			break
		}
		left -= min(left, listBatch)
	}
	return starts, nil
}

// fetchStarts asks for a batch of those that are left. For what is not counted it asks one by one and waits a moment: to
// who does not want to wait the broker says that there is nothing.
func fetchStarts(consumer jetstream.Consumer, left uint64) (jetstream.MessageBatch, error) {
	if left == 0 {
		return consumer.Fetch(1, jetstream.FetchMaxWait(uncountedWait))
	}
	return consumer.Fetch(int(min(left, listBatch)), jetstream.FetchMaxWait(listTimeout))
}

// readStarts reads a batch up to sequence end and says whether there may be more before it. Seen becomes the last sequence.
func readStarts(p *partition, batch jetstream.MessageBatch, end uint64, seen *uint64, starts *[]*StoredStart) (more bool, err error) {
	more = true
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return false, fmt.Errorf("%w: %w", ErrRejected, err)
		}
		if *seen = meta.Sequence.Stream; *seen >= end {
			more = false
			continue
		}
		s := &stored{subject: m.Subject(), seq: meta.Sequence.Stream, header: m.Headers(), data: m.Data(), time: meta.Timestamp}
		if start := startOf(p, s); start != nil {
			*starts = append(*starts, start)
		}
	}
	if err := batch.Error(); err != nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return more, nil
}
