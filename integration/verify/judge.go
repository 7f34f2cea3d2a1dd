package verify

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/millrace-dev/millrace/internal/history"
)

// judge examines the evidence and notes what it finds in r.
func judge(ctx context.Context, e *evidence, o Options, r *Report) error {
	stored, err := readOutside(e)
	if err != nil {
		return err
	}
	f := newFacts(e, o, stored)
	p := startReplays(ctx, o, stored)
	c := newChronicle(r, f, p.run)
	err = readHistories(ctx, e, c)
	if err == nil {
		err = c.rest()
	}
	p.wait(r)
	if err != nil {
		return err
	}
	j := &judgement{evidence: e, report: r, facts: f, chronicle: c}
	if err := j.readQueues(ctx); err != nil {
		return err
	}
	j.loss()
	j.doubles()
	j.progress()
	j.executed()
	j.order()
	j.isolation()
	j.enough()
	return nil
}

// judgement is what the invariants are decided from.
type judgement struct {
	*evidence
	report    *Report
	facts     *facts
	chronicle *chronicle
}

func (j *judgement) violate(i Invariant, workflowID, runID, format string, args ...any) {
	j.report.violate(Violation{i, workflowID, runID, fmt.Sprintf(format, args...)})
}

func readHistories(ctx context.Context, e *evidence, c *chronicle) error {
	for i := range e.streams {
		s := &e.streams[i]
		if s.kind() != kindHistory {
			continue
		}
		if s.Messages > 0 && s.LastSeq-s.FirstSeq+1 != s.Messages || s.FirstSeq > 1 {
			c.report.violate(Violation{Invariant: I1, What: fmt.Sprintf("stream %s has %d messages from sequence %d to %d: some are missing",
				s.Name, s.Messages, s.FirstSeq, s.LastSeq)})
		}
		err := e.messages(s, func(m *Message) error {
			if m.Seq&0xfff == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			return c.add(m)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// replays runs histories through the code while others are being read.
type replays struct {
	options Options
	outside *outside
	queue   chan replayed
	done    sync.WaitGroup

	mu    sync.Mutex // guards the rest
	count int
	bad   []Violation
}

type replayed struct {
	run         history.Run
	start       *history.Start
	transitions []*history.Transition
}

func startReplays(ctx context.Context, o Options, stored *outside) *replays {
	p := &replays{options: o, outside: stored, queue: make(chan replayed, 64)}
	if o.Replay == nil {
		return p
	}
	for range runtime.GOMAXPROCS(0) {
		p.done.Go(func() {
			for x := range p.queue {
				p.replay(ctx, x)
			}
		})
	}
	return p
}

// run hands the history of a run over. One whose records do not add up is not replayed: that has been said.
func (p *replays) run(r *run) {
	if p.options.Replay != nil && !r.lane.broken && len(r.lane.transitions) > 0 {
		p.queue <- replayed{r.Run, r.lane.start, r.lane.transitions}
	}
}

func (p *replays) replay(ctx context.Context, x replayed) {
	broken := I6
	start, err := p.outside.store.Restore(ctx, x.start, x.transitions)
	if err != nil {
		broken = I1 // what a history refers to is part of it
	} else {
		err = p.options.Replay(start, x.transitions)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	if err != nil {
		p.bad = append(p.bad, Violation{broken, x.run.WorkflowID, x.run.RunID, err.Error()})
	}
}

// wait ends the replays and notes what came of them.
func (p *replays) wait(r *Report) {
	close(p.queue)
	p.done.Wait()
	if p.options.Replay == nil {
		r.Invariants[I6].Not = "no code to replay histories with was given"
	}
	r.Invariants[I6].Examined = p.count
	for _, v := range p.bad {
		r.violate(v)
	}
}
