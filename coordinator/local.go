package coordinator

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// LocalRunner runs local activities: beside the workflow code that asked for them, in the same process. A worker
// implements it. It is safe for concurrent use.
type LocalRunner interface {
	// RunLocal makes attempts of a until it has an outcome; the next one is left to the run, by LocalOutcome.Backoff, when
	// it may not begin before the time given. When ctx ends it returns soon, and what it returns is not used.
	RunLocal(ctx context.Context, start *history.Start, a *replay.LocalActivity, until time.Time) replay.LocalOutcome
}

const (
	// defaultTaskTimeout bounds a stretch of workflow code, with the local activities in it, whose start does not say. It
	// is no limit: a function that takes longer is waited for. But no attempt is waited for beyond localPart of it.
	defaultTaskTimeout = 10 * time.Second
	localPart          = 0.8
)

var (
	errNoLocalRunner = errors.New("workflow code asks for local activities, which this process does not run")
	errInterrupted   = errors.New("local activities interrupted by a request to cancel or terminate the run")
)

// finishedLocal is a local activity that has ended although its transition is not recorded yet.
type finishedLocal struct {
	activity *replay.LocalActivity
	outcome  replay.LocalOutcome
}

// locals run the local activities of one stretch of workflow code. Nothing of them is in the history before the transition
// that the stretch decides: the message that covers it stays in hand meanwhile, so that others run them again if this
// process dies.
type locals struct {
	c       *Coordinator
	entry   *entry
	ctx     context.Context // the stretch's: each activity's is made from it
	until   time.Time
	running map[*replay.LocalActivity]context.CancelFunc
	// ended takes the outcomes of those that are still waited for.
	ended chan finishedLocal
}

// runLocals runs the local activities that the code waits for; functions, too, may end their process.
func (c *Coordinator) runLocals(ctx context.Context, e *entry, events []history.Event) ([]history.Event, error) {
	if e.suspicion == nil {
		return c.runAllLocals(ctx, e, events)
	}
	err := c.watched(ctx, e, func(ctx context.Context) (err error) {
		events, err = c.runAllLocals(ctx, e, events)
		return err
	})
	return events, err
}

// runAllLocals runs what the code waits for and lets it go on, until it waits for no local activity any more; events are
// those of the transition so far, and what is returned all of them.
func (c *Coordinator) runAllLocals(ctx context.Context, e *entry, events []history.Event) ([]history.Event, error) {
	if c.cfg.Local == nil {
		return nil, errNoLocalRunner
	}
	budget := defaultTaskTimeout
	if t := e.start.TaskTimeout.Duration(); t > 0 {
		budget = t
	}
	ctx, stop := context.WithCancel(ctx)
	l := &locals{c: c, entry: e, ctx: ctx, until: time.Now().Add(time.Duration(float64(budget) * localPart)),
		running: map[*replay.LocalActivity]context.CancelFunc{}, ended: make(chan finishedLocal)}
	defer stop()
	interrupted := c.interrupts.add(e.run())
	defer c.interrupts.remove(e.run())
	if c.endAsked(e.run()) {
		return nil, errInterrupted
	}
	for {
		waiting := e.machine.Locals()
		if len(waiting) == 0 {
			return events, nil
		}
		done, again := l.repeat(waiting)
		if !again {
			l.begin(waiting)
			select {
			case done = <-l.ended:
			case <-interrupted:
				return nil, errInterrupted
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			delete(l.running, done.activity)
			e.finished = append(e.finished, done)
		}
		var err error
		if events, err = l.resume(done); err != nil {
			return nil, err
		}
		l.cancelGone()
	}
}

// repeat finds an outcome from before the run was decided again, which happens when something came while it was closing.
func (l *locals) repeat(waiting []*replay.LocalActivity) (finishedLocal, bool) {
	for _, f := range l.entry.finished {
		for _, a := range waiting {
			if _, runs := l.running[a]; !runs && a != f.activity && sameLocal(a, f.activity) {
				return finishedLocal{a, f.outcome}, true
			}
		}
	}
	return finishedLocal{}, false
}

func sameLocal(a, b *replay.LocalActivity) bool {
	return a.ID == b.ID && a.Type == b.Type && a.Attempt == b.Attempt && reflect.DeepEqual(a.Args, b.Args)
}

// begin begins what does not run yet.
func (l *locals) begin(waiting []*replay.LocalActivity) {
	for _, a := range waiting {
		if _, runs := l.running[a]; runs {
			continue
		}
		ctx, cancel := context.WithCancel(l.ctx)
		l.running[a] = cancel
		l.c.busy.Add(1) // as long as the run is served nobody waits for busy yet
		l.c.pool.Run(func() {
			defer l.c.busy.Done()
			defer cancel()
			out := l.c.cfg.Local.RunLocal(ctx, l.entry.start, a, l.until)
			select {
			case l.ended <- finishedLocal{a, out}:
			case <-ctx.Done():
			}
		})
	}
}

// resume gives the code an outcome.
func (l *locals) resume(done finishedLocal) (events []history.Event, err error) {
	machine := l.entry.machine
	err = l.c.execute(l.ctx, l.entry, func(func()) (err error) {
		events, err = machine.Resume(done.activity, done.outcome)
		return err
	})
	if err != nil {
		l.c.abandon(l.entry, err)
		return nil, err
	}
	return events, nil
}

// cancelGone ends what the code does not wait for any more.
func (l *locals) cancelGone() {
	waited := map[*replay.LocalActivity]bool{}
	for _, a := range l.entry.machine.Locals() {
		waited[a] = true
	}
	for a, cancel := range l.running {
		if !waited[a] {
			cancel()
			delete(l.running, a)
		}
	}
}
