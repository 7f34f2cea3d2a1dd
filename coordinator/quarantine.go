package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// What the code of a run does to its process. A process that dies leaves no word, so one that runs code for a message
// that was delivered before says so first. From the second such note on they are written by processes in which nothing else
// runs: when two of these die, they died of that code, and the code is not run any more.

const (
	// quarantineDelay is for a message that has ended processes.
	minQuarantineDelay = 5 * time.Second
	maxQuarantineDelay = 5 * time.Minute

	// aloneWait is how long code that is to run alone waits for what else runs in its process. Nothing new begins meanwhile.
	aloneWait = 5 * time.Second
	// caution is for how long after its beginning, and after each redelivery, a process looks up whether runs that it loads
	// for new messages are quarantined: longer than a quarantined message rests.
	caution = 2 * maxQuarantineDelay
)

var errQuarantined = errors.New("the run is quarantined")

// verdict says what is noted against a quarantined run. The first delivery leaves no note.
func verdict(t *history.Trouble) string {
	beside := ", the last two of them with nothing else running in them"
	if t.Alone == 0 {
		beside = ", always beside activities that ran on"
	}
	return fmt.Sprintf("running its code has ended %d processes%s; it is not run any more until it is released: "+
		"millrace workflow release", t.Begun+1, beside)
}

// suspect returns what is noted against the run if its code is to be watched, and says whether that must not run at all.
// Code is watched for messages that were delivered before. New messages of a quarantined run must not end processes
// either; but where nothing was delivered twice for long, nothing is looked up.
func (c *Coordinator) suspect(ctx context.Context, run history.Run, items []*item, cold bool) (t *history.Trouble, quarantined bool) {
	again := mostDeliveries(items) > 1 || slices.ContainsFunc(items, (*item).isRenewed)
	if !again && !(cold && c.cautious()) {
		return nil, false
	}
	if !again {
		if _, _, err := c.broker.GetBeat(ctx, run, 0); errors.Is(err, streams.ErrNotFound) {
			return nil, false
		}
	}
	t, err := c.trouble(ctx, run)
	if err != nil {
		// Without the note nothing is known against the run.
		c.cfg.Logger.Warn("trouble of run not read", "run", run.String(), "error", err)
		return nil, false
	}
	if t.Quarantined() {
		return nil, true
	}
	if !again && t.Begun == 0 {
		return nil, false
	}
	return t, false
}

func (c *Coordinator) cautious() bool {
	return c.cfg.Now().UnixNano()-c.redelivered.Load() < int64(caution)
}

// undecided is for how long after code began to run its process is not taken for dead: as long as a message that it
// holds stays with it.
func (c *Coordinator) undecided() time.Duration { return max(c.cfg.AckWait, 2*c.cfg.DeadlockTimeout) }

// isRenewed says whether the item is the copy of an update that was delivered before.
func (it *item) isRenewed() bool { return it.isUpdate() && it.message.Forwarded > 0 }

// quarantine hands items back that no code may run for, later each time; but soon where another process may be running the
// code right now: its note looks like that of one that died.
func (c *Coordinator) quarantine(ctx context.Context, run history.Run, items []*item) {
	t, err := c.trouble(ctx, run)
	if err == nil && c.cfg.Now().Sub(t.Began) < c.undecided() {
		for _, it := range items {
			it.handBack(minQuarantineDelay / 5)
		}
		return
	}
	if err == nil && t.Quarantined() && t.Reason != verdict(t) {
		t.Reason, t.Since = verdict(t), c.cfg.Now()
		c.note(ctx, run, t)
		c.cfg.Stuck(CauseQuarantined)
		c.cfg.Logger.Error("run quarantined", "run", run.String(), "reason", t.Reason)
	}
	for _, it := range items {
		it.handBack(growing(items, minQuarantineDelay, maxQuarantineDelay))
	}
}

// execute runs workflow code of a run, watched if it is under suspicion.
func (c *Coordinator) execute(ctx context.Context, e *entry, op func(progress func()) error) error {
	if e.suspicion == nil {
		return c.guard(ctx, e, op)
	}
	return c.watched(ctx, e, func(ctx context.Context) error { return c.guard(ctx, e, op) })
}

// watched runs what may end the process, for a run under suspicion. The beginning is noted at the broker and struck out at the end:
// what remains of a process that died are the notes of what it was running. Nothing else is done between the two.
// Processes die for many reasons, and one that waits for the broker must not leave a note against a run that has done
// nothing. The second time it runs alone, so that an innocent run is told from a neighbour that ends processes.
func (c *Coordinator) watched(ctx context.Context, e *entry, run func(ctx context.Context) error) error {
	t := e.suspicion
	if e.noted {
		return run(ctx)
	}
	alone := 0
	if t.Begun > 0 && c.cfg.DeadlockTimeout > 0 { // code that may take for ever must not keep all else from running
		h := c.cfg.Gate.Close(ctx, aloneWait)
		if h == nil {
			return fmt.Errorf("run code of run %s: %w", e.run(), context.Cause(ctx))
		}
		defer h.Open()
		ctx = h.Context(ctx)
		if h.Alone() {
			alone = 1
		}
	}
	t.Begun, t.Alone, t.Began, e.noted = t.Begun+1, t.Alone+alone, c.cfg.Now().Round(0).UTC(), true
	c.note(ctx, e.run(), t)
	defer func() {
		t.Begun, t.Alone, t.Began, e.noted = t.Begun-1, t.Alone-alone, time.Time{}, false
		c.note(ctx, e.run(), t)
	}()
	return run(ctx)
}
