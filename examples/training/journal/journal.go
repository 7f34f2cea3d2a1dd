// Package journal records which activity executions began and ended in a process, in a file that outlives it.
//
// The crash demo needs to know, at the moment of a kill, whether the victim has an activity in flight, and afterwards
// how many executions were repeated. Only a record outside the engine can prove that; the engine's own account is what
// is being tested.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Execution identifies one attempt of one activity of one run.
type Execution struct {
	Activity   string `json:"activity"`
	ActivityID string `json:"activity_id"`
	WorkflowID string `json:"workflow_id"`
	RunID      string `json:"run_id"`
	Attempt    int32  `json:"attempt"`
}

// entry is one line of the file. Seq pairs the begin of an execution with its end.
type entry struct {
	Seq   int  `json:"seq"`
	Ended bool `json:"ended,omitempty"`
	Execution
}

// Writer appends to the journal of one process. It is safe for concurrent use.
type Writer struct {
	mu   sync.Mutex // guards seq and the order of writes
	seq  int
	file *os.File
}

// Create starts a journal in dir, which is created when absent. name must be unique among the processes that share the
// directory, over time too.
func Create(dir, name string) (*Writer, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create journal %s: %w", name, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name+extension), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create journal %s: %w", name, err)
	}
	return &Writer{file: f}, nil
}

const extension = ".jsonl"

// Begin records that an execution begins; it is recorded when Begin returns, also if the process is killed at once.
// The returned function records the end.
func (w *Writer) Begin(e Execution) (end func() error, err error) {
	seq, err := w.begin(e)
	if err != nil {
		return nil, err
	}
	return func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.writeLocked(entry{Seq: seq, Ended: true, Execution: e})
	}, nil
}

func (w *Writer) begin(e Execution) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	return w.seq, w.writeLocked(entry{Seq: w.seq, Execution: e})
}

func (w *Writer) writeLocked(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if _, err := w.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// Close closes the file. Begin and the functions that it returned fail afterwards.
func (w *Writer) Close() error { return w.file.Close() }

// InFlight returns the executions that the named journal says began and did not end, in the order of their begin. A
// journal that does not exist yet has none.
func InFlight(dir, name string) ([]Execution, error) {
	entries, err := read(filepath.Join(dir, name+extension))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	open := map[int]bool{}
	for _, e := range entries {
		open[e.Seq] = !e.Ended
	}
	var running []Execution
	for _, e := range entries {
		if !e.Ended && open[e.Seq] {
			running = append(running, e.Execution)
		}
	}
	return running, nil
}

// Totals counts what all journals of a directory hold.
type Totals struct {
	// Executions counts the executions that began, Interrupted those of them that did not end.
	Executions  int
	Interrupted int
	// Activities counts the distinct activities.
	Activities int
	// FurtherAttempts counts the executions with an attempt above 1. They can be fewer than the redeliveries: a killed
	// server may forget how often it has delivered a task.
	FurtherAttempts int
}

// Redeliveries returns how many executions were not the first of their activity.
func (t Totals) Redeliveries() int { return t.Executions - t.Activities }

// Count reads all journals in dir.
func Count(dir string) (Totals, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil {
		return Totals{}, fmt.Errorf("count journals: %w", err)
	}
	slices.Sort(paths)
	var t Totals
	distinct := map[Execution]bool{}
	for _, path := range paths {
		entries, err := read(path)
		if err != nil {
			return Totals{}, err
		}
		for _, e := range entries {
			if e.Ended {
				t.Interrupted--
				continue
			}
			t.Executions++
			t.Interrupted++
			if e.Attempt > 1 {
				t.FurtherAttempts++
			}
			distinct[Execution{WorkflowID: e.WorkflowID, RunID: e.RunID, ActivityID: e.ActivityID}] = true
		}
	}
	t.Activities = len(distinct)
	return t, nil
}

// read returns the entries of a journal. A last line without newline is one that its writer did not live to finish.
func read(path string) ([]entry, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	var entries []entry
	for n := 1; ; n++ {
		line, rest, complete := bytes.Cut(content, []byte("\n"))
		if !complete {
			return entries, nil
		}
		content = rest
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read journal %s: line %d: %w", path, n, err)
		}
		entries = append(entries, e)
	}
}
