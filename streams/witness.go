package streams

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// Loss says that a server has lost messages of a stream that it had acknowledged.
type Loss struct {
	Stream string
	// First and Last are the sequences between which messages are missing, or are no longer those that they were. What
	// the server has stored since stands at the same sequences.
	First, Last uint64
	// Missing is how many messages are gone, 0 when that is not known.
	Missing uint64
	// Server is whose copy of a replicated stream lacks them: another one may have them. Empty without replicas, and when it
	// is not known.
	Server string
}

func (l Loss) String() string {
	s := fmt.Sprintf("stream %s has lost acknowledged messages between sequences %d and %d", l.Stream, l.First, l.Last)
	if l.Missing > 0 {
		s += fmt.Sprintf(", %d of them", l.Missing)
	}
	if l.Server != "" {
		s += ", where server " + l.Server + " leads it"
	}
	return s
}

// OnLoss has f called, once for each, with the losses that this process finds out about. It must be called before
// anything else of the namespace is used. f must not block. Each loss is also left as a dead letter.
func (n *Namespace) OnLoss(f func(Loss)) { n.losses.tell = f }

// losses passes on what was found out.
type losses struct{ tell func(Loss) }

// lossBudget bounds what is done about a loss in the call that finds out about it.
const lossBudget = 5 * time.Second

func (n *Namespace) report(ctx context.Context, l Loss) {
	if n.losses.tell != nil {
		n.losses.tell(l)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lossBudget)
	defer cancel()
	// The letter is for those who look later. It can get lost as well; whoever finds out says so in any case.
	_ = n.PutDeadLetter(ctx, DeadLetter{ID: fmt.Sprintf("loss-%s-%d-%d", l.Stream, l.First, l.Last), Reason: l.String()})
}

// witness remembers the end of a stream as the broker acknowledged it to this process. A server that comes back without
// the end of a stream says nothing, and gives its sequences to other messages; so after each loss of the connection the
// last message that is known is looked up where it was.
//
// A witness knows of what it wrote itself. Losses that no living process can bear witness of are what checkpoints are for.
type witness struct {
	stream string
	seed   maphash.Seed // of the sums

	// scrubbed names the life of the server whose copy of the whole stream this process has read last.
	scrubbed atomic.Value // of string
	// comparing is held while the marks are compared.
	comparing sync.Mutex

	mu sync.Mutex // guards the rest
	// epoch is that of the connection for which the marks have been compared, lostIn one in which they were not found.
	epoch, lostIn uint64
	// marks are the newest messages, a ring; last is the place of the one with the highest sequence.
	marks [maxMarks]mark
	last  int
	// doubt is when a replicated stream was first found too short: a server that no longer leads may have said so.
	doubt time.Time
}

const (
	maxMarks = 32
	// maxDoubt is longer than a leader that was deposed goes on answering.
	maxDoubt = 15 * time.Second
)

// mark is a message that was acknowledged, seq 0 for none.
type mark struct{ seq, sum uint64 }

func newWitness(stream string) *witness { return &witness{stream: stream, seed: maphash.MakeSeed()} }

func (w *witness) sum(subject string, data []byte) uint64 {
	return maphash.String(w.seed, subject) ^ maphash.Bytes(w.seed, data)
}

// witnessed notes that a message was acknowledged. The first one of a connection has the marks compared.
func (n *Namespace) witnessed(ctx context.Context, w *witness, seq uint64, m *nats.Msg) {
	if w.due(n.Epoch()) {
		n.hasLost(ctx, w)
	}
	w.note(mark{seq, w.sum(m.Subject, m.Data)})
}

// hasLost says whether messages were lost with the connection before this one, and has the marks compared for that if
// nobody has.
func (n *Namespace) hasLost(ctx context.Context, w *witness) bool {
	w.comparing.Lock()
	defer w.comparing.Unlock()
	epoch := n.Epoch()
	if w.due(epoch) {
		found, err := n.compare(ctx, w)
		w.conclude(epoch, found, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lostIn == epoch
}

// due says whether the marks have to be compared.
func (w *witness) due(epoch uint64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.epoch == epoch {
		return !w.doubt.IsZero() && time.Since(w.doubt) > maxDoubt
	}
	return w.marks[w.last].seq > 0
}

// note adds a mark. Acknowledgements of competing calls come in any order.
func (w *witness) note(m mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.seq > w.marks[w.last].seq {
		w.last = (w.last + 1) % maxMarks
		w.marks[w.last] = m
	}
}

// known are the marks, newest first.
func (w *witness) known() []mark {
	w.mu.Lock()
	defer w.mu.Unlock()
	marks := slices.DeleteFunc(slices.Clone(w.marks[:]), func(m mark) bool { return m.seq == 0 })
	slices.SortFunc(marks, func(a, b mark) int { return int(int64(b.seq - a.seq)) })
	return marks
}

// compare looks the newest mark up, and if it is not there the ones before it. It says whether anything was lost. An error
// means that nothing is known; the next message brings another occasion.
func (n *Namespace) compare(ctx context.Context, w *witness) (lost bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lossBudget)
	defer cancel()
	marks := w.known()
	first := uint64(1)
	for i, m := range marks {
		gone, replaced, err := n.markGone(ctx, w, m)
		if err != nil {
			return false, err
		}
		if !gone {
			if i == 0 {
				w.believe()
			}
			first = m.seq + 1
			break
		}
		if i == 0 && !replaced && !n.direct && !w.doubted() {
			return false, nil
		}
	}
	if len(marks) == 0 || first > marks[0].seq {
		return false, nil
	}
	n.report(ctx, Loss{Stream: w.stream, First: first, Last: marks[0].seq})
	return true, nil
}

// markGone says whether a message is no longer what it was, and whether another one has its sequence. A message that was
// removed from a work queue is not gone as long as the stream has been beyond it.
func (n *Namespace) markGone(ctx context.Context, w *witness, m mark) (gone, replaced bool, err error) {
	found, err := n.get(ctx, w.stream, getRequest{Seq: m.seq})
	switch {
	case err == nil:
		other := w.sum(found.subject, found.data) != m.sum
		return other, other, nil
	case !errors.Is(err, ErrNotFound):
		return false, false, err
	case !isNoMessage(err):
		return true, false, nil // the whole stream
	}
	info, err := n.streamInfo(ctx, w.stream)
	if err != nil {
		return errors.Is(err, ErrNotFound), false, err
	}
	return info.State.LastSeq < m.seq, false, nil
}

// doubted notes a doubt and says whether it has lasted long enough to be certainty.
func (w *witness) doubted() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.doubt.IsZero() {
		w.doubt = time.Now()
		return false
	}
	return time.Since(w.doubt) > maxDoubt
}

// believe ends a doubt.
func (w *witness) believe() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.doubt = time.Time{}
}

// conclude notes the outcome of a comparison. Marks of what was lost are of no more use.
func (w *witness) conclude(epoch uint64, lost bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		return // due again
	}
	w.epoch = epoch
	if lost {
		w.lostIn, w.doubt = epoch, time.Time{}
		w.marks, w.last = [maxMarks]mark{}, 0
	}
}
