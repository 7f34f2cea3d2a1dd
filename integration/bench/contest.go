package main

import (
	"context"
	"fmt"
	"slices"
)

// contestant is a system to be measured.
type contestant struct {
	name string
	open func(ctx context.Context, g *ground, namespace string) (system, error)
	// rivals are the contestants that it is compared with.
	rivals []string
	// ground is where it stands when that is not where the others do.
	ground *ground
}

// against is c when it is compared with rivals.
func (c contestant) against(rivals ...string) contestant {
	c.rivals = rivals
	return c
}

// on is c on a ground of its own.
func (c contestant) on(g *ground) contestant {
	c.ground = g
	return c
}

// pairs are Millrace in both its forms, each followed by the bare form that asks the same of the broker.
func pairs() []contestant {
	return []contestant{millraceQueue().against("queue"), bareQueue(), millrace().against("eager"), bareEager()}
}

// oneForm is for loads that have only one bare form.
func oneForm(millraces ...contestant) []contestant {
	all := make([]contestant, 0, len(millraces)+1)
	for _, m := range millraces {
		all = append(all, m.against("queue"))
	}
	return append(all, bareQueue())
}

// contest measures systems under one load, and compares them.
func contest(name string, j job, concurrency int, systems []contestant) line {
	return line{name, func(ctx context.Context, g *ground, r *report, name string) error {
		return compete(ctx, g, r, name, j, concurrency, systems)
	}, &load{j, concurrency}}
}

func compete(ctx context.Context, g *ground, r *report, name string, j job, concurrency int, systems []contestant) error {
	samples, err := alternate(ctx, g, j, concurrency, systems)
	if err != nil {
		return err
	}
	r.contest(name, systems, samples)
	return nil
}

// alternate measures systems in turn, one after the other and then, in the next round, in the opposite order: those
// that are compared stand beside each other, and each is as often before as after its rival.
func alternate(ctx context.Context, g *ground, j job, concurrency int, systems []contestant) (map[string][]sample, error) {
	samples := map[string][]sample{}
	turns := slices.Clone(systems)
	for round := range g.rounds {
		for _, c := range turns {
			if !g.includes(c.name) {
				continue
			}
			place := g
			if c.ground != nil {
				place = c.ground
			}
			s, err := measure(ctx, place, c, j, concurrency)
			if err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", c.name, round+1, err)
			}
			samples[c.name] = append(samples[c.name], s)
		}
		slices.Reverse(turns)
	}
	return samples, nil
}
