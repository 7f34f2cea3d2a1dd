package streams

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
)

// deletions are tests of DeleteRun on runs that closed an hour ago.
type deletions struct {
	*fixture
	now time.Time
}

func newDeletions(t *testing.T) *deletions {
	return &deletions{setup(t, 1), time.Now().UTC()}
}

// run starts a run, and closes it unless closing is nil.
func (d *deletions) run(start *history.Start, expected uint64, closing history.Attributes) uint64 {
	d.Helper()
	start.Type, start.Time = "Order", d.now.Add(-2*time.Hour)
	data, err := history.Encode(start)
	d.ok(err)
	seq, err := d.ns.PublishStart(d.ctx, start.Run, data, StartInfo{Type: "Order"}, expected)
	d.ok(err)
	if closing != nil {
		d.record(start.Run, 1, 0, history.NewEvent(2, closing))
	}
	return seq
}

// record appends a record of an hour ago.
func (d *deletions) record(run history.Address, k, last uint64, events ...history.Event) uint64 {
	d.Helper()
	t := &history.Transition{RunID: run.RunID, Number: k, CommitID: uuid.NewString(), Previous: last, Cover: "start",
		Time: d.now.Add(-time.Hour), Consumed: []string{history.StartIdentity}, Events: events}
	if k > 1 {
		t.Consumed = nil
	}
	data, err := history.Encode(t)
	d.ok(err)
	e := events[len(events)-1]
	status := enums.WORKFLOW_EXECUTION_STATUS_RUNNING
	if s := e.ClosedStatus(); s != enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED {
		status = s
	}
	seq, err := d.ns.Append(d.ctx, run.Run, data, RecordInfo{Number: k, CommitID: t.CommitID, Previous: last, Type: "Order",
		LastEvent: e.ID, Status: status.String()}, last)
	d.ok(err)
	return seq
}

func (d *deletions) delete(run history.Run) error {
	return d.ns.DeleteRun(d.ctx, DeleteRequest{Run: run, Now: d.now})
}

// refused wants a run not to be deletable for a reason, and to be left as it is.
func (d *deletions) refused(run history.Run, why string) {
	d.Helper()
	err := d.delete(run)
	d.is(err, ErrNotDeletable)
	if !strings.Contains(err.Error(), why) {
		d.Errorf("error is %q, want %q", err, why)
	}
	_, err = d.ns.FindStart(d.ctx, run)
	d.ok(err)
}

// gone wants nothing to be stored of a run.
func (d *deletions) gone(run history.Run) {
	d.Helper()
	p := d.ns.at(run.WorkflowID)
	for stream, subject := range map[string]string{
		p.history: p.tree(run) + ">", p.streamNames.inbox: p.anyInbox(run), p.heartbeats: p.heartbeatsOf(run),
		payloadsStream("test"): d.ns.runPayloads(run) + ">",
	} {
		if m, err := d.ns.last(d.ctx, stream, subject); !isNoMessage(err) {
			d.Errorf("%s still has %+v (%v)", stream, m, err)
		}
	}
}

func completed() history.Attributes { return &history.WorkflowExecutionCompleted{} }

func TestAClosedRunIsDeletedWithAllThatItLeft(t *testing.T) {
	t.Parallel()
	d := newDeletions(t)
	run, other := newRun("w"), newRun("other")
	d.run(&history.Start{Run: run}, 0, completed())
	d.run(&history.Start{Run: other}, 0, completed())
	for _, r := range []history.Run{run.Run, other.Run} {
		_, err := d.ns.PutPayload(d.ctx, r, []byte("large"))
		d.ok(err)
		_, err = d.ns.PutBeat(d.ctx, r, 2, []byte("beat"), 0)
		d.ok(err)
		_, err = d.ns.Claim(d.ctx, r, 2, "me")
		d.ok(err)
	}
	d.ok(d.ns.Send(d.ctx, run, &history.Message{ID: "1", Terminate: &history.Termination{Reason: "too late"}}))
	d.ok(d.delete(run.Run))
	d.gone(run.Run)
	d.is(d.delete(run.Run), ErrNotFound)
	if _, _, err := d.ns.GetBeat(d.ctx, other.Run, 2); err != nil {
		t.Errorf("another run has lost its heartbeat: %v", err)
	}
	if closed, err := RunClosed(d.ctx, d.ns, other.Run); err != nil || closed == nil {
		t.Errorf("another run is %+v (%v)", closed, err)
	}
	// Its workflow ID can be used again, as if there had been no run.
	_, err := StartRun(d.ctx, d.ns, StartRequest{Start: &history.Start{Run: newRun("w"), Type: "Order"}})
	d.ok(err)
}

func TestRunsThatAreNeededAreNotDeleted(t *testing.T) {
	t.Parallel()
	d := newDeletions(t)
	open, young, waited := newRun("open"), newRun("young"), newRun("waited")
	d.run(&history.Start{Run: open}, 0, nil)
	d.refused(open.Run, "open")
	d.record(open, 1, 0, history.NewEvent(2, &history.TimerStarted{Timeout: 1}))
	d.refused(open.Run, "open")
	d.run(&history.Start{Run: young}, 0, completed())
	d.is(d.ns.DeleteRun(d.ctx, DeleteRequest{Run: young.Run, Now: d.now, MinAge: 2 * time.Hour}), ErrNotDeletable)
	d.is(d.ns.DeleteRun(d.ctx, DeleteRequest{Run: young.Run, Now: d.now.Add(-time.Hour + MinDeleteAge - time.Second)}), ErrNotDeletable)
	d.run(&history.Start{Run: waited}, 0, completed())
	d.ok(d.ns.Send(d.ctx, waited, signal("1")))
	d.refused(waited.Run, "signals")
	d.is(d.delete(history.Run{WorkflowID: "absent", RunID: uuid.NewString()}), ErrNotFound)
	d.is(d.delete(history.Run{WorkflowID: "absent"}), ErrInvalid)
}

// The start goes first: what an interrupted deletion leaves never runs, and the next one finds and removes it.
func TestADeletionThatWasInterruptedIsRepeated(t *testing.T) {
	t.Parallel()
	d := newDeletions(t)
	run := newRun("w")
	d.run(&history.Start{Run: run}, 0, completed())
	_, err := d.ns.PutPayload(d.ctx, run.Run, []byte("large"))
	d.ok(err)
	p := d.ns.at("w")
	d.ok(d.ns.purge(d.ctx, p.history, p.startOf(run.Run)))
	d.ok(d.delete(run.Run))
	d.gone(run.Run)

	again := newRun("w")
	d.run(&history.Start{Run: again}, 0, completed())
	_, err = d.ns.PutBody(d.ctx, again.Run, "c", []byte("body"))
	d.ok(err)
	d.ok(d.ns.purge(d.ctx, p.history, p.startOf(again.Run)))
	d.ok(d.ns.purge(d.ctx, p.history, p.record(again.Run)))
	d.ok(d.delete(again.Run)) // only a body is left
	d.gone(again.Run)
}

func TestTheSuccessorIsThereBeforeItsPredecessorGoes(t *testing.T) {
	t.Parallel()
	d := newDeletions(t)
	first := newRun("w")
	next := history.DeriveRunID(first.Run, 2, d.now)
	d.run(&history.Start{Run: first}, 0, &history.WorkflowExecutionContinuedAsNew{Successor: &history.Successor{RunID: next, Type: "Order"}})
	_, err := d.ns.PutPayload(d.ctx, first.Run, []byte("large"))
	d.ok(err)
	d.ok(d.delete(first.Run)) // nobody has started the successor
	second := history.Run{WorkflowID: "w", RunID: next}
	found, err := d.ns.FindStart(d.ctx, second)
	d.ok(err)
	start, err := found.Decode()
	d.ok(err)
	if start.ContinuedRunID != first.RunID {
		t.Errorf("successor is %+v", start)
	}
	if _, err := d.ns.last(d.ctx, payloadsStream("test"), d.ns.runPayloads(first.Run)+">"); err != nil {
		t.Errorf("the successor may refer to payloads of the first run, which are gone: %v", err)
	}
	d.record(found.Run, 1, 0, history.NewEvent(2, completed()))
	d.ok(d.delete(second))
	d.gone(first.Run)
	d.gone(second)
}

func TestPredecessorsGoBeforeTheirSuccessors(t *testing.T) {
	t.Parallel()
	d := newDeletions(t)
	first, second := newRun("w"), newRun("w")
	seq := d.run(&history.Start{Run: first}, 0,
		&history.WorkflowExecutionContinuedAsNew{Successor: &history.Successor{RunID: second.RunID, Type: "Order"}})
	d.run(&history.Start{Run: second, ContinuedRunID: first.RunID, FirstRunID: first.RunID}, seq, completed())
	d.refused(second.Run, first.RunID)
	d.ok(d.delete(first.Run))
	d.ok(d.delete(second.Run))
	d.gone(second.Run)
}

func TestAChildGoesOnceItsParentKnowsOfIt(t *testing.T) {
	t.Parallel()
	d := newDeletions(t)
	parent, child := newRun("parent"), newRun("child")
	d.run(&history.Start{Run: parent}, 0, nil)
	last := d.record(parent, 1, 0, history.NewEvent(2, &history.StartChildWorkflowExecutionInitiated{
		WorkflowID: "child", RunID: child.RunID, Type: "Order", Queue: "orders"}))
	d.run(&history.Start{Run: child, Parent: &history.Parent{Address: parent, Initiated: 2}}, 0, completed())
	d.refused(child.Run, "parent")
	last = d.record(parent, 2, last, history.NewEvent(3, &history.ChildWorkflowExecutionStarted{Initiated: 2, RunID: child.RunID}))
	d.refused(child.Run, "parent")
	d.record(parent, 3, last, history.NewEvent(4, &history.ChildWorkflowExecutionCompleted{ChildEnd: history.ChildEnd{Initiated: 2}}))
	d.ok(d.delete(child.Run))
	d.gone(child.Run)
}

func TestAParentIsToldBeforeItsChildGoes(t *testing.T) {
	t.Parallel()
	d := newDeletions(t)
	parent, child := newRun("parent"), newRun("child")
	d.run(&history.Start{Run: parent}, 0, nil)
	d.record(parent, 1, 0, history.NewEvent(2, &history.TimerStarted{Timeout: 1})) // it has reset what it knew of the child
	d.run(&history.Start{Run: child, Parent: &history.Parent{Address: parent, Initiated: 9}}, 0, completed())
	d.ok(d.delete(child.Run))
	waiting, err := d.ns.ReadInbox(d.ctx, parent, history.ChildSource(9), 0)
	d.ok(err)
	if len(waiting) != 1 {
		t.Errorf("%d notices wait for the parent, want 1", len(waiting))
	}
}
