package streams

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
)

// Starter is what StartRun needs of a namespace.
type Starter interface {
	PublishStart(ctx context.Context, run history.Address, data []byte, info StartInfo, expected uint64) (uint64, error)
	FindStart(ctx context.Context, run history.Run) (*StoredStart, error)
	StartLister
	Endings
	Send(ctx context.Context, to history.Address, m *history.Message) error
}

// StartLister finds the starts of a workflow ID.
type StartLister interface {
	LastStart(ctx context.Context, workflowID string) (*StoredStart, error)
	ListStarts(ctx context.Context, filter StartFilter) iter.Seq2[*StoredStart, error]
}

// LastRun is the newest start of a workflow ID up to the given sequence (0: of all) that a coordinator would run, or
// ErrNotFound. One that was published without the check, or is no start at all, never runs and hides nothing. Newest is
// the sequence of the newest message among the starts, run or not: what a further start has to expect.
func LastRun(ctx context.Context, s StartLister, workflowID string, upTo uint64) (run *StoredStart, newest uint64, err error) {
	last, err := s.LastStart(ctx, workflowID)
	if err != nil {
		return nil, 0, err
	}
	if last.Checked && (upTo == 0 || last.Seq <= upTo) {
		return last, last.Seq, nil
	}
	for start, err := range s.ListStarts(ctx, StartFilter{WorkflowID: workflowID, Checked: true}) {
		if err != nil {
			return nil, 0, err
		}
		if upTo == 0 || start.Seq <= upTo {
			return start, last.Seq, nil
		}
	}
	return nil, last.Seq, fmt.Errorf("no run of workflow %q: %w", workflowID, ErrNotFound)
}

// Endings tells how runs ended.
type Endings interface {
	Tail(ctx context.Context, run history.Run) (*Record, error)
	Load(ctx context.Context, run history.Run, after uint64) (*Loaded, error)
	Bodies
}

// Bodies reads the separate bodies of oversized records.
type Bodies interface {
	GetBody(ctx context.Context, run history.Run, ref *history.BodyRef) ([]byte, error)
}

// StartRequest asks for a run to be started.
type StartRequest struct {
	// Start is complete: its run ID is chosen, so that asking twice starts once.
	Start *history.Start
	// Reuse applies when the last run of the workflow ID is closed, Conflict when it is open.
	Reuse    enums.WorkflowIdReusePolicy
	Conflict enums.WorkflowIdConflictPolicy
	// Successor marks the start of a run that takes over from its closed predecessor: it is the only start that may
	// follow one that continued as new.
	Successor bool
	// After is the sequence of the start that this one follows, 0 for none or unknown. A wrong one costs a refusal.
	After uint64
}

// StartRun starts a run, at most once for its run ID, at most one open run for its workflow ID. It returns the run's
// address, or with USE_EXISTING that of the run that is open. It fails with AlreadyStartedError when a policy refuses.
//
// Our exact run is looked for before any other: an earlier try whose acknowledgement was lost may have stored it, and
// it may even be closed by now.
func StartRun(ctx context.Context, s Starter, req StartRequest) (history.Address, error) {
	run := req.Start.Run
	data, err := history.Encode(req.Start)
	if err == nil {
		err = CheckWaiter(req.Start.Waiter)
	}
	if err != nil {
		return history.Address{}, fmt.Errorf("start run %s: %w", run.Run, err)
	}
	info := StartInfo{Type: req.Start.Type}
	expected := req.After
	for {
		_, err := s.PublishStart(ctx, run, data, info, expected)
		if err == nil {
			return run, nil
		}
		if !errors.Is(err, ErrConflict) {
			return history.Address{}, fmt.Errorf("start run %s: %w", run.Run, err)
		}
		use, last, err := refused(ctx, s, req)
		if err != nil {
			return history.Address{}, fmt.Errorf("start run %s: %w", run.Run, err)
		}
		if use != nil {
			return *use, nil
		}
		expected = last
	}
}

// refused finds out what a refused start means: the address to use instead, or the expectation to try again with.
func refused(ctx context.Context, s Starter, req StartRequest) (use *history.Address, expected uint64, err error) {
	if mine, err := s.FindStart(ctx, req.Start.Run.Run); err == nil {
		return &mine.Run, 0, nil
	} else if !errors.Is(err, ErrNotFound) {
		return nil, 0, err
	}
	last, newest, err := LastRun(ctx, s, req.Start.Run.WorkflowID, 0)
	if errors.Is(err, ErrNotFound) {
		return nil, newest, nil
	}
	if err != nil {
		return nil, 0, err
	}
	switch {
	case last.Run.Run == req.Start.Run.Run:
		return &last.Run, 0, nil // stored since we looked
	case req.Successor && last.Run.RunID == req.Start.ContinuedRunID:
		return nil, newest, nil // it is closed: our start was derived from its closing record
	}
	closed, err := RunClosed(ctx, s, last.Run.Run)
	if err != nil {
		return nil, 0, err
	}
	if closed == nil {
		return conflicting(ctx, s, req, last)
	}
	if closed.Successor != "" {
		// The workflow ID is taken: whoever finds a chain without its next run starts that first.
		return nil, 0, helpSuccessor(ctx, s, last)
	}
	if req.Successor {
		return nil, 0, &AlreadyStartedError{Run: last.Run}
	}
	if refusesReuse(req.Reuse, closed.Status) {
		return nil, 0, &AlreadyStartedError{Run: last.Run, Status: closed.Status}
	}
	return nil, newest, nil
}

// conflicting applies the conflict policy while run last is open.
func conflicting(ctx context.Context, s Starter, req StartRequest, last *StoredStart) (*history.Address, uint64, error) {
	terminate := req.Conflict == enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING ||
		req.Reuse == enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING
	switch {
	case req.Conflict == enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING:
		return &last.Run, 0, nil
	case !terminate || req.Successor:
		return nil, 0, &AlreadyStartedError{Run: last.Run}
	}
	m := &history.Message{ID: uuid.NewString(), Terminate: &history.Termination{
		Reason: "a new run of the workflow was started", Identity: req.Start.Identity}}
	if err := s.Send(ctx, last.Run, m); err != nil {
		return nil, 0, fmt.Errorf("terminate run %s: %w", last.Run.Run, err)
	}
	// It may have closed in favor of a successor, which the request to terminate then follows: the next refusal tells.
	return nil, 0, awaitClose(ctx, s, last.Run.Run)
}

func refusesReuse(p enums.WorkflowIdReusePolicy, status string) bool {
	switch p {
	case enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE:
		return true
	case enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY:
		return status == enums.WORKFLOW_EXECUTION_STATUS_COMPLETED.String()
	}
	return false
}

// maxClosePause bounds the time between two looks at a run whose end is awaited.
const maxClosePause = 250 * time.Millisecond

// awaitClose polls a run that was told to end: its coordinator may be busy, or has yet to be started.
func awaitClose(ctx context.Context, s Endings, run history.Run) error {
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, maxClosePause) {
		closed, err := RunClosed(ctx, s, run)
		if err != nil || closed != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("await the end of run %s: %w", run, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// helpSuccessor starts the run that takes over from a closed one, whose bytes everyone derives alike.
func helpSuccessor(ctx context.Context, s Starter, last *StoredStart) error {
	start, err := last.Decode()
	if err != nil {
		return err
	}
	record, err := lastRecord(ctx, s, last.Run.Run)
	if err != nil {
		return err
	}
	closing, err := TransitionOf(ctx, s, record)
	if err != nil {
		return err
	}
	next := history.SuccessorOf(start, closing)
	if next == nil {
		return fmt.Errorf("run %s names a successor that its closing record does not have", last.Run.Run)
	}
	_, err = StartRun(ctx, s, StartRequest{Start: next, Successor: true})
	var already *AlreadyStartedError
	if errors.As(err, &already) {
		return nil
	}
	return err
}

// ClosedRun says how a run ended.
type ClosedRun struct {
	Status string
	// Successor is the run ID of the run that takes over, empty for none.
	Successor string
	// Closing is the closing transition.
	Closing *history.Transition
}

// RunClosed reads the run's last record from the stream leader: nil when the run is open.
func RunClosed(ctx context.Context, s Endings, run history.Run) (*ClosedRun, error) {
	last, err := lastRecord(ctx, s, run)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil || last.Status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING.String() {
		return nil, err
	}
	t, err := TransitionOf(ctx, s, last)
	if err != nil {
		return nil, err
	}
	return closedBy(t), nil
}

func closedBy(t *history.Transition) *ClosedRun {
	if len(t.Events) == 0 || !t.Events[len(t.Events)-1].IsClosing() {
		return nil
	}
	last := t.Events[len(t.Events)-1]
	closed := &ClosedRun{Status: last.ClosedStatus().String(), Closing: t}
	if next := history.SuccessorIn(last); next != nil {
		closed.Successor = next.RunID
	}
	return closed
}

func lastRecord(ctx context.Context, s Endings, run history.Run) (*Record, error) {
	tail, err := s.Tail(ctx, run)
	if err != nil {
		return nil, err
	}
	if tail.Junk {
		loaded, err := s.Load(ctx, run, 0)
		if err != nil {
			return nil, err
		}
		if len(loaded.Records) == 0 {
			return nil, fmt.Errorf("run %s has no records: %w", run, ErrNotFound)
		}
		tail = &loaded.Records[len(loaded.Records)-1]
	}
	return tail, nil
}

// TransitionOf is a record's transition with its events, which an oversized one keeps in a separate body. The value is
// shared with the record: it must not be changed.
func TransitionOf(ctx context.Context, s Bodies, r *Record) (*history.Transition, error) {
	t, err := r.Transition()
	if err != nil {
		return nil, fmt.Errorf("record %d of run %s: %w", r.Seq, r.Run, err)
	}
	if t.Body == nil {
		return t, nil
	}
	body, err := s.GetBody(ctx, r.Run, t.Body)
	if errors.Is(err, ErrNotFound) {
		// Not ErrNotFound: it would be taken to speak of the run.
		return nil, fmt.Errorf("record %d of run %s: %w", r.Seq, r.Run, &DamagedError{Record: t.Number, Last: t.Number, Reason: err.Error()})
	}
	if err != nil {
		return nil, fmt.Errorf("record %d of run %s: %w", r.Seq, r.Run, err)
	}
	whole := *t
	if whole.Events, err = history.DecodeEvents(body); err != nil {
		return nil, fmt.Errorf("record %d of run %s: %w", r.Seq, r.Run, err)
	}
	return &whole, nil
}

// AlreadyStartedError is returned when a run of the workflow ID is open, or a closed one forbids another.
type AlreadyStartedError struct {
	Run history.Address
	// Status is the closed run's, empty for an open one.
	Status string
}

func (e *AlreadyStartedError) Error() string {
	if e.Status != "" {
		return fmt.Sprintf("workflow %q has a run %s that closed as %s, and the ID reuse policy refuses another",
			e.Run.WorkflowID, e.Run.RunID, e.Status)
	}
	return fmt.Sprintf("workflow %q is running already as run %s", e.Run.WorkflowID, e.Run.RunID)
}
