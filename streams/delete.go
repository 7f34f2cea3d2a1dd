package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// Deletion. A run is deleted when nothing can ask for it any more. What would make it come to life again, or make
// somebody wait for ever, is in others' hands, so the order matters:
//
//   - Its closing effects are sent again first: its successor's start, the notice to its parent, requests to its children.
//     All of them may be sent twice.
//   - Whoever may send its start again goes first: the run that it took over from, and a parent that does not know that it
//     has started. As long as these are stored it cannot be deleted, since a start that is gone would be accepted again.
//   - The start goes before the records: a start without records is a run that has not begun, records without a start are
//     nothing. What is left behind when a deletion is interrupted is of the second kind, and deleting again removes it.
//
// Safety: no deletion makes a run execute again, loses a successor or leaves a parent waiting. Liveness: every closed run
// can be deleted once its workers have dealt with what waits in its inbox, predecessors before their successors.

// MinDeleteAge is how long a run has to be closed at least before it can be deleted: starts and requests whose answer was
// lost are repeated for about a minute, and find by the run that they were carried out.
const MinDeleteAge = 2 * time.Minute

// DeleteRequest says which run is to be deleted.
type DeleteRequest struct {
	Run history.Run
	// Now is the time, MinAge how long the run must have been closed by then; at least MinDeleteAge.
	Now    time.Time
	MinAge time.Duration
}

// DeleteRun deletes a closed run: its start, records and bodies, what its activities left, and its payloads, unless
// later runs of its chain refer to them. It fails with ErrNotDeletable while something may still ask for the run, and with
// ErrNotFound when nothing of it is stored. One that was interrupted can be repeated.
func (n *Namespace) DeleteRun(ctx context.Context, req DeleteRequest) error {
	err := checkRun(req.Run)
	if err == nil {
		err = n.deleteRun(ctx, req)
	}
	if err != nil {
		return fmt.Errorf("delete run %s: %w", req.Run, err)
	}
	return nil
}

func (n *Namespace) deleteRun(ctx context.Context, req DeleteRequest) error {
	p := n.at(req.Run.WorkflowID)
	found, err := n.FindStart(ctx, req.Run)
	if err == nil || errors.Is(err, ErrNotFound) {
		if err := n.expectHoles(ctx, n.Partition(req.Run.WorkflowID)); err != nil {
			return err
		}
	}
	switch {
	case err == nil:
		if err := n.detach(ctx, found, req); err != nil {
			return err
		}
		if err := n.purge(ctx, p.history, p.startOf(req.Run)); err != nil {
			return err
		}
	case !errors.Is(err, ErrNotFound):
		return err
	default:
		_, err = n.last(ctx, p.history, p.tree(req.Run)+">")
		if err != nil && !isNoMessage(err) {
			return err
		}
		if absent := err != nil; absent {
			return fmt.Errorf("%w: nothing of it is stored", ErrNotFound)
		}
	}
	return n.sweep(ctx, p, req.Run)
}

// sweep removes what a run without a start has left. Its lane is the last: as long as something is there, the deletion
// can be repeated.
func (n *Namespace) sweep(ctx context.Context, p *partition, run history.Run) error {
	needed, err := n.chained(ctx, run, run.RunID)
	if err != nil {
		return err
	}
	if !needed {
		if err := n.DeletePayloads(ctx, run); err != nil {
			return err
		}
	}
	for _, x := range []struct{ stream, subject string }{
		{p.streamNames.inbox, p.anyInbox(run)},
		{p.streamNames.inbox, p.wakeUp(run)},
		{p.heartbeats, p.heartbeatsOf(run)},
		{p.history, p.tree(run) + ">"},
	} {
		if err := n.purge(ctx, x.stream, x.subject); err != nil {
			return err
		}
	}
	return nil
}

// chained says whether another run than this one is stored that belongs to the chain which first began.
func (n *Namespace) chained(ctx context.Context, run history.Run, first string) (bool, error) {
	for other, err := range n.ListStarts(ctx, StartFilter{WorkflowID: run.WorkflowID}) {
		if err != nil {
			return false, err
		}
		if other.Run.RunID == run.RunID {
			continue
		}
		start, err := other.Decode()
		if err == nil && start.FirstRun() == first { // what is no start refers to nothing
			return true, nil
		}
	}
	return false, nil
}

// detach makes sure that nobody needs the run.
func (n *Namespace) detach(ctx context.Context, found *StoredStart, req DeleteRequest) error {
	run, err := ReadRun(ctx, n, found)
	if err != nil {
		return err
	}
	s, err := run.State()
	if err != nil {
		return err
	}
	if !s.Closed() {
		return fmt.Errorf("%w: it is open; terminate it first", ErrNotDeletable)
	}
	if least := max(req.MinAge, MinDeleteAge); req.Now.Sub(s.Time) < least {
		return fmt.Errorf("%w: it closed at %s, and must have been closed for %v", ErrNotDeletable, s.Time.Format(time.RFC3339), least)
	}
	if err := n.checkBefore(ctx, run.Start); err != nil {
		return err
	}
	if err := n.checkInbox(ctx, run.Start.Run); err != nil {
		return err
	}
	if err := n.sendClosing(ctx, found, s); err != nil {
		return err
	}
	if first := run.Start.FirstRun(); first != req.Run.RunID {
		return n.deleteFirst(ctx, req.Run, first)
	}
	return nil
}

// checkBefore refuses while somebody may send the run's start again.
func (n *Namespace) checkBefore(ctx context.Context, start *history.Start) error {
	if start.ContinuedRunID != "" {
		before := history.Run{WorkflowID: start.Run.WorkflowID, RunID: start.ContinuedRunID}
		_, err := n.FindStart(ctx, before)
		if err == nil {
			return fmt.Errorf("%w: delete run %s first, which it took over from", ErrNotDeletable, before.RunID)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	if start.Parent == nil {
		return nil
	}
	found, err := n.FindStart(ctx, start.Parent.Run)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	parent, err := ReadRun(ctx, n, found)
	if err != nil {
		return err
	}
	s, err := parent.State()
	if err != nil {
		return err
	}
	if child, waits := s.Children[start.Parent.Initiated]; waits && (!s.Closed() || child.RunID == "") {
		return fmt.Errorf("%w: its parent, run %s, has not taken note of it", ErrNotDeletable, start.Parent.Run)
	}
	return nil
}

// checkInbox refuses while signals or updates wait for the run, whose senders were told that they are queued.
func (n *Namespace) checkInbox(ctx context.Context, run history.Address) error {
	waiting, err := n.ReadInbox(ctx, run, history.SourceSignals, 0)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		m, err := history.DecodeMessage(w.Data)
		if err != nil || m.Signal != nil || m.Update != nil {
			return fmt.Errorf("%w: signals or updates wait in its inbox, which a worker of task queue %q has to deal with", ErrNotDeletable, run.Queue)
		}
	}
	return nil
}

// deleteFirst deletes the payloads of the first run of a chain with the chain's last run, unless the first one is still
// there. It comes before the start is deleted, which alone names the first run.
func (n *Namespace) deleteFirst(ctx context.Context, run history.Run, first string) error {
	firstRun := history.Run{WorkflowID: run.WorkflowID, RunID: first}
	needed, err := n.chained(ctx, run, first)
	if err != nil || needed {
		return err
	}
	return n.DeletePayloads(ctx, firstRun)
}

// sendClosing sends what a closed run asks for, under whatever cover.
func (n *Namespace) sendClosing(ctx context.Context, found *StoredStart, s *history.State) error {
	covers := []string{s.CloseCover}
	for _, c := range s.Children {
		covers = append(covers, c.Cover)
	}
	for _, x := range s.Externals {
		covers = append(covers, x.Cover)
	}
	slices.Sort(covers[1:])
	for _, cover := range slices.Compact(covers) {
		for _, effect := range s.Effects(cover) {
			if err := n.sendClosed(ctx, found, effect); err != nil {
				return fmt.Errorf("send %T again: %w", effect, err)
			}
		}
	}
	return nil
}

func (n *Namespace) sendClosed(ctx context.Context, found *StoredStart, effect history.Effect) error {
	var already *AlreadyStartedError
	switch x := effect.(type) {
	case *history.StartSuccessor:
		_, err := StartRun(ctx, n, StartRequest{Start: x.Start, Successor: true, After: found.Seq})
		if errors.As(err, &already) { // nobody gives the workflow ID away before the successor has started
			return nil
		}
		return err
	case *history.StartChild:
		_, err := StartRun(ctx, n, StartRequest{Start: x.Start, Reuse: x.Reuse})
		if errors.As(err, &already) {
			return nil
		}
		return err
	case *history.NotifyParent:
		return n.notifyParent(ctx, x)
	case *history.SendRequest:
		return n.sendRequest(ctx, found.Run.Run, x)
	case *history.WithdrawTask:
		return n.WithdrawTask(ctx, TaskRef{Run: found.Run.Run, Queue: x.Queue, Activity: x.Activity})
	}
	return nil // nothing else is asked for by a closed run
}

// notifyParent tells an open parent. A closed one has nobody to tell.
func (n *Namespace) notifyParent(ctx context.Context, x *history.NotifyParent) error {
	closed, err := RunClosed(ctx, n, x.Parent.Run)
	if err != nil || closed != nil {
		return err
	}
	if _, err := n.FindStart(ctx, x.Parent.Run); err != nil {
		return ignoreAbsent(err)
	}
	return n.Send(ctx, x.Parent.Address, &history.Message{ID: "closed", Child: x.Outcome})
}

// sendRequest sends a request to another run, if that is there and open, or has somebody to pass it on to.
func (n *Namespace) sendRequest(ctx context.Context, from history.Run, x *history.SendRequest) error {
	var found *StoredStart
	var err error
	if x.Target.RunID != "" {
		found, err = n.FindStart(ctx, x.Target)
	} else {
		found, _, err = LastRun(ctx, n, x.Target.WorkflowID, 0)
	}
	if err != nil {
		return ignoreAbsent(err)
	}
	if x.ChildOnly {
		start, err := found.Decode()
		if err != nil || start.Parent == nil || start.Parent.Run != from {
			return nil // it is somebody else's
		}
	}
	closed, err := RunClosed(ctx, n, found.Run.Run)
	if err != nil || closed != nil && closed.Successor == "" {
		return err
	}
	return n.Send(ctx, found.Run, x.Message)
}

func ignoreAbsent(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
