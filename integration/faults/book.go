package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/integration/verify"
	"github.com/millrace-dev/millrace/workflow"
)

// decision is a line of a process's decisions: one that it makes, or one that an activity of it confirms. Like all
// evidence it is one write to a file in append mode.
type decision struct {
	Number     int64  `json:"n"`
	WorkflowID string `json:"workflow"`
	RunID      string `json:"run"`
	// Nonce names the decision.
	Nonce string `json:"nonce"`
	// Confirmed is set by the activity that confirms it.
	Confirmed bool  `json:"confirmed,omitempty"`
	Begun     int64 `json:"begun"`
	// Ended is when it was made, 0 in the line that is written before.
	Ended int64 `json:"ended,omitempty"`
}

// book is what one process notes of what it does.
type book struct {
	executions *verify.Executions
	dir        string
	process    string
	// work is how long an activity works, thought how long a decision takes.
	work, thought time.Duration
	made          atomic.Int64

	mu   sync.Mutex // guards file
	file *os.File   // of the decisions
}

func openBook(dir, process string, work, thought time.Duration) (*book, error) {
	x, err := verify.OpenExecutions(dir, process, verify.WriteOptions{})
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(decisionsFile(dir, process), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open decisions: %w", err)
	}
	return &book{executions: x, dir: dir, process: process, work: work, thought: thought, file: f}, nil
}

func decisionsFile(dir, process string) string {
	return filepath.Join(dir, "decisions-"+process+".jsonl")
}

func executionsFile(dir, process string) string {
	return filepath.Join(dir, "executions-"+process+".jsonl")
}

// execute notes an execution of an activity around its work.
func (b *book) execute(ctx context.Context) error {
	info := activity.GetInfo(ctx)
	end, err := b.executions.Begin(verify.Execution{
		WorkflowID: info.WorkflowExecution.ID, RunID: info.WorkflowExecution.RunID, ActivityID: info.ActivityID, Attempt: info.Attempt,
	})
	if err != nil {
		return err
	}
	select {
	case <-time.After(b.work):
	case <-ctx.Done():
		err = ctx.Err()
	}
	return errors.Join(err, end(err))
}

func (b *book) step(ctx context.Context, text string, n int) (string, error) {
	return step(text, n), b.execute(ctx)
}

// await leaves its token, and its result to the client. The token is there as a whole or not at all.
func (b *book) await(ctx context.Context) (string, error) {
	if err := b.execute(ctx); err != nil {
		return "", err
	}
	info := activity.GetInfo(ctx)
	name := tokenFile(b.dir, info.WorkflowExecution.ID)
	if err := os.WriteFile(name+"."+b.process, info.TaskToken, 0o644); err != nil {
		return "", fmt.Errorf("leave the token: %w", err)
	}
	if err := os.Rename(name+"."+b.process, name); err != nil {
		return "", fmt.Errorf("leave the token: %w", err)
	}
	return "", activity.ErrResultPending
}

func (b *book) confirm(ctx context.Context, _ int, nonce string) (string, error) {
	if err := b.execute(ctx); err != nil {
		return "", err
	}
	run := activity.GetInfo(ctx).WorkflowExecution
	d := decision{WorkflowID: run.ID, RunID: run.RunID, Nonce: nonce, Confirmed: true, Begun: verify.Now(), Ended: verify.Now()}
	return nonce, b.note(d)
}

// decided notes a decision around the time that it takes. A file that cannot be written is no reason to decide
// otherwise; the examination will miss the decision that is confirmed.
func (b *book) decided(run workflow.Execution, n int) string {
	number := b.made.Add(1)
	d := decision{
		Number: number, WorkflowID: run.ID, RunID: run.RunID, Nonce: fmt.Sprintf("%s/%d/%d", b.process, n, number), Begun: verify.Now(),
	}
	err := b.note(d)
	time.Sleep(b.thought) // the code of a workflow that computes for a while
	d.Ended = verify.Now()
	if err = errors.Join(err, b.note(d)); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return d.Nonce
}

func (b *book) note(d decision) error {
	line, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("write decisions: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write decisions: %w", err)
	}
	return nil
}

// readFrom calls each with the whole lines of a file from offset on, and returns where they end; none of a process that
// died before it had a file. A last line without its end is being written, or was when the process died.
func readFrom[T any](name string, offset int64, each func(T)) (end int64, err error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return offset, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read evidence: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return 0, fmt.Errorf("read evidence: %w", err)
	}
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return offset, nil
		}
		if err != nil {
			return 0, fmt.Errorf("read evidence: %w", err)
		}
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return 0, fmt.Errorf("read evidence %s: byte %d: %w", name, offset, err)
		}
		each(v)
		offset += int64(len(line))
	}
}

// watch follows what a process notes while it is written.
type watch struct {
	executions, decisions string // names of files
	executedTo, decidedTo int64
	executing             int // what has begun and not ended
	// deciding are the runs of the decisions that have begun and not ended, by nonce.
	deciding map[string]string
}

func newWatch(dir, process string) *watch {
	return &watch{executions: executionsFile(dir, process), decisions: decisionsFile(dir, process), deciding: map[string]string{}}
}

// look reads what is new.
func (w *watch) look() (err error) {
	w.executedTo, err = readFrom(w.executions, w.executedTo, func(e verify.Execution) {
		if e.Ended == 0 {
			w.executing++
		} else {
			w.executing--
		}
	})
	if err != nil {
		return err
	}
	w.decidedTo, err = readFrom(w.decisions, w.decidedTo, func(d decision) {
		switch {
		case d.Confirmed:
		case d.Ended == 0:
			w.deciding[d.Nonce] = d.WorkflowID + "/" + d.RunID
		default:
			delete(w.deciding, d.Nonce)
		}
	})
	return err
}
