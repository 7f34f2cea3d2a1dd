package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Expectation is how the runs of a workflow ID have to end: the last run of its chain, where one continues another.
type Expectation struct {
	// WorkflowID names it; or Prefix names all whose IDs begin so and that have no expectation of their own.
	WorkflowID string `json:"workflow,omitempty"`
	Prefix     string `json:"prefix,omitempty"`
	// Status is that of the last run, as in Seen; "Running" for one that stays open; empty for any that is closed.
	Status string `json:"status,omitempty"`
	// Result is compared with the result if it is not nil, as Seen has it.
	Result *string `json:"result,omitempty"`
	// Signals is how many signals the workflow ID's runs must have received all together, -1 or 0 for any number.
	Signals int `json:"signals,omitempty"`
	// Absent says that there may be no run at all: its start was refused, or its outcome is unknown.
	Absent bool `json:"absent,omitempty"`
}

// Expectations is the log of what is expected. It is safe for concurrent use.
type Expectations struct{ *appender }

// OpenExpectations opens the log of one process that knows what to expect.
func OpenExpectations(dir, process string, o WriteOptions) (*Expectations, error) {
	a, err := openAppender(filepath.Join(dir, "expectations-"+process+".jsonl"), o)
	return &Expectations{a}, err
}

// Append notes an expectation. The last one for a workflow ID counts.
func (w *Expectations) Append(e Expectation) error { return w.append(e) }

// Plan is what a run was to do. The zero Plan asks for nothing, and nothing can fall short of it.
type Plan struct {
	Name string `json:"name,omitempty"`
	// Seed makes the harness do the same again, Profile names the durability profile.
	Seed    uint64 `json:"seed,omitempty"`
	Profile string `json:"profile,omitempty"`
	// Operations are how many of each kind were to be acknowledged. Four fifths are enough.
	Operations map[OperationKind]int `json:"operations,omitempty"`
	// Faults are how many of each kind had to hit something in flight.
	Faults map[FaultKind]int `json:"faults,omitempty"`
	// Baseline is the p99 without poison, if it was measured in another run; Slowdown how many times that the p99 of
	// healthy runs may be, 0 for twice.
	Baseline time.Duration `json:"baseline,omitempty"`
	Slowdown float64       `json:"slowdown,omitempty"`
	// ExtraRatio is how many executions there may be for each executed activity, retries of failures not counted; 0
	// for any number that faults explain.
	ExtraRatio float64 `json:"extraRatio,omitempty"`
	// Grace is for how long after its end a fault may have delayed effects, such as redeliveries; 0 for a minute.
	Grace time.Duration `json:"grace,omitempty"`
	// Junk says that others published to the lanes of histories on purpose: what is no record there is counted, and
	// no violation.
	Junk bool `json:"junk,omitempty"`
	// NoReplay says that histories need not be replayed here, NoOrder that linearizability need not be examined.
	NoReplay bool `json:"noReplay,omitempty"`
	NoOrder  bool `json:"noOrder,omitempty"`
}

const planFile = "plan.json"

// WritePlan writes the plan into a directory of evidence.
func WritePlan(dir string, p Plan) error {
	data, err := json.MarshalIndent(p, "", "  ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, planFile), append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// ReadPlan reads the plan of a directory of evidence, which may have none.
func ReadPlan(dir string) (Plan, error) {
	var p Plan
	data, err := os.ReadFile(filepath.Join(dir, planFile))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		return p, fmt.Errorf("read plan: %w", err)
	}
	return p, nil
}
