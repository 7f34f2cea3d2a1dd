package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// sample is one measurement. cpu is what the whole process, server included, used for one run.
type sample struct {
	rate          float64
	p50, p99, cpu time.Duration
}

// measure keeps concurrency runs in flight for the given time, after a short warm-up.
func measure(ctx context.Context, sys system, l load, length time.Duration) (sample, error) {
	if _, err := drive(ctx, sys, l, length/4, "warm"); err != nil {
		return sample{}, err
	}
	before := cpuTime()
	begun := time.Now()
	latencies, err := drive(ctx, sys, l, length, "run")
	if err != nil {
		return sample{}, err
	}
	took := time.Since(begun)
	slices.Sort(latencies)
	n := len(latencies)
	if n == 0 {
		return sample{}, fmt.Errorf("no run ended within %v", length)
	}
	return sample{
		rate: float64(n) / took.Seconds(),
		p50:  latencies[n/2],
		p99:  latencies[n*99/100],
		cpu:  (cpuTime() - before) / time.Duration(n),
	}, nil
}

// drive runs runs until the time is over and returns how long each took.
func drive(ctx context.Context, sys system, l load, length time.Duration, prefix string) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, length+30*time.Second)
	defer cancel()
	end := time.Now().Add(length)
	var next atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	var failure error
	var wait sync.WaitGroup
	for range l.concurrency {
		wait.Go(func() {
			var own []time.Duration
			var err error
			for err == nil && time.Now().Before(end) {
				begun := time.Now()
				if err = sys.do(ctx, fmt.Sprintf("%s-%d", prefix, next.Add(1))); err == nil {
					own = append(own, time.Since(begun))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
			if err != nil {
				failure = err
			}
		})
	}
	wait.Wait()
	return all, failure
}

// cpuTime is what the process has used so far, user and system.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// medians takes the median of each figure on its own.
func medians(samples []sample) sample {
	pick := func(value func(sample) float64) float64 {
		var v []float64
		for _, s := range samples {
			v = append(v, value(s))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	return sample{
		rate: pick(func(s sample) float64 { return s.rate }),
		p50:  time.Duration(pick(func(s sample) float64 { return float64(s.p50) })),
		p99:  time.Duration(pick(func(s sample) float64 { return float64(s.p99) })),
		cpu:  time.Duration(pick(func(s sample) float64 { return float64(s.cpu) })),
	}
}

// spread is the lowest and the highest rate.
func spread(samples []sample) string {
	low, high := samples[0].rate, samples[0].rate
	for _, s := range samples {
		low, high = min(low, s.rate), max(high, s.rate)
	}
	return fmt.Sprintf("%.0f-%.0f", low, high)
}

// deleteStreams removes the streams of a namespace that is not needed any more.
func deleteStreams(ctx context.Context, nc *nats.Conn, namespace string) {
	js, err := jetstream.New(nc)
	if err != nil {
		return
	}
	names := js.StreamNames(ctx)
	for name := range names.Name() {
		if strings.Contains(name, "_"+namespace+"_") {
			_ = js.DeleteStream(ctx, name) // what stays behind only takes room until the end
		}
	}
}
