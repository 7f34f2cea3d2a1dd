package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/internal/devserver"
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
}

func workloads(o options) []workload {
	w1 := []contestant{millrace(), bareQueue(), bareEager()}
	if o.profile == devserver.ProfileDurable {
		w1 = append(w1, appends()) // what a run costs is counted in flushes there
	}
	w2 := []contestant{millrace(), bareQueue(), bareEager()}
	w3 := []contestant{millrace(), bareQueue()}
	return []workload{
		{"W1", "one no-op activity; runs per second", []line{
			contest("1", job{steps: 1}, 1, w1), contest("16", job{steps: 1}, 16, w1),
			contest("64", job{steps: 1}, 64, w1), contest("256", job{steps: 1}, 256, w1),
		}},
		{"W2", "10 activities in sequence; activities per second", []line{
			contest("1", job{steps: 10}, 1, w2), contest("64", job{steps: 10}, 64, w2),
		}},
		{"W3", "activities at once, in one run and in 64 runs; activities per second", []line{
			contest("100", job{fan: 100}, 1, w3), contest("1000", job{fan: 1000}, 1, w3),
			contest("64x100", job{fan: 100}, 64, w3),
		}},
		{"W4", "1,000 signals to one run, until it has received them; signals per second", []line{
			contest("1", job{signals: 1000, inFlight: 1}, 1, w3), contest("64", job{signals: 1000, inFlight: 64}, 1, w3),
		}},
		{"W5", "timers: how late runs wake up", []line{{"spread", timersSpread}, {"burst", timersBurst}}},
		{"W6", "one long run of sequential activities", []line{{"growth", longRun}}},
		{"W7", "starts without a worker, then the backlog is drained; runs per second", []line{{"starts", backlog}}},
		{"W8", "open idle runs: memory of each, and waking one that is in no cache", []line{{"idle", idleRuns}}},
		{"W9", "queries", []line{{"cached", queriesCached}, {"cold", queriesCold}}},
		{"W10", "from the storing of the closing record to the return of Get", []line{{"get", closeToGet}}},
		{"W12", "workers in processes of their own, on one queue; runs per second at concurrency 64", []line{
			scaling("processes", job{steps: 1}, 64, []contestant{processes(1), processes(2), processes(4)}),
			{"census", census},
		}},
	}
}

// contest compares the first system with each of the others.
func contest(name string, j job, concurrency int, systems []contestant) line {
	return comparison(name, j, concurrency, systems, func(first, other []sample) (ours, theirs []sample) { return first, other })
}

// scaling compares each of the others with the first system.
func scaling(name string, j job, concurrency int, systems []contestant) line {
	return comparison(name, j, concurrency, systems, func(first, other []sample) (ours, theirs []sample) { return other, first })
}

func comparison(name string, j job, concurrency int, systems []contestant, sides func(first, other []sample) (ours, theirs []sample)) line {
	return line{name, func(ctx context.Context, g *ground, r *report, name string) error {
		samples, err := alternate(ctx, g, j, concurrency, systems)
		if err != nil {
			return err
		}
		for i, c := range systems {
			switch {
			case len(samples[i]) == 0: // not asked for
			case i == 0 || len(samples[0]) == 0:
				r.row(name, c.name, samples[i], nil, nil)
			default:
				ours, theirs := sides(samples[0], samples[i])
				r.row(name, c.name, samples[i], ours, theirs)
			}
		}
		return nil
	}}
}

// alternate measures systems in turn. In every round another one begins.
func alternate(ctx context.Context, g *ground, j job, concurrency int, systems []contestant) ([][]sample, error) {
	samples := make([][]sample, len(systems))
	for round := range g.rounds {
		for k := range systems {
			i := (round + k) % len(systems)
			if !g.includes(systems[i].name) {
				continue
			}
			s, err := measure(ctx, g, systems[i], j, concurrency)
			if err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", systems[i].name, round+1, err)
			}
			samples[i] = append(samples[i], s)
		}
	}
	return samples, nil
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
	for _, w := range workloads(o) {
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
