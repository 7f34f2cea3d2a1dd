package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// execution is one execution of an activity, as its process noted it.
type execution struct {
	WorkflowID string `json:"workflow"`
	RunID      string `json:"run"`
	ActivityID string `json:"activity"`
	Attempt    int32  `json:"attempt"`
}

// activityKey names an activity among all runs.
type activityKey struct{ workflowID, runID, activityID string }

func (e execution) key() activityKey { return activityKey{e.WorkflowID, e.RunID, e.ActivityID} }

// entry is a line of a ledger.
type entry struct {
	execution
	// What is "begin" or "end".
	What string    `json:"what"`
	PID  int       `json:"pid"`
	Time time.Time `json:"time"`
}

// ledger is the file in which one process notes what its activities do. Each line is one write to a file in append
// mode: the kernel has it when the write returns, and what the kernel has survives the process. A kill can cut off a
// line at most if it comes between two halves of a write.
type ledger struct {
	file *os.File
	pid  int
}

func openLedger(name string) (*ledger, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return &ledger{file: f, pid: os.Getpid()}, nil
}

func (l *ledger) begin(e execution) error { return l.write(entry{execution: e, What: "begin"}) }
func (l *ledger) end(e execution) error   { return l.write(entry{execution: e, What: "end"}) }

func (l *ledger) write(e entry) error {
	e.PID, e.Time = l.pid, time.Now()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

// readLedger reads the entries of one process; none for a process that died before it had a ledger. A last line
// without its end was being written when the process died: nothing had been done yet that it could tell of.
func readLedger(name string) ([]entry, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	defer f.Close()
	var entries []entry
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		var e entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read ledger %s: line %d: %w", name, len(entries)+1, err)
		}
		entries = append(entries, e)
	}
}

// readLedgers reads the ledgers of all processes that ever ran.
func readLedgers(dir string) ([]entry, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.ledger"))
	if err != nil {
		return nil, fmt.Errorf("list ledgers: %w", err)
	}
	var all []entry
	for _, name := range names {
		entries, err := readLedger(name)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

// inFlight counts the executions of one process that began and did not end.
func inFlight(entries []entry) int {
	n := 0
	for _, e := range entries {
		if e.What == "begin" {
			n++
		} else {
			n--
		}
	}
	return n
}

// executions is what the ledgers say of how often activities were run.
type executions struct {
	// Began counts the executions, Distinct the activities, Repeated the executions that were not the first of
	// their activity, Redelivered those whose attempt number says so, too.
	Began, Distinct, Redelivered int
	ended                        map[activityKey]bool
}

func (x executions) extra() int { return x.Began - x.Distinct }

func countExecutions(entries []entry) executions {
	x := executions{ended: map[activityKey]bool{}}
	began := map[activityKey]bool{}
	for _, e := range entries {
		if e.What == "end" {
			x.ended[e.key()] = true
			continue
		}
		x.Began++
		began[e.key()] = true
		if e.Attempt > 1 {
			x.Redelivered++
		}
	}
	x.Distinct = len(began)
	return x
}
