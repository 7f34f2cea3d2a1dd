package streams_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// starts is a model in which runs are started and closed by hand.
type starts struct {
	*testing.T
	ctx   context.Context
	model *streamstest.Model
	// onSend, when set, is called before a message is sent to a run's inbox.
	onSend func(run history.Run)
}

func newStarts(t *testing.T) *starts {
	s := &starts{T: t}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	s.ctx = ctx
	s.model = streamstest.New(streamstest.Options{Hook: func(op streamstest.Op, run history.Run, _ int) streamstest.Fault {
		if op == streamstest.OpSend && s.onSend != nil {
			s.onSend(run)
		}
		return streamstest.Proceed
	}})
	return s
}

func (s *starts) request() streams.StartRequest {
	run := history.Run{WorkflowID: "w", RunID: uuid.NewString()}
	return streams.StartRequest{Start: &history.Start{Run: history.Address{Run: run, Queue: "q"}, Type: "Order", Time: time.Now().UTC()}}
}

func (s *starts) start(r streams.StartRequest) history.Address {
	s.Helper()
	run, err := streams.StartRun(s.ctx, s.model, r)
	if err != nil {
		s.Fatal(err)
	}
	return run
}

// close appends a closing transition to a run without history.
func (s *starts) close(run history.Run, closing history.Attributes) {
	s.Helper()
	e := history.NewEvent(2, closing)
	data, err := history.Encode(&history.Transition{RunID: run.RunID, Number: 1, CommitID: uuid.NewString(),
		Cover: history.StartIdentity, Consumed: []string{history.StartIdentity}, Time: time.Now().UTC(), Events: []history.Event{e}})
	if err == nil {
		info := streams.RecordInfo{Number: 1, CommitID: uuid.NewString(), Status: e.ClosedStatus().String(), LastEvent: 2}
		_, err = s.model.Append(s.ctx, run, data, info, 0)
	}
	if err != nil {
		s.Fatal(err)
	}
}

// newest is the run of the workflow ID that was started last.
func (s *starts) newest() string {
	s.Helper()
	last, err := s.model.LastStart(s.ctx, "w")
	if err != nil {
		s.Fatal(err)
	}
	return last.Run.RunID
}

func TestStartPolicies(t *testing.T) {
	const (
		allow     = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
		failed    = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
		reject    = enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
		replace   = enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING
		fail      = enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL
		use       = enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
		terminate = enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING
	)
	completed, broken := &history.WorkflowExecutionCompleted{}, &history.WorkflowExecutionFailed{}
	for name, test := range map[string]struct {
		last     history.Attributes // nil for an open run
		reuse    enums.WorkflowIdReusePolicy
		conflict enums.WorkflowIdConflictPolicy
		want     string
	}{
		"open":                           {nil, 0, 0, "refused"},
		"open, fail":                     {nil, allow, fail, "refused"},
		"open, reject duplicate":         {nil, reject, use, "existing"},
		"open, use existing":             {nil, allow, use, "existing"},
		"open, terminate existing":       {nil, allow, terminate, "new"},
		"open, terminate if running":     {nil, replace, 0, "new"},
		"completed":                      {completed, 0, 0, "new"},
		"completed, allow":               {completed, allow, fail, "new"},
		"completed, failed only":         {completed, failed, 0, "refused"},
		"completed, reject":              {completed, reject, 0, "refused"},
		"completed, reject, use":         {completed, reject, use, "refused"},
		"completed, terminate":           {completed, replace, 0, "new"},
		"failed, failed only":            {broken, failed, 0, "new"},
		"failed, reject":                 {broken, reject, 0, "refused"},
		"terminated, failed only":        {&history.WorkflowExecutionTerminated{}, failed, 0, "new"},
		"timed out, failed only":         {&history.WorkflowExecutionTimedOut{}, failed, 0, "new"},
		"canceled, allow, use existing":  {&history.WorkflowExecutionCanceled{}, allow, use, "new"},
		"canceled, terminate if running": {&history.WorkflowExecutionCanceled{}, replace, 0, "new"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStarts(t)
			first := s.start(s.request())
			if test.last != nil {
				s.close(first.Run, test.last)
			}
			s.onSend = func(run history.Run) { s.close(run, &history.WorkflowExecutionTerminated{}) }
			r := s.request()
			r.Reuse, r.Conflict = test.reuse, test.conflict
			run, err := streams.StartRun(s.ctx, s.model, r)
			got := map[string]string{first.RunID: "existing", r.Start.Run.RunID: "new"}[run.RunID]
			var already *streams.AlreadyStartedError
			if errors.As(err, &already) && already.Run.RunID == first.RunID && (already.Status == "") == (test.last == nil) {
				got = "refused"
			}
			if got != test.want {
				t.Errorf("got %q (run %v, error %v), want %q", got, run, err, test.want)
			}
			if newest := s.newest(); (newest == r.Start.Run.RunID) != (test.want == "new") {
				t.Errorf("the newest run is %s", newest)
			}
		})
	}
}

// The coordinator died between the closing record of a run and the start of its successor: the workflow ID is not free,
// and whoever comes by starts the successor, with the bytes that the coordinator would have sent.
func TestWhoFindsNoSuccessorStartsIt(t *testing.T) {
	for name, policy := range map[string]enums.WorkflowIdConflictPolicy{
		"refused": enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL, "uses it": enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStarts(t)
			first := s.start(s.request())
			next := &history.Successor{RunID: uuid.NewString(), Initiator: enums.CONTINUE_AS_NEW_INITIATOR_WORKFLOW, Type: "Order"}
			s.close(first.Run, &history.WorkflowExecutionContinuedAsNew{Successor: next})
			r := s.request()
			r.Conflict = policy
			run, err := streams.StartRun(s.ctx, s.model, r)
			var already *streams.AlreadyStartedError
			switch {
			case name == "uses it" && (err != nil || run.RunID != next.RunID):
				t.Errorf("got run %v, %v; want the successor %s", run, err, next.RunID)
			case name == "refused" && (!errors.As(err, &already) || already.Run.RunID != next.RunID):
				t.Errorf("got run %v, %v; want to be refused by the successor %s", run, err, next.RunID)
			}
			if got := s.newest(); got != next.RunID {
				t.Errorf("the newest run is %s, want the successor %s", got, next.RunID)
			}
		})
	}
}

// A caller that got no answer asks again. Its run may have been stored, may have closed, and may have been followed.
func TestStartAskedTwiceStartsOnce(t *testing.T) {
	s := newStarts(t)
	r := s.request()
	r.Reuse = enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	first := s.start(r)
	if again := s.start(r); again != first {
		t.Errorf("asked again while open: %v, want %v", again, first)
	}
	s.close(first.Run, &history.WorkflowExecutionCompleted{})
	if again := s.start(r); again != first {
		t.Errorf("asked again after the close: %v, want %v", again, first)
	}
	second := s.start(s.request())
	if again := s.start(r); again != first {
		t.Errorf("asked again after another run was started: %v, want %v", again, first)
	}
	if got := s.newest(); got != second.RunID {
		t.Errorf("the newest run is %s, want %s", got, second.RunID)
	}
}
