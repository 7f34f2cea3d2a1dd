package verify

import (
	"os"
	"path/filepath"
	"sync/atomic"
)

// Execution is one execution of an activity function.
type Execution struct {
	// Number counts the executions in its file from 1.
	Number     int64  `json:"n"`
	WorkflowID string `json:"workflow"`
	RunID      string `json:"run"`
	ActivityID string `json:"activity"`
	Attempt    int32  `json:"attempt"`
	// Local is set for local activities, which run again whenever their transition was not stored.
	Local bool  `json:"local,omitempty"`
	PID   int   `json:"pid"`
	Begun int64 `json:"begun"`
	// Ended is when the function returned, 0 when it never did. Failed says that it returned an error: that may be
	// followed by another attempt.
	Ended  int64 `json:"ended,omitempty"`
	Failed bool  `json:"failed,omitempty"`
}

// Executions is the side-effect ledger of one process. It is safe for concurrent use.
type Executions struct {
	*appender
	last atomic.Int64
}

// OpenExecutions opens the ledger of a process that names itself; two processes must not share a name, also not one
// after the other.
func OpenExecutions(dir, process string, o WriteOptions) (*Executions, error) {
	a, err := openAppender(filepath.Join(dir, "executions-"+process+".jsonl"), o)
	return &Executions{appender: a}, err
}

// Begin notes that an execution begins: it is the activity's side effect, and comes BEFORE anything else that the
// function does. Number, PID and Begun are set here. The returned function notes the end.
func (w *Executions) Begin(e Execution) (end func(err error) error, err error) {
	e.Number, e.PID, e.Begun = w.last.Add(1), os.Getpid(), Now()
	if err := w.append(e); err != nil {
		return nil, err
	}
	return func(err error) error {
		e.Ended, e.Failed = Now(), err != nil
		return w.append(e)
	}, nil
}
