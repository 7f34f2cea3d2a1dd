package main

import (
	"context"
	"errors"
	"fmt"
)

// workload is one thing to measure. Its lines are measured one after the other.
type workload struct {
	name  string
	about string
	lines []line
}

// line is one row of a workload's table, or a few.
type line struct {
	name string
	run  func(ctx context.Context, g *ground, r *report, name string) error
	// load is what a contest puts on each of its systems, nil for other lines.
	load *load
}

// load is a job done over and over again by so many callers.
type load struct {
	job         job
	concurrency int
}

func workloads() []workload {
	w12 := job{steps: 1}
	return []workload{
		{"W1", "one no-op activity; runs per second", []line{
			contest("1", job{steps: 1}, 1, pairs()), contest("16", job{steps: 1}, 16, pairs()),
			contest("64", job{steps: 1}, 64, pairs()), contest("256", job{steps: 1}, 256, pairs()),
		}},
		{"W2", "10 activities in sequence; activities per second", []line{
			contest("1", job{steps: 10}, 1, pairs()), contest("64", job{steps: 10}, 64, pairs()),
		}},
		{"W3", "activities at once, in one run and in 64 runs; activities per second", []line{
			contest("100", job{fan: 100}, 1, oneForm(millraceQueue(), millrace())),
			contest("1000", job{fan: 1000}, 1, oneForm(millraceQueue(), millrace())),
			contest("64x100", job{fan: 100}, 64, oneForm(millraceQueue(), millrace())),
		}},
		{"W4", "1,000 signals to one run, until it has received them; signals per second", []line{
			contest("1", job{signals: 1000, inFlight: 1}, 1, oneForm(millrace())),
			contest("64", job{signals: 1000, inFlight: 64}, 1, oneForm(millrace())),
		}},
		{"W5", "timers: how late runs wake up", []line{{name: "spread", run: timersSpread}, {name: "burst", run: timersBurst}}},
		{"W6", "what an event costs after many others: in its run, in closed runs, beside idle runs", []line{
			{name: "growth", run: longRun}, {name: "closed", run: besideClosed}, {name: "idle", run: besideIdle},
		}},
		{"W7", "starts without a worker, then the backlog is drained; runs per second", []line{{name: "starts", run: backlog}}},
		{"W8", "open idle runs: memory of each, and waking one that is in no cache", []line{{name: "idle", run: idleRuns}}},
		{"W9", "queries", []line{{name: "cached", run: queriesCached}, {name: "cold", run: queriesCold}}},
		{"W10", "from the storing of the closing record to the return of Get", []line{{name: "get", run: closeToGet}}},
		{"W11", "every write flushed: one server and three, partitions; W1 and W2", flushedLines()},
		{"W12", "workers in processes of their own, on one queue; runs per second at concurrency 64", []line{
			contest("processes", w12, 64, processCounts(false)), contest("queue", w12, 64, processCounts(true)),
			{name: "census", run: census},
		}},
	}
}

// run measures what was asked for.
func run(ctx context.Context, o options) error {
	g, err := openGround(ctx, o)
	if err != nil {
		return err
	}
	r := newReport(g)
	defer func() {
		if err := g.close(); err != nil {
			r.note("close: %v", err)
		}
	}()
	if o.pprof != "" {
		return profiles(ctx, g, r)
	}
	var failed []error
	for _, w := range workloads() {
		told := false
		for _, l := range w.lines {
			if !o.selects(w.name, l.name) {
				continue
			}
			if !told {
				r.heading(w)
				told = true
			}
			name := w.name + "/" + l.name
			if err := l.run(ctx, g, r, name); err != nil {
				// The others can still be measured, unless somebody has had enough.
				failed = append(failed, fmt.Errorf("%s: %w", name, err))
				r.note("%s: FAILED: %v", name, err)
			}
			if ctx.Err() != nil {
				return errors.Join(failed...)
			}
		}
	}
	if len(failed) > 0 {
		o.record = false // an incomplete record would hide what failed
	}
	return errors.Join(errors.Join(failed...), r.conclude(o))
}
