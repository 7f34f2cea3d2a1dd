package verify

import (
	"path/filepath"
	"time"
)

// OperationKind is what a client asks for.
type OperationKind string

// The kinds of operations.
const (
	// OperationStart starts a run. Acknowledged: RunID is the run that the client was told of. Refused: another run
	// is, or was, in the way, Seen.RunID if the client was told which.
	OperationStart OperationKind = "start"
	// OperationSignal sends a signal whose first argument is the text Message, which no other operation sends: the JSON
	// string, or a JSON object whose member "mark" it is.
	OperationSignal OperationKind = "signal"
	// OperationUpdate sends an update with the ID Message. Acknowledged: it was accepted, and Seen.Result is what it
	// returned if the client waited for that. Refused: it was rejected, or came too late.
	OperationUpdate OperationKind = "update"
	// OperationCompletion waits for the end of a run. Acknowledged: Seen has its status and its result.
	OperationCompletion OperationKind = "completion"
	// OperationCancel asks for a cancellation, OperationTerminate for a termination.
	OperationCancel    OperationKind = "cancel"
	OperationTerminate OperationKind = "terminate"
	// OperationReport completes or fails, from outside its worker, the activity whose activity ID is Message.
	OperationReport OperationKind = "report"
	// OperationDescribe looks at the newest run of the workflow ID. Acknowledged: Seen has its run ID and status.
	OperationDescribe OperationKind = "describe"
)

// Outcome is what a client was told.
type Outcome string

// The outcomes. An operation whose line has none was never answered: it is unknown.
const (
	Acknowledged Outcome = "acknowledged"
	// Refused is a definite no: it had no effect.
	Refused Outcome = "refused"
	// Unknown is everything else: time-outs, lost connections, a client that died.
	Unknown Outcome = "unknown"
)

// Operation is one request of a client.
type Operation struct {
	// ID is unique in its file.
	ID         string        `json:"id"`
	Kind       OperationKind `json:"kind"`
	WorkflowID string        `json:"workflow"`
	// RunID is the run that was named or told, empty for none.
	RunID string `json:"run,omitempty"`
	// Message is what the kind says.
	Message string `json:"message,omitempty"`
	// Reuse is the workflow ID reuse policy of a start by its Temporal name, empty for AllowDuplicate.
	Reuse string `json:"reuse,omitempty"`
	// Class is ClassHealthy, ClassPoison or ClassBaseline where latencies are to be compared, else empty.
	Class string `json:"class,omitempty"`
	// Begun is when the request was about to be sent, Ended when its answer had come, 0 for never.
	Begun int64 `json:"begun"`
	Ended int64 `json:"ended,omitempty"`

	Outcome Outcome `json:"outcome,omitempty"`
	Error   string  `json:"error,omitempty"`
	Seen    *Seen   `json:"seen,omitempty"`
}

// Classes of operations whose latencies are compared: those beside poison, the poison itself, and those before it.
const (
	ClassHealthy  = "healthy"
	ClassPoison   = "poison"
	ClassBaseline = "baseline"
)

// Seen is what a client was told of a run's state.
type Seen struct {
	RunID string `json:"run,omitempty"`
	// Status is "Running", "Completed", "Failed", "Canceled", "Terminated", "ContinuedAsNew" or "TimedOut".
	Status string `json:"status,omitempty"`
	// Result is the data of the first payload of the result as text, which is JSON unless another converter wrote it.
	Result string `json:"result,omitempty"`
	// LastEvent is the number of the last event that the answer takes into account, 0 when that is not known.
	LastEvent int64 `json:"event,omitempty"`
}

// Operations is a client's log. It is safe for concurrent use.
type Operations struct{ *appender }

// OpenOperations opens the log of one client process, which names itself.
func OpenOperations(dir, process string, o WriteOptions) (*Operations, error) {
	a, err := openAppender(filepath.Join(dir, "operations-"+process+".jsonl"), o)
	return &Operations{a}, err
}

// Append notes an operation, before its request is sent or when its outcome is known.
func (w *Operations) Append(op Operation) error { return w.append(op) }

// Now is a time as evidence has it.
func Now() int64 { return time.Now().UnixNano() }
