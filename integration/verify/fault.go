package verify

import "path/filepath"

// FaultKind is what is done to the system. Any text will do; these are the ones that the verifier knows more of.
type FaultKind string

// Fault is one fault.
type Fault struct {
	// ID is unique in its file.
	ID   string    `json:"id"`
	Kind FaultKind `json:"kind"`
	// Target is what was hit, as people call it; PID is its process, 0 when there is none or several. A fault of one
	// process counts only if it hit what that process held.
	Target string `json:"target,omitempty"`
	PID    int    `json:"pid,omitempty"`
	// Begun is when it was done, Ended when it was over (a stopped process goes on, a link is up again, a process
	// has been started anew), 0 for a fault that was never over.
	Begun int64 `json:"begun"`
	Ended int64 `json:"ended,omitempty"`
	// Recovered is when the harness first saw the system do what the fault had kept it from, 0 when it does not say.
	Recovered int64 `json:"recovered,omitempty"`
	// Hit says that the harness saw it hit something in flight that operations and executions do not show, and what.
	Hit string `json:"hit,omitempty"`
}

// Faults is the log of what was done to the system. It is safe for concurrent use.
type Faults struct{ *appender }

// OpenFaults opens the log of one process that injects faults.
func OpenFaults(dir, process string, o WriteOptions) (*Faults, error) {
	a, err := openAppender(filepath.Join(dir, "faults-"+process+".jsonl"), o)
	return &Faults{a}, err
}

// Append notes a fault, before it is done, when it is over or when the system has recovered.
func (w *Faults) Append(f Fault) error { return w.append(f) }
