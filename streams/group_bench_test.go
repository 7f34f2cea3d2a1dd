package streams

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

// What a run with one eager activity writes, a start and two records, by many callers to a broker that flushes every
// write: each write by itself and in groups. The metric appends/s is that of the same callers with single writes to
// empty lanes, measured just before.
func BenchmarkDurableRuns(b *testing.B) {
	for _, replicas := range []int{1, 3} {
		for _, callers := range []int{1, 16, 64, 256} {
			for _, grouped := range []bool{false, true} {
				b.Run(fmt.Sprintf("replicas=%d/callers=%d/grouped=%v", replicas, callers, grouped), func(b *testing.B) {
					servers := []*devserver.Server{devtest.ServerWith(b, devserver.Config{SyncAlways: true})}
					if replicas > 1 {
						servers = devtest.ClusterWith(b, replicas, devserver.Config{SyncAlways: true})
					}
					f := &fixture{TB: b, ctx: testContext(b), server: servers[0], nc: devtest.Conn(b, servers...)}
					alone := f.create("alone", CreateOptions{Replicas: replicas})
					f.ns = f.create("test", CreateOptions{Replicas: replicas, GroupCommit: grouped})
					f.append(newRun("warm").Run, 1, 0)
					appends := max(4*callers, 500)
					begun := time.Now()
					f.concurrently(callers, appends, func() { f.appendTo(alone, newRun("w").Run, 1, 0) })
					rate := float64(appends) / time.Since(begun).Seconds()
					b.ResetTimer()
					begun = time.Now()
					f.concurrently(callers, b.N, f.durableRun)
					runs := float64(b.N) / time.Since(begun).Seconds()
					b.ReportMetric(rate, "appends/s")
					b.ReportMetric(runs, "runs/s")
					b.ReportMetric(runs/rate, "runs/append")
				})
			}
		}
	}
}

func (f *fixture) durableRun() {
	run := newRun("w")
	run.WorkflowID = run.RunID
	if _, err := f.start(run, 0); err != nil {
		f.Error(err)
		return
	}
	f.append(run.Run, 2, f.append(run.Run, 1, 0))
}

// concurrently calls do n times, by that many callers.
func (f *fixture) concurrently(callers, n int, do func()) {
	var left atomic.Int64
	left.Store(int64(n))
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				do()
			}
		})
	}
	group.Wait()
}
