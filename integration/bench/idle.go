package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// woken is how many idle runs are woken, one after the other.
const woken = 200

// idleRuns is W8: what open runs cost that wait for a signal. The server and the worker share this process: what goes
// away with the worker is the worker's, and what stays is the server's and the client's. A first quarter of the runs, at
// most as many as a worker keeps by default, fills the cache; what the worker needs for the others is beyond its budget.
func idleRuns(ctx context.Context, g *ground, r *report, name string) error {
	return withClient(ctx, g, func(s *millraceSystem, o *observer) error {
		options := g.workerOptions()
		if options.WorkflowCacheSize == 0 {
			options.WorkflowCacheSize = max(1, min(2000, g.idle/4))
		}
		cached := min(options.WorkflowCacheSize, g.idle)
		if err := s.startWorker(options); err != nil {
			return err
		}
		if err := s.do(ctx, "warm", job{steps: 1}); err != nil {
			return err
		}
		base := o.count()
		id := func(i int) string { return fmt.Sprintf("i-%d", i) }
		begin := func(from, to int) error {
			err := each(ctx, to-from, 64, func(ctx context.Context, i int) error {
				_, err := s.start(ctx, id(from+i), idle)
				return err
			})
			if err != nil {
				return err
			}
			return o.awaitRecords(ctx, base+to)
		}
		begun, empty := time.Now(), heap()
		if err := begin(0, cached); err != nil {
			return err
		}
		full := heap()
		if err := begin(cached, g.idle); err != nil {
			return err
		}
		r.note("%s: %d runs became idle at %.0f per second", name, g.idle, float64(g.idle)/time.Since(begun).Seconds())
		both := heap()
		s.stopWorker()
		left := heap()
		server := quotient(float64(left-empty), float64(g.idle))
		inCache := quotient(float64(full-empty), float64(cached)) - server
		beyond := quotient(float64(both-full), float64(g.idle-cached)) - server
		r.note("%s: heap bytes per run: %.0f in the server and the client; in the worker %.0f for each of %d in its cache, %.0f beyond",
			name, server, inCache, cached, beyond)
		r.most(name+": heap bytes per idle run in the worker beyond its cache", beyond, 2048)
		return wakeCold(ctx, g, r, name, s, o, id)
	})
}

// wakeCold signals runs that a new worker has never seen, and waits for the end of each.
func wakeCold(ctx context.Context, g *ground, r *report, name string, s *millraceSystem, o *observer, id func(int) string) error {
	if err := s.startWorker(g.workerOptions()); err != nil {
		return err
	}
	n := min(woken, g.idle)
	var latencies []time.Duration
	for i := range n {
		run := s.client.GetWorkflow(ctx, id(i*(g.idle/n)), "")
		begun := time.Now()
		if err := s.client.SignalWorkflow(ctx, run.GetID(), "", signalName, nil); err != nil {
			return err
		}
		// The warm-up run has closed, too.
		if err := o.awaitClosed(ctx, i+2); err != nil {
			return err
		}
		latencies = append(latencies, time.Since(begun))
	}
	slices.Sort(latencies)
	r.note("%s: from signal to closing record of a cold run: p50 %.2f ms, p99 %.2f ms, of %d", name,
		ms(percentile(latencies, 50)), ms(percentile(latencies, 99)), n)
	return nil
}

// heap is what is in use after everything that can be freed was freed. Finalizers of the first collection free more.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
