//go:build unix

package client_test

import (
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
)

// BenchmarkExecuteAndGet is a run of one activity, from ExecuteWorkflow to the return of Get, with 1 and with 64 callers,
// told of the ends of their runs and following each run. CPU is that of the whole process, broker and worker included.
func BenchmarkExecuteAndGet(b *testing.B) {
	for _, callers := range []struct {
		name string
		n    int
	}{{"1", 1}, {"64", 64}} {
		for _, way := range []struct {
			name    string
			prepare func(client.Client)
		}{{"told", func(client.Client) {}}, {"following", client.WithoutNotices}} {
			b.Run(callers.name+"/"+way.name, func(b *testing.B) {
				f := setup(b)
				way.prepare(f.client)
				measure(b, f, callers.n)
			})
		}
	}
}

func measure(b *testing.B, f *fixture, callers int) {
	var mu sync.Mutex // guards latencies
	latencies := make([]time.Duration, 0, b.N)
	left := make(chan struct{}, b.N)
	for range b.N {
		left <- struct{}{}
	}
	close(left)
	b.ReportAllocs()
	before := processTime(b)
	b.ResetTimer()
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range left {
				begun := time.Now()
				if err := f.start(oneActivity).Get(f.ctx, nil); err != nil {
					b.Error(err)
				}
				mu.Lock()
				latencies = append(latencies, time.Since(begun))
				mu.Unlock()
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64((processTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
	slices.Sort(latencies)
	b.ReportMetric(float64(latencies[len(latencies)/2].Microseconds()), "p50-µs")
}

// processTime is the CPU time that this process has used.
func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
