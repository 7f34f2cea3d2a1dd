package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/worker"
)

// queried is how many runs are queried in turn, askers how many ask at a time.
const queried, askers = 500, 16

// queriesCached is W9 on runs that the worker keeps live.
func queriesCached(ctx context.Context, g *ground, r *report, name string) error {
	return queries(ctx, g, r, name, worker.Options{WorkflowCacheSize: 2 * queried})
}

// queriesCold is W9 on runs that have to be loaded and replayed for each query.
func queriesCold(ctx context.Context, g *ground, r *report, name string) error {
	return queries(ctx, g, r, name, worker.Options{WorkflowCacheSize: 1})
}

func queries(ctx context.Context, g *ground, r *report, name string, o worker.Options) error {
	return withClient(ctx, g, func(s *millraceSystem, records *observer) error {
		if err := s.startWorker(o); err != nil {
			return err
		}
		id := func(i int) string { return fmt.Sprintf("q-%d", i) }
		runs := make([]string, queried)
		err := each(ctx, queried, askers, func(ctx context.Context, i int) error {
			run, err := s.start(ctx, id(i), idle)
			if err == nil {
				runs[i] = run.GetRunID()
			}
			return err
		})
		if err == nil {
			err = records.awaitRecords(ctx, queried)
		}
		if err != nil {
			return err
		}
		for _, atOnce := range []int{1, askers} {
			if err := ask(ctx, g, r, fmt.Sprintf("%s, %d at a time", name, atOnce), atOnce, func(ctx context.Context, i int) error {
				_, err := s.client.QueryWorkflow(ctx, id(i%queried), runs[i%queried], queryName)
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
}

// ask calls query for the length of a measurement.
func ask(ctx context.Context, g *ground, r *report, name string, atOnce int, query func(ctx context.Context, i int) error) error {
	begun, before := time.Now(), cpuTime()
	end := begun.Add(g.duration)
	var mu sync.Mutex // guards latencies
	var latencies []time.Duration
	err := each(ctx, atOnce, atOnce, func(ctx context.Context, asker int) error {
		for i := asker; time.Now().Before(end); i += atOnce {
			at := time.Now()
			if err := query(ctx, i); err != nil {
				return err
			}
			mu.Lock()
			latencies = append(latencies, time.Since(at))
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(latencies)
	n := len(latencies)
	r.note("%s: %.0f per second, p50 %.2f ms, p99 %.2f ms, %.3f ms CPU each", name, float64(n)/time.Since(begun).Seconds(),
		ms(percentile(latencies, 50)), ms(percentile(latencies, 99)), ms(cpuTime()-before)/float64(max(n, 1)))
	return nil
}
