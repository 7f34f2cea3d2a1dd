package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
)

// usualLoad is the load under which profiles are taken unless another one is asked for.
const usualLoad = "W1/64"

// profiles measures one load on one system under the profilers, writes what they found, and says who spends it: on
// Millrace as it comes, or on the first of the contest's systems that was asked for. The rate is lower than in a contest:
// profiling mutexes and allocations costs.
func profiles(ctx context.Context, g *ground, r *report) error {
	subject := profiled(g.options)
	name, under, err := profiledLoad(g.options)
	if err != nil {
		return err
	}
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
	s, err := measure(ctx, g, subject, under.job, under.concurrency)
	pprof.StopCPUProfile()
	runtime.SetBlockProfileRate(0)
	runtime.SetMutexProfileFraction(0)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "\n%s on %s under profilers: %.0f per second, p50 %.2f ms, %.3f ms CPU per run\n", name, subject.name, s.rate, ms(s.p50), ms(s.cpu))
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

func profiled(o options) contestant {
	all := pairs()
	i := slices.IndexFunc(all, func(c contestant) bool { return o.includes(c.name) })
	if o.systems == "all" || i < 0 {
		return millrace()
	}
	return all[i]
}

// profiledLoad is the first load that was asked for.
func profiledLoad(o options) (name string, l *load, err error) {
	if o.workloads == "all" {
		o.workloads = usualLoad
	}
	for _, w := range workloads() {
		for _, l := range w.lines {
			if l.load != nil && o.selects(w.name, l.name) {
				return w.name + "/" + l.name, l.load, nil
			}
		}
	}
	return "", nil, fmt.Errorf("-pprof with -workloads %s: no such load; W1/64, W2/1 and W3/64x100 are some", o.workloads)
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
