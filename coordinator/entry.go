package coordinator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
)

// entry is a run as this process knows it: a prefix of its history, replayed. One goroutine uses it at a time.
type entry struct {
	start *history.Start
	found *streams.StoredStart
	// machine runs the code; nil when this process has none, or when codeErr says why it cannot go on. Then state is
	// folded without it.
	machine *replay.Machine
	codeErr error
	// asked is the build that a change of options, which is to be consumed next, binds the run to; nil for none.
	asked *string
	// stretch is for the next stretch of code, nil before the first.
	stretch *stretch
	bare    *history.State
	// late is set while a run is loaded for messages, not for a query: if it is closed they need no code.
	late bool

	// lastSeq is the sequence that the next append expects, lastHash the hash of the last record's bytes.
	lastSeq  uint64
	lastHash []byte
	// lastSize is how many bytes the last record has, with events that are stored apart from it.
	lastSize int64
	// epoch is the broker's when the entry was last compared with the history.
	epoch uint64
	// verified is set when the start was found to be properly checked against its predecessor.
	verified bool
	// overtaken is when others were last found to have gone on with the run, zero for never.
	overtaken time.Time
	// armed is the due time of the last wake-up that this process armed, zero for unknown.
	armed time.Time
	// sent is the cover whose effects this process has sent last, all of them.
	sent string
	// troubled is set when a note of trouble is stored for the run.
	troubled bool
	// closing is set while it is decided again what the run consumes before it closes.
	closing bool
	// left is an eager activity that has been begun and that nobody runs yet.
	left *eagerCall
	lane lane
	pace pace
	// later are items for the next transition, yielded those that wait for what others hold or do.
	later, yielded []*item
	// past is what the archive will keep of the run.
	past past
	// finished are the local activities that ended in the transition being decided.
	finished []finishedLocal
	// suspicion is what is noted against the run while messages are processed that were delivered before, else nil.
	suspicion *history.Trouble
	// noted is set while a note says that the run's code runs.
	noted bool
}

func (e *entry) state() *history.State {
	if e.machine != nil {
		return e.machine.State()
	}
	return e.bare
}

// size is how many bytes the run's history has.
func (e *entry) size() int64 {
	s := e.state()
	if s.Transitions == 0 {
		return int64(len(e.found.Data))
	}
	return s.HistorySize + e.lastSize
}

// note remembers what follows from the bytes of the last record.
func (e *entry) note(data []byte, t *history.Transition) {
	e.lastHash, e.lastSize = nil, int64(len(data))
	if !isClosing(t.Events) { // nothing follows that would name it
		e.lastHash = history.HashRecord(data)
	}
	if t.Body != nil {
		e.lastSize += t.Body.Size
	}
}

func (e *entry) run() history.Run { return e.start.Run.Run }

func (e *entry) destroy() {
	if e.machine != nil {
		e.machine.Destroy()
		e.machine = nil
	}
}

// conclude gives up the code of a run that has closed, or is about to be: what still comes needs only its state.
func (e *entry) conclude() {
	if e.machine != nil {
		e.bare = e.machine.State()
		e.destroy()
	}
	e.past = past{lost: true}
}

// lateness is for how long after a run has closed, and how long before its wake-up is due, its state is kept.
const lateness = 5 * time.Second

// expects says whether something may soon come for a run that is closed at the given time: an outcome of what it was
// waiting for, or its wake-up.
func (e *entry) expects(now time.Time) bool {
	s := e.state()
	return len(s.Activities)+len(s.Children)+len(s.Externals) > 0 ||
		s.Armed.After(now.Add(-lateness)) && s.Armed.Before(now.Add(lateness))
}

// drop ends an entry whose machine ran ahead of the history or cannot be trusted any more.
func (c *Coordinator) drop(e *entry) {
	e.destroy()
	c.alarms.cancel(e.run())
}

// load builds a run from its start and its records. When its code is missing here or fails, the entry has the
// state only, and codeErr tells.
func (c *Coordinator) load(ctx context.Context, found knownStart, suspicion *history.Trouble) (*entry, error) {
	e, err := c.newEntry(found)
	if err != nil {
		return nil, err
	}
	e.suspicion = suspicion
	return e, c.fill(ctx, e)
}

// loadForMessages is load without the code of a run that turns out to be closed.
func (c *Coordinator) loadForMessages(ctx context.Context, found knownStart, suspicion *history.Trouble, items []*item) (*entry, error) {
	e, err := c.newEntry(found)
	if err != nil {
		return nil, err
	}
	e.suspicion, e.late = suspicion, true
	e.asked = asked(e.start, items)
	return e, c.fill(ctx, e)
}

// fill reads and replays the whole history of a new entry, and destroys it when that fails.
func (c *Coordinator) fill(ctx context.Context, e *entry) error {
	revived, err := c.revive(ctx, e)
	if !revived && err == nil {
		err = c.catchUp(ctx, e)
	}
	e.late = false
	if err != nil {
		e.destroy()
		return err
	}
	c.place(e, e.state().Bound())
	e.recall(c.alarms.get(e.run()))
	return nil
}

// loadState builds a run without its code, which must not run. That is enough to end it, and for what is settled.
func (c *Coordinator) loadState(ctx context.Context, found knownStart) (*entry, error) {
	e, err := c.newEntry(found)
	if err != nil {
		return nil, err
	}
	e.destroy()
	e.codeErr, e.bare = errQuarantined, history.NewState(e.start)
	if err := c.catchUp(ctx, e); err != nil {
		return nil, err
	}
	return e, nil
}

// unreadableError is returned for a start that was accepted from a starter of ours and cannot be read: it was damaged.
type unreadableError struct{ cause error }

func (e *unreadableError) Error() string { return e.cause.Error() }
func (e *unreadableError) Unwrap() error { return e.cause }

// unreadable says what a start is that cannot be read with the given error. What nobody of ours can have published will
// never be a start.
func unreadable(found *streams.StoredStart, err error) error {
	switch {
	case errors.Is(err, history.ErrNewerFormat):
		return err
	case found.Checked:
		return &unreadableError{err}
	}
	return &unverifiedError{final: true, reason: err.Error()}
}

// newEntry is a run of which only the start is known.
func (c *Coordinator) newEntry(found knownStart) (*entry, error) {
	start, err := found.Decode()
	if err != nil {
		return nil, fmt.Errorf("load run %s: %w", found.Run.Run, unreadable(found.StoredStart, err))
	}
	e := &entry{start: start, found: found.StoredStart, epoch: found.epoch}
	if err := c.blocked.of(e.run()); err != nil {
		e.codeErr, e.bare = err, history.NewState(start)
	} else if body, ok := c.cfg.Definition(start.Type); ok {
		config := replay.Config{Start: start, Body: body, MaxPayload: c.cfg.MaxPayload, MaxAside: c.cfg.MaxAside, Strands: &c.strands}
		if c.cfg.Payloads != nil {
			config.Fits = c.cfg.Payloads.Fits
		}
		e.machine = replay.New(config)
	} else {
		e.codeErr = fmt.Errorf("%w: %q", errUnknownType, start.Type)
		e.bare = history.NewState(start)
	}
	return e, nil
}

var errUnknownType = errors.New("workflow type is not registered here")

// catchUp reads the records after the entry's prefix and replays them.
func (c *Coordinator) catchUp(ctx context.Context, e *entry) error {
	loaded, transitions, err := streams.ReadTransitions(ctx, c.broker, e.run(), e.state().Transitions)
	if err != nil {
		return err
	}
	if len(transitions) > 0 && len(e.lastHash) > 0 && len(transitions[0].PreviousHash) > 0 &&
		!bytes.Equal(transitions[0].PreviousHash, e.lastHash) {
		return fmt.Errorf("load run %s: %w: transition %d does not follow the one known here", e.run(), errStale, transitions[0].Number)
	}
	if err := c.replay(ctx, e, transitions); err != nil {
		return fmt.Errorf("load run %s: %w", e.run(), err)
	}
	e.lastSeq = loaded.LastSeq
	for i := range loaded.Records {
		e.past.add(loaded.Records[i].Data)
	}
	if n := len(loaded.Records); n > 0 {
		e.note(loaded.Records[n-1].Data, transitions[n-1])
		// What others committed may have the same cover as what this process has sent: a wake-up covers many.
		e.sent = ""
		// And what they left to be armed need not be.
		e.armed = time.Time{}
	}
	return nil
}

// stateOf folds a run's records without its code.
func (c *Coordinator) stateOf(ctx context.Context, run history.Run) (*history.State, error) {
	found, err := c.broker.FindStart(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("load run %s: %w", run, err)
	}
	stored, err := streams.ReadRun(ctx, c.broker, found)
	if err != nil {
		return nil, err
	}
	return stored.State()
}

// replay applies transitions to the entry. Code that fails leaves the entry with its state only.
func (c *Coordinator) replay(ctx context.Context, e *entry, transitions []*history.Transition) error {
	if len(transitions) == 0 {
		return nil
	}
	if e.late && isClosing(transitions[len(transitions)-1].Events) {
		e.conclude()
	}
	c.place(e, boundAfter(e.state(), transitions))
	if e.machine == nil {
		return fold(e.bare, transitions)
	}
	before := e.machine.State().Transitions
	err := c.apply(ctx, e, e.machine, transitions)
	var illegal *history.IllegalEventError
	if err == nil || errors.As(err, &illegal) || isOutage(err) {
		return err
	}
	c.abandon(e, err)
	if before > 0 {
		return fmt.Errorf("%w: %w", errStale, err)
	}
	e.codeErr, e.bare = err, history.NewState(e.start)
	return fold(e.bare, transitions)
}

// errStale means that the entry must be loaded again from the beginning.
var errStale = errors.New("live run cannot follow its history")

func fold(s *history.State, transitions []*history.Transition) error {
	for _, t := range transitions {
		if err := s.Apply(t); err != nil {
			return err
		}
	}
	return nil
}

// refresh compares the entry with the stream leader and catches up; it says whether anything was new. A history that
// is shorter or other than the entry's prefix (a server that lost its tail) makes it errStale.
func (c *Coordinator) refresh(ctx context.Context, e *entry) (changed bool, err error) {
	s := e.state()
	tail, err := c.broker.Tail(ctx, e.run())
	switch {
	case errors.Is(err, streams.ErrNotFound):
		if s.Transitions > 0 {
			return false, fmt.Errorf("refresh run %s: %w: its records are gone", e.run(), errStale)
		}
		return false, nil
	case err != nil:
		return false, fmt.Errorf("refresh run %s: %w", e.run(), err)
	case !tail.Junk && tail.Number == s.Transitions && tail.CommitID == s.LastCommit:
		e.lastSeq = tail.Seq
		return false, nil
	case !tail.Junk && tail.Number <= s.Transitions:
		return false, fmt.Errorf("refresh run %s: %w: transition %d is not the one known here", e.run(), errStale, tail.Number)
	}
	before := s.Transitions
	if err := c.catchUp(ctx, e); err != nil {
		return false, err
	}
	if e.state().Transitions == before {
		return false, nil
	}
	e.overtaken = c.cfg.Now()
	return true, nil
}
