package history

import (
	"cmp"
	"slices"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// UpdateRequest asks for one call of an update handler of the run's code. ID is the sender's choice: a second request
// with the same ID asks for the same call.
type UpdateRequest struct {
	ID       string           `msgpack:"id"`
	Name     string           `msgpack:"n"`
	Input    *common.Payloads `msgpack:"in,omitempty"`
	Header   *common.Header   `msgpack:"h,omitempty"`
	Identity string           `msgpack:"i,omitempty"`
	// Exact says that the request is for this run, and not for one that takes over from it.
	Exact bool `msgpack:"x,omitempty"`
	// Asker is told what becomes of the update, nil for nobody.
	Asker *UpdateAsker `msgpack:"as,omitempty"`
}

// UpdateAsker is where the answers to an update request go.
type UpdateAsker struct {
	// Waiter is the subject token of the client that asks, Key what it calls this request.
	Waiter string `msgpack:"w"`
	Key    string `msgpack:"k"`
	// Acceptance says that the client waits for the update to be accepted, not only for its outcome.
	Acceptance bool `msgpack:"a,omitempty"`
}

// AcceptanceKey and OutcomeKey are the keys under which the two kinds of answers are sent.
func (a *UpdateAsker) AcceptanceKey() string { return a.Key + "-a" }

// OutcomeKey is documented at AcceptanceKey.
func (a *UpdateAsker) OutcomeKey() string { return a.Key + "-o" }

// UpdateMessageID is the ID of the message that brings the update with the given ID. It differs from the IDs of signals
// and the like, which others choose.
func UpdateMessageID(update string) string { return "update:" + update }

// UpdateStep is how far an update has come.
type UpdateStep int

const (
	// UpdateAccepted: the code has found it valid, and its handler is running.
	UpdateAccepted UpdateStep = iota + 1
	// UpdateCompleted: its handler has returned, or the run closed before it did.
	UpdateCompleted
	// UpdateRejected: the code has found it invalid. Nothing in the history tells of it.
	UpdateRejected
	// UpdateTooLate: the run closed before it was accepted.
	UpdateTooLate
)

// UpdateAnswer tells whoever asked for an update what became of it. It is a core NATS message: it may be lost, and the
// history or the answer to another request with the same ID says the same.
type UpdateAnswer struct {
	Version int `msgpack:"v"`
	// Run is the run that answers, which may be a successor of the one that was asked.
	Run    Run              `msgpack:"r"`
	ID     string           `msgpack:"id"`
	Step   UpdateStep       `msgpack:"s"`
	Result *common.Payloads `msgpack:"re,omitempty"`
	// Failure is the handler's error, or why the update was rejected.
	Failure *failure.Failure `msgpack:"f,omitempty"`
	// Status is that of the run for UpdateTooLate.
	Status enums.WorkflowExecutionStatus `msgpack:"st,omitempty"`
}

func (a *UpdateAnswer) version() *int { return &a.Version }
func (*UpdateAnswer) name() string    { return "update answer" }

// DecodeUpdateAnswer reads the answer to an update request.
func DecodeUpdateAnswer(data []byte) (*UpdateAnswer, error) { return decode(data, &UpdateAnswer{}) }

// WorkflowExecutionUpdateAccepted brings an update that the code has found valid.
type WorkflowExecutionUpdateAccepted struct {
	UpdateRequest `msgpack:",inline"`
}

// WorkflowExecutionUpdateCompleted tells what the handler of an update returned: a failure, or else a result.
type WorkflowExecutionUpdateCompleted struct {
	// Accepted is the number of the event that brought the update, ID the update's.
	Accepted int64            `msgpack:"ac"`
	ID       string           `msgpack:"id"`
	Result   *common.Payloads `msgpack:"r,omitempty"`
	Failure  *failure.Failure `msgpack:"f,omitempty"`
}

// EventType is WORKFLOW_EXECUTION_UPDATE_ACCEPTED.
func (*WorkflowExecutionUpdateAccepted) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
}

// EventType is WORKFLOW_EXECUTION_UPDATE_COMPLETED.
func (*WorkflowExecutionUpdateCompleted) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED
}

func updateAttributes() []Attributes {
	return []Attributes{&WorkflowExecutionUpdateAccepted{}, &WorkflowExecutionUpdateCompleted{}}
}

// AcceptedUpdate is an update that a run has accepted.
type AcceptedUpdate struct {
	// Event is the number of the event that brought it.
	Event int64
	// Asker is told of the outcome, nil for nobody.
	Asker *UpdateAsker
	// Outcome is what its handler returned, nil while it runs.
	Outcome *WorkflowExecutionUpdateCompleted
}

func (s *State) updateAccepted(e *Event, a *WorkflowExecutionUpdateAccepted) error {
	if _, twice := s.Updates[a.ID]; twice {
		return s.illegal(e, "update "+a.ID+" was accepted before")
	}
	if s.Updates == nil {
		s.Updates = map[string]*AcceptedUpdate{}
	}
	s.Updates[a.ID] = &AcceptedUpdate{Event: e.ID, Asker: a.Asker}
	return nil
}

func (s *State) updateCompleted(e *Event, a *WorkflowExecutionUpdateCompleted) error {
	u, ok := s.Updates[a.ID]
	if !ok || u.Outcome != nil || u.Event != a.Accepted {
		return s.illegal(e, "update "+a.ID+" is not running")
	}
	u.Outcome = a
	return nil
}

// UpdateAnswer is what the history says of the update with the given ID, nil when it was not accepted. Those that were
// running when the run closed have failed.
func (s *State) UpdateAnswer(id string) *UpdateAnswer {
	u, ok := s.Updates[id]
	if !ok {
		return nil
	}
	answer := &UpdateAnswer{Run: s.Start.Run.Run, ID: id, Step: UpdateAccepted}
	switch {
	case u.Outcome != nil:
		answer.Step, answer.Result, answer.Failure = UpdateCompleted, u.Outcome.Result, u.Outcome.Failure
	case s.Closed():
		answer.Step, answer.Failure = UpdateCompleted, abandonedUpdate()
	}
	return answer
}

// FailureTypeAbandonedUpdate is the type of the non-retryable application failure of an update whose handler was
// running when its run closed.
const FailureTypeAbandonedUpdate = "AcceptedUpdateCompletedWorkflow"

func abandonedUpdate() *failure.Failure {
	return &failure.Failure{
		Message:                "workflow completed before the update completed",
		Source:                 "millrace",
		ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: FailureTypeAbandonedUpdate, NonRetryable: true},
	}
}

// RunningUpdates are the IDs of the updates that were accepted and have no outcome, in the order of their events.
func (s *State) RunningUpdates() []string {
	var running []string
	for id, u := range s.Updates {
		if u.Outcome == nil {
			running = append(running, id)
		}
	}
	slices.SortFunc(running, func(a, b string) int { return cmp.Compare(s.Updates[a].Event, s.Updates[b].Event) })
	return running
}
