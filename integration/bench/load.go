package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how much longer than planned a measurement may take before it is given up.
const patience = 60 * time.Second

// measure keeps concurrency runs of the job in flight for the given time, in a namespace of their own.
func measure(ctx context.Context, g *ground, c contestant, j job, concurrency int) (s sample, err error) {
	namespace, remove, err := g.namespace(ctx)
	if err != nil {
		return sample{}, err
	}
	defer remove()
	sys, err := c.open(ctx, g, namespace)
	if err != nil {
		return sample{}, err
	}
	defer func() {
		if e := sys.close(); err == nil {
			err = e
		}
	}()
	fresh := g.disk(namespace)
	warm, err := drive(ctx, sys, j, concurrency, g.duration/4, "warm")
	if err != nil {
		return sample{}, fmt.Errorf("warm up %s: %w", c.name, err)
	}
	runtime.GC() // nobody pays for the garbage of another
	before, begun := cpuTime()+sys.cpu(), time.Now()
	latencies, err := drive(ctx, sys, j, concurrency, g.duration, "run")
	if err != nil {
		return sample{}, fmt.Errorf("measure %s: %w", c.name, err)
	}
	took, used := time.Since(begun), cpuTime()+sys.cpu()-before
	slices.Sort(latencies)
	n := len(latencies)
	return sample{
		rate: float64(n*j.units()) / took.Seconds(),
		p50:  percentile(latencies, 50),
		p99:  percentile(latencies, 99),
		cpu:  used / time.Duration(n),
		disk: float64(g.disk(namespace)-fresh) / float64(n+len(warm)),
	}, nil
}

// drive begins runs until the time is over, each caller one after the other and at least one, and returns how long each
// run took.
func drive(ctx context.Context, sys system, j job, concurrency int, length time.Duration, prefix string) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, length+patience, fmt.Errorf("runs did not end within %v", length+patience))
	defer cancel()
	end := time.Now().Add(length)
	var next atomic.Int64
	var mu sync.Mutex // guards all and failure
	var all []time.Duration
	var failure error
	var wait sync.WaitGroup
	for range concurrency {
		wait.Go(func() {
			var own []time.Duration
			var err error
			for first := true; err == nil && (first || time.Now().Before(end)); first = false {
				begun := time.Now()
				if err = sys.do(ctx, fmt.Sprintf("%s-%d", prefix, next.Add(1)), j); err == nil {
					own = append(own, time.Since(begun))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
			if err != nil && failure == nil {
				failure = err
				cancel() // the others would only wait for the end
			}
		})
	}
	wait.Wait()
	return all, failure
}

// each calls do for 0 to n-1, some at a time, and returns the first error.
func each(ctx context.Context, n, atOnce int, do func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(atOnce, n) {
		wait.Go(func() {
			for i := next.Add(1) - 1; int(i) < n && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := do(ctx, int(i)); err != nil {
					cancel(err)
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// cpuTime is what this process has used so far, user and system.
func cpuTime() time.Duration { return usage(syscall.RUSAGE_SELF) }

// childrenTime is what the processes that this one has waited for had used.
func childrenTime() time.Duration { return usage(syscall.RUSAGE_CHILDREN) }

func usage(who int) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(who, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
