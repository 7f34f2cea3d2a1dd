package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// StartInfo is what a start's headers repeat of its body, for readers that do not decode it.
type StartInfo struct {
	// Type is the workflow's type.
	Type string
}

// StoredStart is a start as HISTORY holds it.
type StoredStart struct {
	Run history.Address
	StartInfo
	// Seq is its sequence in the partition's HISTORY stream.
	Seq uint64
	// Checked says whether it was published on the condition that its workflow ID's last start was the one at sequence
	// Expected (0: none). A start that was not may exist beside another open run and must not be executed.
	Checked  bool
	Expected uint64
	Data     []byte
	// Time is when the broker stored it.
	Time time.Time
}

// PublishStart stores the start of a run, on the condition that the last start of its workflow ID is the one at
// sequence expected (0: there is none). ErrConflict means that it is not, and that this run was not started. When
// a start of the same run is stored already, by an earlier try, the call succeeds with its sequence.
func (n *Namespace) PublishStart(ctx context.Context, run history.Address, data []byte, info StartInfo, expected uint64) (seq uint64, err error) {
	if err := errors.Join(checkAddress(run), n.checkSize("start", data)); err != nil {
		return 0, fmt.Errorf("start run %s: %w", run.Run, err)
	}
	p := n.at(run.WorkflowID)
	m := &nats.Msg{Subject: p.start(run), Header: nats.Header{}, Data: data}
	if info.Type != "" {
		m.Header[headerType] = []string{EncodeToken(info.Type)}
	}
	expect(m.Header, p.startsOf(run.WorkflowID), expected)
	seq, err = n.putHistory(ctx, p, m)
	if isRefused(err) {
		seq, err = n.settle(ctx, "start", m, expected, err, func(ctx context.Context) (seq, last uint64, err error) {
			return n.findStart(ctx, p, run.Run)
		})
	}
	if err != nil {
		return 0, fmt.Errorf("start run %s: %w", run.Run, err)
	}
	return seq, nil
}

// findStart reads from the stream's leader whether a run's start is stored (seq, else 0), and the last sequence of its
// workflow ID's starts. The last start is read first: what is found after it was found by a leader that knew of it.
func (n *Namespace) findStart(ctx context.Context, p *partition, run history.Run) (seq, last uint64, err error) {
	newest, err := n.last(ctx, p.history, p.startsOf(run.WorkflowID))
	if err == nil {
		last = newest.seq
	} else if !isNoMessage(err) {
		return 0, 0, err
	}
	ours, err := n.last(ctx, p.history, p.startOf(run))
	switch {
	case isNoMessage(err):
		return 0, last, nil
	case err != nil:
		return 0, 0, err
	}
	return ours.seq, max(last, ours.seq), nil
}

// LastStart is the newest start of a workflow ID, or ErrNotFound.
func (n *Namespace) LastStart(ctx context.Context, workflowID string) (*StoredStart, error) {
	if err := CheckWorkflowID(workflowID); err != nil {
		return nil, fmt.Errorf("last start: %w", err)
	}
	p := n.at(workflowID)
	m, err := n.last(ctx, p.history, p.startsOf(workflowID))
	if err != nil {
		return nil, fmt.Errorf("last start of workflow %s: %w", workflowID, err)
	}
	if s := startOf(p, m); s != nil {
		return s, nil
	}
	// Junk under our check subject. It is the last start in the broker's eyes, so its sequence is what matters.
	return &StoredStart{Run: history.Address{Run: history.Run{WorkflowID: workflowID}}, Seq: m.seq, Data: m.data, Time: m.time}, nil
}

// FindStart is the start of exactly this run, or ErrNotFound.
func (n *Namespace) FindStart(ctx context.Context, run history.Run) (*StoredStart, error) {
	if err := checkRun(run); err != nil {
		return nil, fmt.Errorf("find start: %w", err)
	}
	p := n.at(run.WorkflowID)
	m, err := n.last(ctx, p.history, p.startOf(run))
	if isNoMessage(err) {
		if damaged := n.checkAbsent(ctx, p.history, p.startOf(run)); damaged != nil {
			err = damaged
		}
	}
	if err != nil {
		return nil, fmt.Errorf("find start of run %s: %w", run, err)
	}
	if s := startOf(p, m); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("find start of run %s: %w: subject %s is not that of a start", run, ErrNotFound, m.subject)
}

// StartAt is the start of a workflow ID at a sequence of its partition, or ErrNotFound.
func (n *Namespace) StartAt(ctx context.Context, workflowID string, seq uint64) (*StoredStart, error) {
	if err := CheckWorkflowID(workflowID); err != nil {
		return nil, fmt.Errorf("start at %d: %w", seq, err)
	}
	if seq == 0 {
		return nil, fmt.Errorf("start at 0 of workflow %s: %w", workflowID, ErrNotFound)
	}
	p := n.at(workflowID)
	m, err := n.get(ctx, p.history, getRequest{Seq: seq})
	if err != nil {
		return nil, fmt.Errorf("start at %d of workflow %s: %w", seq, workflowID, err)
	}
	s := startOf(p, m)
	if s == nil || s.Run.WorkflowID != workflowID {
		return nil, fmt.Errorf("start at %d of workflow %s: %w: subject %s", seq, workflowID, ErrNotFound, m.subject)
	}
	return s, nil
}

// startOf reads a start, nil for another message.
func startOf(p *partition, m *stored) *StoredStart {
	s, err := parseSubject(m.subject)
	if err != nil || s.kind != kindStart {
		return nil
	}
	start := &StoredStart{
		Run: history.Address{Run: s.run, Queue: s.queue, Build: s.build}, Seq: m.seq, Data: m.data, Time: m.time,
	}
	start.Type, _ = textIn(m.header, headerType) // only for show: an unreadable one is as good as none
	start.Checked, start.Expected = checkOf(p, s.run.WorkflowID, m.header)
	return start
}

// checkOf says whether a start's headers hold the check that all starts of its workflow ID share.
func checkOf(p *partition, workflowID string, h nats.Header) (checked bool, expected uint64) {
	on := h[headerExpectedSubject]
	expected, ok := numberIn(h, headerExpected)
	if !ok || len(h[headerExpected]) == 0 || len(on) != 1 || on[0] != p.startsOf(workflowID) {
		return false, 0
	}
	return true, expected
}
