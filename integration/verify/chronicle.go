package verify

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// chronicle reads the messages of a HISTORY stream in their order. Of a closed run it keeps a few facts, of an open one
// everything: that bounds its memory by the runs that are open at one time, and by the number of runs.
type chronicle struct {
	report *Report
	facts  *facts
	runs   map[history.Run]*run
	// order are the runs of each workflow ID whose starts were legitimate, in the order of the stream.
	order map[string][]*run
	// lastStart is the sequence of each workflow ID's last start, legitimate or not.
	lastStart map[string]uint64
	// commits are hashes of those of all records: no two are alike.
	commits map[uint64]struct{}
	seed    maphash.Seed
	replay  func(r *run)
}

// run is what is known of a run.
type run struct {
	history.Run
	typ string
	// started and closed are where the start and the closing record stand, 0 for nowhere; startedAt and closedAt when
	// the broker stored them.
	started, closed     uint64
	startedAt, closedAt int64
	// root says that nobody but a client, or someone like one, can have asked for it.
	root    bool
	claimed map[string]bool
	records int
	// canceled says that a request to cancel was consumed.
	canceled  bool
	status    string
	result    string
	successor string
	signals   int
	// lane is nil once the run is closed.
	lane *lane
}

// lane is what has to be known of a run as long as it is open.
type lane struct {
	start       *history.Start
	state       *history.State
	transitions []*history.Transition
	// last is the sequence of the last message in the lane, record that of the last record, hash that record's.
	last, record uint64
	hash         []byte
	consumed     map[string]uint64
	bodies       map[string][][]byte
	// activities are the IDs of those that have been scheduled and have not ended, by their events.
	activities map[int64]string
	// broken says that the records do not add up, so that the state is unknown from there on.
	broken bool
}

func newChronicle(r *Report, f *facts, replay func(*run)) *chronicle {
	return &chronicle{report: r, facts: f, runs: map[history.Run]*run{}, order: map[string][]*run{},
		lastStart: map[string]uint64{}, commits: map[uint64]struct{}{}, seed: maphash.MakeSeed(), replay: replay}
}

func (c *chronicle) violate(i Invariant, r history.Run, format string, args ...any) {
	c.report.violate(Violation{i, r.WorkflowID, r.RunID, fmt.Sprintf(format, args...)})
}

// Tokens of subjects: millrace.<namespace>.<partition>.run.<workflow ID>.<run ID>.<lane>...
const (
	tokenTree = 3 + iota
	tokenWorkflow
	tokenRun
	tokenLane
	tokenRest
)

// add takes the next message of the stream.
func (c *chronicle) add(m *Message) error {
	tokens := strings.Split(m.Subject, ".")
	if len(tokens) <= tokenTree || tokens[tokenTree] != "run" {
		return fmt.Errorf("subject %q does not belong into a history", m.Subject)
	}
	var id history.Run
	if len(tokens) <= tokenLane {
		return c.junk(id, m, errors.New("no such lane"))
	}
	var errW, errR error
	id.WorkflowID, errW = streams.DecodeToken(tokens[tokenWorkflow])
	id.RunID, errR = streams.DecodeToken(tokens[tokenRun])
	if err := errors.Join(errW, errR); err != nil {
		return c.junk(id, m, err)
	}
	rest := tokens[tokenRest:]
	switch tokens[tokenLane] {
	case "start":
		return c.start(id, m)
	case "history":
		return c.record(id, m)
	case "body":
		return c.body(id, m, rest)
	case "claim":
		return c.claim(id, m, rest)
	}
	return c.junk(id, m, errors.New("no such lane"))
}

// junk notes a message that is none of ours.
func (c *chronicle) junk(id history.Run, m *Message, why error) error {
	c.report.Junk++
	if !c.report.Plan.Junk {
		c.violate(I2, id, "sequence %d, subject %s, is not one of ours: %v", m.Seq, m.Subject, why)
	}
	return nil
}

// The header that makes a publish conditional, and the one that says on which subject.
const (
	headerExpected   = "Nats-Expected-Last-Subject-Sequence"
	headerExpectedOn = headerExpected + "-Subject"
)

// expected is the sequence that a message was published on condition of.
func expected(m *Message) (uint64, bool) {
	values := m.Headers[headerExpected]
	if len(values) != 1 {
		return 0, false
	}
	n, err := strconv.ParseUint(values[0], 10, 64)
	return n, err == nil
}

// startsOf are the subjects of all starts of the workflow ID that the start with this subject is of.
func startsOf(subject string) string {
	const workflowID = 4 // its place, from 0: millrace.<namespace>.<partition>.run.<workflow ID>
	tokens := strings.Split(subject, ".")
	return strings.Join(tokens[:min(workflowID+1, len(tokens))], ".") + ".*.start.>"
}

func (c *chronicle) start(id history.Run, m *Message) error {
	start, err := history.DecodeStart(m.Data)
	if err == nil && start.Run.Run != id {
		err = fmt.Errorf("it is the start of run %s", start.Run.Run)
	}
	before := c.lastStart[id.WorkflowID]
	c.lastStart[id.WorkflowID] = m.Seq
	if err != nil {
		return c.junk(id, m, err)
	}
	after, checked := expected(m)
	// On any other subjects the condition says nothing of the other runs, and coordinators take it for none.
	on := m.Headers[headerExpectedOn]
	checked = checked && len(on) == 1 && on[0] == startsOf(m.Subject)
	if !checked || after != before {
		if checked || !c.report.Plan.Junk {
			c.violate(I5, id, "its start at %d was to follow the one at %d, it follows the one at %d", m.Seq, after, before)
		}
		c.report.Junk++
		return nil
	}
	if r := c.runs[id]; r != nil {
		c.violate(I2, id, "started at %d and again at %d", r.started, m.Seq)
		return nil
	}
	runs := c.order[id.WorkflowID]
	if len(runs) > 0 {
		last := runs[len(runs)-1]
		switch {
		case last.closed == 0:
			c.violate(I2, id, "started at %d while run %s is open", m.Seq, last.RunID)
		case last.successor != "" && last.successor != id.RunID:
			c.violate(I2, id, "started at %d in place of run %s, which takes over from run %s", m.Seq, last.successor, last.RunID)
		}
	}
	r := &run{Run: id, typ: start.Type, started: m.Seq, startedAt: m.Time, status: statusRunning,
		root: start.Parent == nil && start.ContinuedRunID == "",
		lane: &lane{start: start, state: history.NewState(start), consumed: map[string]uint64{}, activities: map[int64]string{}}}
	c.runs[id] = r
	c.order[id.WorkflowID] = append(runs, r)
	c.report.Runs++
	return nil
}

const statusRunning = "Running"

func (c *chronicle) body(id history.Run, m *Message, rest []string) error {
	r := c.runs[id]
	if len(rest) != 2 {
		return c.junk(id, m, errors.New("no such body"))
	}
	if r == nil || r.lane == nil {
		return nil // of a writer who came too late to append the record
	}
	n, err := strconv.Atoi(rest[1])
	if err != nil || n < 0 || n > len(r.lane.bodies[rest[0]])+1<<12 {
		return c.junk(id, m, errors.New("no such piece"))
	}
	if r.lane.bodies == nil {
		r.lane.bodies = map[string][][]byte{}
	}
	pieces := r.lane.bodies[rest[0]]
	for len(pieces) <= n {
		pieces = append(pieces, nil)
	}
	pieces[n] = m.Data
	r.lane.bodies[rest[0]] = pieces
	return nil
}

func (c *chronicle) claim(id history.Run, m *Message, rest []string) error {
	r := c.runs[id]
	if len(rest) != 1 || r == nil {
		return c.junk(id, m, errors.New("a claim of nothing"))
	}
	if after, conditional := expected(m); !conditional || after != 0 {
		return c.junk(id, m, errors.New("a claim that does not ask whether there is one"))
	}
	if r.claimed[rest[0]] {
		c.violate(I4, id, "activity %s, which may be executed once, was claimed twice", rest[0])
	}
	if r.claimed == nil {
		r.claimed = map[string]bool{}
	}
	r.claimed[rest[0]] = true
	return nil
}

// decodeRecord reads a record whose headers agree with its body.
func decodeRecord(id history.Run, m *Message) (*history.Transition, error) {
	t, err := history.DecodeTransition(m.Data)
	if err != nil {
		return nil, err
	}
	number, commit := m.Headers["Millrace-Transition"], m.Headers["Millrace-Commit"]
	if !slices.Equal(number, []string{strconv.FormatUint(t.Number, 10)}) || !slices.Equal(commit, []string{streams.EncodeToken(t.CommitID)}) {
		return nil, fmt.Errorf("headers name record %v of commit %v, the body record %d of commit %s", number, commit, t.Number, t.CommitID)
	}
	if t.RunID != id.RunID {
		return nil, fmt.Errorf("it is a record of run %s", t.RunID)
	}
	return t, nil
}

func (c *chronicle) record(id history.Run, m *Message) error {
	r := c.runs[id]
	t, err := decodeRecord(id, m)
	if err != nil || c.report.Plan.Junk && (r == nil || r.lane == nil || t.Number != uint64(r.records+1)) {
		if r != nil && r.lane != nil {
			r.lane.last = m.Seq
		}
		return c.junk(id, m, err)
	}
	switch {
	case r == nil:
		c.violate(I2, id, "record %d at %d belongs to a run that was not started", t.Number, m.Seq)
		return nil
	case r.lane == nil:
		c.violate(I2, id, "record %d at %d follows the run's end at %d", t.Number, m.Seq, r.closed)
		return nil
	}
	c.report.Records++
	c.checkChain(r, t, m)
	c.checkIdentities(r, t)
	l := r.lane
	if t.Body != nil {
		c.readBody(r, t)
	}
	c.report.Events += len(t.Events)
	if !l.broken {
		if err := l.state.Apply(t); err != nil {
			l.broken = true
			c.violate(I2, id, "record at %d: %v", m.Seq, err)
		}
	}
	l.transitions = append(l.transitions, t)
	r.records++
	for i := range t.Events {
		if err := c.facts.event(r, &t.Events[i]); err != nil {
			return err
		}
	}
	l.last, l.record, l.hash = m.Seq, m.Seq, history.HashRecord(m.Data)
	if n := len(t.Events); n > 0 && t.Events[n-1].IsClosing() {
		c.close(r, &t.Events[n-1], m)
	}
	return nil
}

// checkChain verifies that a record follows the one before it: by its own word, and by the broker's condition.
func (c *chronicle) checkChain(r *run, t *history.Transition, m *Message) {
	l := r.lane
	if t.Number == uint64(r.records+1) { // else the state says so
		if t.Previous != l.record && !c.isCopy(l, t) {
			c.violate(I5, r.Run, "record %d at %d names the record at %d as the one before it, that is at %d", t.Number, m.Seq, t.Previous, l.record)
		} else if !bytes.Equal(t.PreviousHash, l.hash) {
			c.violate(I5, r.Run, "record %d at %d names hash %x of the record before it, which has %x", t.Number, m.Seq, t.PreviousHash, l.hash)
		}
		if after, conditional := expected(m); !conditional || after != l.last {
			c.violate(I5, r.Run, "record %d at %d was to follow sequence %d, it follows %d", t.Number, m.Seq, after, l.last)
		}
	}
	if !l.broken && t.Time.Before(l.state.Time) {
		c.violate(I5, r.Run, "record %d at %d was decided at %v, before the one before it", t.Number, m.Seq, t.Time)
	}
}

// isCopy says whether a record names a message between it and the one before it that has the same bytes, which somebody has
// published who may do so.
func (c *chronicle) isCopy(l *lane, t *history.Transition) bool {
	return c.report.Plan.Junk && t.Previous > l.record && t.Previous <= l.last && bytes.Equal(t.PreviousHash, l.hash)
}

func (c *chronicle) checkIdentities(r *run, t *history.Transition) {
	commit := maphash.String(c.seed, t.CommitID)
	if _, again := c.commits[commit]; again {
		c.violate(I2, r.Run, "record %d has the commit ID %s of another record", t.Number, t.CommitID)
	}
	c.commits[commit] = struct{}{}
	for _, id := range t.Consumed {
		if before, again := r.lane.consumed[id]; again && !isWakeUp(id) {
			c.violate(I2, r.Run, "records %d and %d both consumed message %s", before, t.Number, id)
		}
		r.lane.consumed[id] = t.Number
	}
}

// isWakeUp says whether an identity is that of a wake-up: a second one for the same time means the same.
func isWakeUp(id string) bool { return strings.HasPrefix(id, string(history.SourceWakeUp)+":") }

// readBody puts the separately stored events into the transition.
func (c *chronicle) readBody(r *run, t *history.Transition) {
	l, b := r.lane, t.Body
	pieces := l.bodies[streams.EncodeToken(b.CommitID)]
	delete(l.bodies, streams.EncodeToken(b.CommitID))
	data := bytes.Join(pieces, nil)
	sum := sha256.Sum256(data)
	if len(pieces) != b.Pieces || !bytes.Equal(sum[:], b.Hash) {
		c.violate(I1, r.Run, "the separate body of record %d is not what the record refers to: %d of %d pieces", t.Number, len(pieces), b.Pieces)
		l.broken = true
		return
	}
	events, err := history.DecodeEvents(data)
	if err != nil {
		c.violate(I2, r.Run, "the separate body of record %d: %v", t.Number, err)
		l.broken = true
		return
	}
	t.Events = events
}

// close keeps what is needed of a run that has ended and has it replayed.
func (c *chronicle) close(r *run, e *history.Event, m *Message) {
	r.closed, r.closedAt = m.Seq, m.Time
	r.status = e.ClosedStatus().String()
	if a, ok := e.Attributes.(*history.WorkflowExecutionCompleted); ok {
		text, err := c.facts.text(a.Result)
		if err != nil {
			c.violate(I3, r.Run, "its result cannot be decoded: %v", err)
		}
		r.result = digest(text)
	}
	if next := history.SuccessorIn(*e); next != nil {
		r.successor = next.RunID
	}
	c.replay(r)
	r.lane = nil
}

// rest deals with the runs that are still open.
func (c *chronicle) rest() error {
	for _, r := range c.runs {
		if r.lane == nil {
			continue
		}
		c.replay(r)
		if s := r.lane.start.Signal; s != nil && r.records == 0 {
			i, ok, err := c.facts.signal(r.WorkflowID, s)
			if err != nil {
				return err
			}
			if ok {
				c.facts.fates[i].waiting = true
			}
		}
	}
	return nil
}

// longResult is from where on results are compared by their hash, to keep them in memory.
const longResult = 256

// digest is what results are compared by.
func digest(text string) string {
	if len(text) <= longResult {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes, SHA-256 %x)", text[:32], len(text), sha256.Sum256([]byte(text)))
}
