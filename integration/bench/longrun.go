package main

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/worker"
)

// edge is how many activities at the beginning and at the end of a long run are compared.
const edge = 1000

// longRun is W6: the cost of an activity must not grow with the history before it.
func longRun(ctx context.Context, g *ground, r *report, name string) error {
	var growth []float64
	for range g.rounds {
		ratio, err := longRunOnce(ctx, g, r, name)
		if err != nil {
			return err
		}
		growth = append(growth, ratio)
	}
	s := summarizeValues(growth)
	r.note("%s: CPU of the last %d activities to the first: %v", name, edge, s)
	r.most(name+": CPU of the last 1,000 activities to the first", s.median, 1.15)
	return nil
}

func longRunOnce(ctx context.Context, g *ground, r *report, name string) (growth float64, err error) {
	err = withMillrace(ctx, g, func(s *millraceSystem, o *observer) error {
		const id = "long"
		// A run first, for what is made only once.
		if err := s.do(ctx, "warm", job{steps: 100}); err != nil {
			return err
		}
		base := o.count()
		begun, start := time.Now(), cpuTime()
		run, err := s.start(ctx, id, sequence, g.sequence, payload)
		if err != nil {
			return err
		}
		// One record for the start of each activity.
		marks := []int{edge, g.sequence - edge, g.sequence}
		used := make([]time.Duration, len(marks))
		for i, n := range marks {
			if err := o.awaitRecords(ctx, base+n); err != nil {
				return err
			}
			used[i] = cpuTime()
		}
		if err := run.Get(ctx, nil); err != nil {
			return err
		}
		took := time.Since(begun)
		first, last := used[0]-start, used[2]-used[1]
		growth = quotient(float64(last), float64(first))
		s.stopWorker()
		replayed, err := replayCold(ctx, s, id)
		if err != nil {
			return err
		}
		r.note("%s: %d activities, %.0f per second; CPU ms each: first %d %.3f, last %d %.3f; replayed cold in %.0f ms", name,
			g.sequence, float64(g.sequence)/took.Seconds(), edge, ms(first)/edge, edge, ms(last)/edge, ms(replayed))
		return nil
	})
	return growth, err
}

// replayCold reads a run's whole history from the broker and runs it through the workflow's code.
func replayCold(ctx context.Context, s *millraceSystem, id string) (time.Duration, error) {
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflow(sequence)
	begun := time.Now()
	if err := replayer.ReplayWorkflowRun(ctx, s.client, log.Discard{}, id, ""); err != nil {
		return 0, fmt.Errorf("replay %s: %w", id, err)
	}
	return time.Since(begun), nil
}
