package streams

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Each benchmark is one operation on a server in this process, so the allocations are those of both sides; the server's
// are the smaller part and the same in each.

// eachRequests runs a benchmark with requests of our own and with those of nats.go.
func eachRequests(b *testing.B, run func(b *testing.B, f *fixture)) {
	for _, plain := range []bool{false, true} {
		b.Run(fmt.Sprintf("plain=%v", plain), func(b *testing.B) {
			f := setup(b, 1)
			f.ctx, f.ns.plain = context.Background(), plain
			b.ReportAllocs()
			run(b, f)
		})
	}
}

func BenchmarkAppendRequests(b *testing.B) {
	eachRequests(b, func(b *testing.B, f *fixture) {
		run, last := newRun("w").Run, uint64(0)
		data, info := f.transition(run, 1, 0)
		for b.Loop() {
			seq, err := f.ns.Append(f.ctx, run, data, info, last)
			f.ok(err)
			last = seq
		}
	})
}

func BenchmarkTail(b *testing.B) {
	eachRequests(b, func(b *testing.B, f *fixture) {
		run := newRun("w").Run
		f.appendAll(run, 1)
		for b.Loop() {
			_, err := f.ns.Tail(f.ctx, run)
			f.ok(err)
		}
	})
}

func BenchmarkSend(b *testing.B) {
	eachRequests(b, func(b *testing.B, f *fixture) {
		run := newRun("w")
		for n := 0; b.Loop(); n++ {
			f.ok(f.ns.Send(f.ctx, run, signal(fmt.Sprint(n))))
		}
	})
}

// BenchmarkReadInbox finds the one message that mostly waits when a run closes.
func BenchmarkReadInbox(b *testing.B) {
	eachRequests(b, func(b *testing.B, f *fixture) {
		run := newRun("w")
		f.ok(f.ns.Send(f.ctx, run, signal("1")))
		for b.Loop() {
			_, err := f.ns.ReadInbox(f.ctx, run, "", 0)
			f.ok(err)
		}
	})
}

// BenchmarkTask queues a task, delivers and acknowledges it.
func BenchmarkTask(b *testing.B) {
	eachRequests(b, func(b *testing.B, f *fixture) {
		c := f.consume(LaneTasks, "orders", ConsumeOptions{})
		run := newRun("w").Run
		for n := int64(1); b.Loop(); n++ {
			_, err := f.ns.PublishTask(f.ctx, TaskRef{Run: run, Queue: "orders", Activity: n}, []byte("task"))
			f.ok(err)
			for _, d := range f.pull(c, 1) {
				f.ok(d.Ack(f.ctx))
			}
		}
	})
}

// BenchmarkAppendsAtOnce has 64 writers. CPU-ns/op is the time of all processors, in the server too.
func BenchmarkAppendsAtOnce(b *testing.B) {
	eachRequests(b, func(b *testing.B, f *fixture) {
		var writers atomic.Int64
		b.SetParallelism(max(64/runtime.GOMAXPROCS(0), 1))
		before := processorTime(b)
		b.RunParallel(func(pb *testing.PB) {
			run, last := newRun(fmt.Sprint(writers.Add(1))).Run, uint64(0)
			data, info := f.transition(run, 1, 0)
			for pb.Next() {
				seq, err := f.ns.Append(f.ctx, run, data, info, last)
				if err != nil {
					b.Error(err)
					return
				}
				last = seq
			}
		})
		b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "CPU-ns/op")
	})
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkDelivery reads what the broker says of a delivery, without a broker.
func BenchmarkDelivery(b *testing.B) {
	b.ReportAllocs()
	c, m := &laneConsumer{namespace: &Namespace{partitions: make([]partition, 1)}, lane: LaneTasks}, sampleDelivery(b)
	for b.Loop() {
		if _, err := c.delivery(m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseSubject(b *testing.B) {
	b.ReportAllocs()
	text := partitionSubjects{partitionPrefix("test", 0)}.inbox(newRun("w"), history.SourceSignals)
	for b.Loop() {
		if _, err := parseSubject(text); err != nil {
			b.Fatal(err)
		}
	}
}

// sampleDelivery is a task as the broker delivers it.
func sampleDelivery(b *testing.B) pulled {
	p := partitionSubjects{partitionPrefix("test", 0)}
	m := &nats.Msg{Subject: p.task(TaskRef{Run: newRun("w").Run, Queue: "orders", Activity: 7}), Data: []byte("task"),
		Reply: "$JS.ACK.MILLRACE_test_0_TASKS.tasks+orders.1.77.66.1763800000000000000.5"}
	at, ok := parsePlace(m.Reply)
	if !ok {
		b.Fatal("not a delivery")
	}
	return pulled{msg: m, at: at, acker: &acker{reply: m.Reply}}
}
