package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
)

// profiledConcurrency is the load under which profiles are taken.
const profiledConcurrency = 64

// profiles measures W1 on Millrace alone under the profilers, writes what they found, and says who spends it. The rate
// is lower than in a contest: profiling mutexes and allocations costs.
func profiles(ctx context.Context, g *ground, r *report) error {
	if err := os.MkdirAll(g.pprof, 0o755); err != nil {
		return err
	}
	file := func(kind string) string { return filepath.Join(g.pprof, kind+".prof") }
	cpu, err := os.Create(file("cpu"))
	if err != nil {
		return err
	}
	defer cpu.Close()
	runtime.SetMutexProfileFraction(10)
	runtime.SetBlockProfileRate(10_000) // one sample for each 10 µs blocked
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return err
	}
	s, err := measure(ctx, g, millrace(), job{steps: 1}, profiledConcurrency)
	pprof.StopCPUProfile()
	runtime.SetBlockProfileRate(0)
	runtime.SetMutexProfileFraction(0)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "\nW1 at concurrency %d under profilers: %.0f runs/s, p50 %.2f ms, %.3f ms CPU per run\n", profiledConcurrency,
		s.rate, ms(s.p50), ms(s.cpu))
	for _, kind := range []string{"mutex", "block", "allocs"} {
		if err := writeProfile(kind, file(kind)); err != nil {
			return err
		}
	}
	for _, p := range []struct{ kind, index string }{{"cpu", "cpu"}, {"allocs", "alloc_space"}, {"mutex", "delay"}, {"block", "delay"}} {
		if err := r.attribute(ctx, p.kind, file(p.kind), p.index); err != nil {
			return err
		}
	}
	fmt.Fprintf(r.out, "\nmore: go tool pprof -http : %s\n", file("cpu"))
	return nil
}

func writeProfile(kind, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.Lookup(kind).WriteTo(f, 0); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", file, err)
	}
	return f.Close()
}
