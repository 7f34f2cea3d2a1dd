package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// backlogged is a system whose starts can be stored before anybody works on them.
type backlogged interface {
	// store starts a one-activity run and returns when the start is durable.
	store(ctx context.Context, id string) error
	// drain begins to work and returns when the n runs that were started have ended.
	drain(ctx context.Context, n int) error
	close() error
}

// storing is how many starts of a backlog are in flight.
const storing = 64

// backlog is W7: how fast starts are accepted while no worker runs, and how fast they are worked off afterwards.
func backlog(ctx context.Context, g *ground, r *report, _ string) error {
	accepted, drained := map[string][]sample{}, map[string][]sample{}
	systems := pairs()
	for range g.rounds {
		for _, c := range systems {
			if !g.includes(c.name) {
				continue
			}
			a, d, err := backlogOnce(ctx, g, c.name)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			accepted[c.name] = append(accepted[c.name], a)
			drained[c.name] = append(drained[c.name], d)
		}
	}
	r.contest("W7/accepted", systems, accepted)
	r.contest("W7/drained", systems, drained)
	return nil
}

func backlogOnce(ctx context.Context, g *ground, system string) (accepted, drained sample, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience+time.Duration(g.backlog)*10*time.Millisecond, errors.New("backlog not drained in time"))
	defer cancel()
	namespace, remove, err := g.namespace(ctx)
	if err != nil {
		return sample{}, sample{}, err
	}
	defer remove()
	sys, err := openBacklogged(ctx, g, namespace, system)
	if err != nil {
		return sample{}, sample{}, err
	}
	defer func() { err = errors.Join(err, sys.close()) }()
	accepted, err = timed(g, namespace, func() error {
		return each(ctx, g.backlog, storing, func(ctx context.Context, i int) error { return sys.store(ctx, fmt.Sprintf("b-%d", i)) })
	})
	if err != nil {
		return sample{}, sample{}, err
	}
	drained, err = timed(g, namespace, func() error { return sys.drain(ctx, g.backlog) })
	return accepted, drained, err
}

// timed measures something done to the whole backlog.
func timed(g *ground, namespace string, do func() error) (sample, error) {
	before, begun, disk := cpuTime(), time.Now(), g.disk(namespace)
	if err := do(); err != nil {
		return sample{}, err
	}
	took := time.Since(begun)
	return sample{rate: float64(g.backlog) / took.Seconds(), cpu: (cpuTime() - before) / time.Duration(g.backlog),
		disk: float64(g.disk(namespace)-disk) / float64(g.backlog)}, nil
}

func openBacklogged(ctx context.Context, g *ground, namespace, system string) (backlogged, error) {
	if system == "queue" || system == "eager" {
		s, err := openBare(ctx, g, namespace, system == "eager")
		return (*bareBacklog)(s), err
	}
	o, err := observe(g, namespace)
	if err != nil {
		return nil, err
	}
	s, err := openMillrace(ctx, g, namespace)
	if err != nil {
		o.close()
		return nil, err
	}
	return &millraceBacklog{s, o, system == "millrace-queue"}, nil
}

type millraceBacklog struct {
	*millraceSystem
	observer *observer
	queued   bool
}

func (b *millraceBacklog) store(ctx context.Context, id string) error {
	_, err := b.start(ctx, id, sequence, 1, payload)
	return err
}

func (b *millraceBacklog) drain(ctx context.Context, n int) error {
	o := b.ground.workerOptions()
	o.DisableEagerActivities = b.queued
	if err := b.startWorker(o); err != nil {
		return err
	}
	return b.observer.awaitClosed(ctx, n)
}

func (b *millraceBacklog) close() error {
	b.observer.close()
	return b.millraceSystem.close()
}

type bareBacklog bareSystem

func (b *bareBacklog) store(ctx context.Context, id string) error {
	s := (*bareSystem)(b)
	return s.await(ctx, s.newRun(id, job{steps: 1}).start())
}

func (b *bareBacklog) drain(ctx context.Context, _ int) error {
	s := (*bareSystem)(b)
	s.mu.Lock()
	all := make([]*bareRun, 0, len(s.runs))
	for _, r := range s.runs {
		all = append(all, r)
	}
	s.mu.Unlock()
	if err := s.consume(); err != nil {
		return err
	}
	for _, r := range all {
		if err := s.await(ctx, r.ended); err != nil {
			return err
		}
	}
	return nil
}

func (b *bareBacklog) close() error { return (*bareSystem)(b).close() }
