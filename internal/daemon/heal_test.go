package daemon

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// TestWhatALostInboxCoveredIsSentAgain: a child was decided on and not started, and a run closed without telling its
// parent. The messages that covered that are gone; they are repeated, and to those only that have consumed them.
func TestWhatALostInboxCoveredIsSentAgain(t *testing.T) {
	f := setup(t)
	at := time.Now().UTC().Add(-time.Minute).Truncate(time.Millisecond)
	run := func(id string) history.Run {
		start := &history.Start{Type: "T", Time: at, Attempt: 1, Run: history.Address{Run: history.Run{WorkflowID: id, RunID: id + "-run"}, Queue: "q"}}
		if _, err := streams.StartRun(f.ctx, f.ns, streams.StartRequest{Start: start}); err != nil {
			t.Fatal(err)
		}
		return start.Run.Run
	}
	child := &history.StartChildWorkflowExecutionInitiated{WorkflowID: "kid", RunID: "kid-run", Type: "T", Queue: "q"}
	signal := func(n int64) history.Event {
		return history.NewEvent(n, &history.WorkflowExecutionSignaled{Signal: history.Signal{Name: "go", ID: "s1"}})
	}
	parent, closed, idle := run("parent"), run("closed"), run("idle")
	f.record(t, parent, "s:s1", at, signal(2), history.NewEvent(3, child))
	f.record(t, closed, "s:s1", at, signal(2), history.NewEvent(3, &history.WorkflowExecutionCompleted{}))
	f.record(t, idle, "s:s1", at, signal(2))
	for p := range f.ns.Partitions() {
		if _, err := f.nc.Request("$JS.API.STREAM.DELETE."+inboxOf(p), nil, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	healed := make(chan Healing, 100)
	ctx, stop := context.WithCancel(f.ctx)
	ended := make(chan error, 1)
	go func() {
		ended <- NewHealer(f.ns, HealerConfig{Every: 50 * time.Millisecond, Age: time.Millisecond, Healed: func(h Healing) { healed <- h }}).Run(ctx)
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	var repeated []string
	for len(repeated) < 2 {
		select {
		case h := <-healed:
			if h.Measure == "repeat message" {
				repeated = append(repeated, h.Object)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("repeated %v, want two messages", repeated)
		}
	}
	slices.Sort(repeated)
	if repeated[0] != closed.String()+" s:s1" || repeated[1] != parent.String()+" s:s1" {
		t.Errorf("repeated %v", repeated)
	}
	for _, r := range []history.Run{parent, closed} {
		waiting, err := f.ns.ReadInbox(f.ctx, history.Address{Run: r, Queue: "q"}, history.SourceSignals, 0)
		if err != nil || len(waiting) != 1 {
			t.Errorf("inbox of %s has %d messages, %v", r, len(waiting), err)
		}
	}
}

func inboxOf(partition int) string {
	return "MILLRACE_default_" + string(rune('0'+partition)) + "_INBOX"
}

// record appends a run's first record, with headers as a coordinator writes them.
func (f fixture) record(t *testing.T, run history.Run, consumed string, at time.Time, events ...history.Event) {
	t.Helper()
	data, err := history.Encode(&history.Transition{RunID: run.RunID, Number: 1, CommitID: "c", Cover: consumed, Time: at,
		Consumed: []string{history.StartIdentity, consumed}, Events: events})
	if err != nil {
		t.Fatal(err)
	}
	status := "Running"
	if last := events[len(events)-1]; last.IsClosing() {
		status = last.ClosedStatus().String()
	}
	if _, err := f.ns.Append(f.ctx, run, data, streams.RecordInfo{Number: 1, CommitID: "c", Status: status}, 0); err != nil {
		t.Fatal(err)
	}
}

// closedRuns makes n closed runs.
func (f *fixture) closedRuns(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		run, _ := f.lost(t, fmt.Sprintf("closed-%d", i))
		tail, err := f.ns.Tail(f.ctx, run.Run)
		if err != nil {
			t.Fatal(err)
		}
		f.append(t, run.Run, 2, tail.Seq, time.Now(), history.NewEvent(5, &history.WorkflowExecutionCompleted{}))
	}
}

func TestAScanThatLastsForLongGoesFaster(t *testing.T) {
	f := setup(t)
	f.closedRuns(t, 10)
	h := NewHealer(f.ns, HealerConfig{Rate: 4, ScanEvery: 50 * time.Millisecond})
	h.limit.SetBurst(1)
	if err := h.scanInTime(f.ctx, scan{}, map[history.Run]*openRun{}, time.Time{}); err != nil {
		t.Error(err)
	}
	if h.limit.Limit() != 40 {
		t.Errorf("after more than its time a scan looks at %v runs a second, want 40", h.limit.Limit())
	}
	h.cfg.ScanEvery = time.Hour
	h.limit.SetLimit(1000)
	if err := h.scanInTime(f.ctx, scan{}, map[history.Run]*openRun{}, time.Time{}); err != nil {
		t.Error(err)
	}
	if h.limit.Limit() != 1000 {
		t.Errorf("a scan that was in time changed the rate to %v", h.limit.Limit())
	}
}

// TestTheScanHoldsOpenRunsOnly: most of the starts that are stored are those of closed runs, of which a scan may have looked
// at few when it ends.
func TestTheScanHoldsOpenRunsOnly(t *testing.T) {
	f := setup(t)
	f.closedRuns(t, 20)
	idle := &history.Start{Type: "T", Time: time.Now().UTC(), Attempt: 1, Run: history.Address{
		Run: history.Run{WorkflowID: "open", RunID: "open-run"}, Queue: "q"}}
	if _, err := streams.StartRun(f.ctx, f.ns, streams.StartRequest{Start: idle}); err != nil {
		t.Fatal(err)
	}
	h := NewHealer(f.ns, HealerConfig{Rate: 1})
	h.limit.SetBurst(5)
	open := map[history.Run]*openRun{}
	ctx, cancel := context.WithTimeout(f.ctx, 500*time.Millisecond)
	defer cancel()
	if err := h.scan(ctx, scan{}, open, time.Time{}); err == nil {
		t.Error("a scan of 21 runs ended that may look at 5")
	}
	if len(open) != 1 || open[idle.Run.Run] == nil {
		t.Errorf("after 5 looks the scan holds %d runs, want the open one", len(open))
	}
	h.limit.SetBurst(100)
	h.limit.SetLimit(1000)
	if err := h.scan(f.ctx, scan{}, open, time.Time{}); err != nil {
		t.Error(err)
	}
	if len(open) != 1 || open[idle.Run.Run] == nil {
		t.Errorf("the scan holds %d runs, want the open one", len(open))
	}
}
