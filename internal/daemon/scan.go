package daemon

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// scan is what one look at the runs is about.
type scan struct {
	// all says that closed runs are looked at as well; cancels and echoes that cancel flags and messages to other runs may
	// be lost.
	all, cancels, echoes bool
}

const (
	// scanOverlap is how far a scan reads back among the starts that the one before knew: clocks of servers differ.
	scanOverlap = time.Minute
	// echoAge is for how long after its end a run is taken to have sent what may be lost with an inbox.
	echoAge = time.Hour
)

// openRun is what the scans remember of an open run: some hundred bytes each.
type openRun struct {
	// tail is the sequence of the record that the rest follows from.
	tail  uint64
	tasks []Missing
	// due is the run's earliest deadline, zero for none.
	due time.Time
	run history.Address
}

// runScan looks at the open runs, over and over.
func (h *Healer) runScan(ctx context.Context) {
	open := map[history.Run]*openRun{}
	var known time.Time // starts from before it are in open
	pause := time.NewTimer(h.cfg.Age)
	defer pause.Stop()
	for {
		s := scan{}
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		case names := <-h.restored:
			s = scan{cancels: holds(names, "HEARTBEATS"), echoes: holds(names, "INBOX")}
			s.all = s.echoes
			h.hurry()
			// Whoever has just decided something sends it to the new stream.
			if !sleep(ctx, h.cfg.Age) {
				return
			}
		}
		begun := time.Now()
		if err := h.scanInTime(ctx, s, open, known); err != nil {
			h.failed(ctx, "runs", err)
			if s != (scan{}) { // not forgotten: repeated as it is
				select {
				case h.restored <- map[string]bool{"_INBOX": s.echoes, "_HEARTBEATS": s.cancels}:
				default:
				}
			}
		} else {
			known = begun.Add(-scanOverlap)
			h.limit.SetLimit(rate.Limit(h.cfg.Rate))
		}
		pause.Reset(h.cfg.ScanEvery)
	}
}

// scanInTime is a scan that goes faster once it has lasted for longer than there are scans: where there are many starts, what
// is lost would be found later each time.
func (h *Healer) scanInTime(ctx context.Context, s scan, open map[history.Run]*openRun, known time.Time) error {
	late := time.AfterFunc(h.cfg.ScanEvery, h.hurry)
	defer late.Stop()
	return h.scan(ctx, s, open, known)
}

// hurry has ten times as many runs looked at.
func (h *Healer) hurry() { h.limit.SetLimit(rate.Limit(10 * h.cfg.Rate)) }

// scan takes up the starts since known, all of them if it is zero, and looks at what the open runs wait for. Starts are
// looked at as they are listed: nearly all are those of runs that are closed, and there may be millions.
func (h *Healer) scan(ctx context.Context, s scan, open map[history.Run]*openRun, known time.Time) error {
	if s.all {
		known = time.Time{}
	}
	before := slices.Collect(maps.Values(open))
	for start, err := range h.ns.ListStarts(ctx, streams.StartFilter{}) {
		if err != nil {
			return fmt.Errorf("list runs: %w", err)
		}
		if start.Time.Before(known) {
			break
		}
		if open[start.Run.Run] != nil {
			continue
		}
		if err := h.judge(ctx, s, open, &openRun{run: start.Run}); err != nil {
			return err
		}
	}
	for _, o := range before {
		if err := h.judge(ctx, s, open, o); err != nil {
			return err
		}
	}
	return nil
}

// judge looks at a run, in its turn, and keeps it in open unless it is closed.
func (h *Healer) judge(ctx context.Context, s scan, open map[history.Run]*openRun, o *openRun) error {
	if err := h.limit.Wait(ctx); err != nil {
		return err
	}
	run := o.run.Run
	isOpen, err := h.look(ctx, s, o)
	switch {
	case err == nil && !isOpen:
		delete(open, run)
		return nil
	case errors.Is(err, streams.ErrUnavailable):
		return err
	case err != nil:
		h.cfg.Logger.Debug("run cannot be judged", "run", run.String(), "error", err)
	}
	open[run] = o
	return nil
}

// look sends what a run waits for and nobody will send, and says whether it is open.
func (h *Healer) look(ctx context.Context, s scan, o *openRun) (isOpen bool, err error) {
	tail, err := h.ns.Tail(ctx, o.run.Run)
	if errors.Is(err, streams.ErrNotFound) {
		return h.isThere(ctx, o.run.Run)
	}
	if err != nil {
		return true, err
	}
	closed := !tail.Junk && tail.Status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING.String()
	age := time.Since(tail.Time)
	if closed && !(s.echoes && age < echoAge) {
		return false, nil
	}
	if age < h.cfg.Age {
		return true, nil
	}
	if o.tail != tail.Seq || s != (scan{}) {
		state, err := h.repair.state(ctx, o.run.Run)
		if err != nil {
			return true, err
		}
		*o = openRun{tail: tail.Seq, run: state.Start.Run, tasks: tasksOf(state), due: state.NextDeadline(state.Time)}
		if err := h.resend(ctx, s, state); err != nil {
			return true, err
		}
	}
	if closed {
		return false, nil
	}
	return true, h.fill(ctx, o)
}

// isThere says whether a run without records still has its start. It is the business of the starts' consumer.
func (h *Healer) isThere(ctx context.Context, run history.Run) (bool, error) {
	_, err := h.ns.FindStart(ctx, run)
	if errors.Is(err, streams.ErrNotFound) {
		return false, nil
	}
	return true, err
}

// fill sends the tasks and the wake-up that are missing.
func (h *Healer) fill(ctx context.Context, o *openRun) error {
	for _, m := range o.tasks {
		sent, err := h.repair.send(ctx, m)
		if err != nil {
			return err
		}
		if sent {
			h.healed("send task", fmt.Sprintf("%s activity %d", m.Run.Run, m.Activity), "taskQueue", m.Queue)
		}
	}
	if o.due.IsZero() {
		return nil
	}
	armed, err := h.ns.ArmedWakeUp(ctx, o.run.Run)
	if err == nil && armed.Sub(o.due) < time.Millisecond {
		return nil
	}
	if err != nil && !errors.Is(err, streams.ErrNotFound) {
		return err
	}
	sent, err := h.repair.send(ctx, Missing{Run: o.run})
	if sent && err == nil {
		h.healed("arm wake-up", o.run.Run.String())
	}
	return err
}

// tasksOf are the tasks of a run's pending activities.
func tasksOf(s *history.State) []Missing {
	var all []Missing
	for _, id := range slices.Sorted(maps.Keys(s.Activities)) {
		a := s.Activities[id]
		all = append(all, Missing{Run: s.Start.Run, Activity: id, ActivityType: a.Scheduled.Type, Queue: a.Scheduled.Queue})
	}
	return all
}

// resend does what only a lost stream asks for: it says again what was asked of activities, and repeats the messages
// that cover what goes to other runs, which has whoever gets them send it.
func (h *Healer) resend(ctx context.Context, s scan, state *history.State) error {
	if s.cancels && !state.Closed() {
		for id, a := range state.Activities {
			if a.Control != nil {
				if err := h.ns.PutControl(ctx, state.Start.Run.Run, id, a.Control.Event); err != nil {
					return err
				}
			}
			if !a.CancelRequested {
				continue
			}
			if err := h.ns.RequestCancel(ctx, state.Start.Run.Run, id); err != nil {
				return err
			}
			h.healed("request cancel", fmt.Sprintf("%s activity %d", state.Start.Run.Run, id))
		}
	}
	if !s.echoes {
		return nil
	}
	for cover := range coversOf(state) {
		m := history.Echo(cover)
		if m == nil || !state.Settles(m) {
			continue
		}
		if err := h.ns.Send(ctx, state.Start.Run, m); err != nil {
			return err
		}
		h.healed("repeat message", fmt.Sprintf("%s %s", state.Start.Run.Run, cover))
	}
	return nil
}

// coversOf are the identities of the messages that cover what goes to other runs.
func coversOf(s *history.State) map[string]bool {
	covers := map[string]bool{}
	if s.Closed() {
		covers[s.CloseCover] = true
	}
	for _, c := range s.Children {
		if c.RunID == "" || s.Closed() {
			covers[c.Cover] = true
		}
	}
	for _, x := range s.Externals {
		covers[x.Cover] = true
	}
	return covers
}

// sleep waits, and says whether ctx did not end meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
