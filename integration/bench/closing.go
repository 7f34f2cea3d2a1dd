package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// closeToGet is W10: how long after the server stored the closing record of a run Get returns.
func closeToGet(ctx context.Context, g *ground, r *report, name string) error {
	return withMillrace(ctx, g, func(s *millraceSystem, o *observer) error {
		if _, err := drive(ctx, s, job{steps: 1}, 1, g.duration/4, "warm"); err != nil {
			return err
		}
		for _, atOnce := range []int{1, 16} {
			latencies, err := closings(ctx, g, s, o, atOnce)
			if err != nil {
				return err
			}
			r.note("%s: concurrency %d: p50 %.2f ms, p99 %.2f ms, of %d", name, atOnce,
				ms(percentile(latencies, 50)), ms(percentile(latencies, 99)), len(latencies))
			if atOnce == 1 {
				r.most(name+": p50 from closing record to Get in ms", ms(percentile(latencies, 50)), 1)
			}
		}
		return nil
	})
}

func closings(ctx context.Context, g *ground, s *millraceSystem, o *observer, atOnce int) ([]time.Duration, error) {
	returned := map[string]time.Time{}
	var mu sync.Mutex // guards returned
	end := time.Now().Add(g.duration)
	err := each(ctx, atOnce, atOnce, func(ctx context.Context, caller int) error {
		for n := 0; time.Now().Before(end); n++ {
			id := fmt.Sprintf("c%d-%d-%d", atOnce, caller, n)
			if err := s.do(ctx, id, job{steps: 1}); err != nil {
				return err
			}
			at := time.Now()
			mu.Lock()
			returned[id] = at
			mu.Unlock()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var latencies []time.Duration
	for id, at := range returned {
		// The observer may hear of a record after Get has.
		if err := o.await(ctx, func() bool { return !o.closed[id].IsZero() }); err != nil {
			return nil, err
		}
		latencies = append(latencies, at.Sub(o.closed[id]))
	}
	slices.Sort(latencies)
	return latencies, nil
}
