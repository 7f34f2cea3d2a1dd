package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/internal/devserver"
)

// flushedRounds bounds the rounds of W11, which has many lines.
const flushedRounds = 3

// flushedLines are W11: W1 and W2 where every write is flushed to disk, in each setting that might pay for it.
func flushedLines() []line {
	var lines []line
	for _, replicas := range []int{1, 3} {
		for _, partitions := range []int{1, 4, 16} {
			lines = append(lines, flushed(replicas, partitions))
		}
	}
	return lines
}

// flushed compares Millrace with the bare broker in one setting, and with what as many writers get who append to one
// stream of one server.
func flushed(replicas, partitions int) line {
	return line{name: fmt.Sprintf("R%dx%d", replicas, partitions), run: func(ctx context.Context, g *ground, r *report, name string) (err error) {
		single, err := g.flushing(ctx, 1, 1)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, single.close()) }()
		place := single
		if replicas > 1 {
			if place, err = g.flushing(ctx, replicas, partitions); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, place.close()) }()
		} else {
			place = single.divided(partitions)
		}
		w1 := []contestant{millraceQueue().against("queue", "appends"), bareQueue(), appends().on(single),
			bareEager(), millrace().against("eager", "appends")}
		for _, load := range []struct {
			name        string
			job         job
			concurrency int
			systems     []contestant
		}{
			{"W1/1", job{steps: 1}, 1, w1}, {"W1/64", job{steps: 1}, 64, w1}, {"W1/256", job{steps: 1}, 256, w1},
			{"W2/64", job{steps: 10}, 64, pairs()},
		} {
			if err := compete(ctx, place, r, name+" "+load.name, load.job, load.concurrency, load.systems); err != nil {
				return fmt.Errorf("%s: %w", load.name, err)
			}
		}
		return nil
	}}
}

// flushing opens another ground, on which every write is flushed.
func (g *ground) flushing(ctx context.Context, replicas, partitions int) (*ground, error) {
	o := g.options
	o.profile, o.replicas, o.partitions = devserver.ProfileDurable, replicas, partitions
	o.rounds = min(o.rounds, flushedRounds)
	return openGround(ctx, o)
}
