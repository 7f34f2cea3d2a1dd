package replay_test

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// BenchmarkSwitch compares the two ways to run a function that can be suspended; one operation is a switch there and
// back. ADR 0001 rests on it.
func BenchmarkSwitch(b *testing.B) {
	b.Run("iter.Pull", func(b *testing.B) {
		next, stop := iter.Pull(func(yield func(struct{}) bool) {
			for yield(struct{}{}) {
			}
		})
		defer stop()
		b.ReportAllocs()
		for b.Loop() {
			next()
		}
	})
	b.Run("channels", func(b *testing.B) {
		resume, blocked := make(chan bool), make(chan struct{})
		go func() {
			defer close(blocked)
			for <-resume {
				blocked <- struct{}{}
			}
		}()
		b.ReportAllocs()
		for b.Loop() {
			resume <- true
			<-blocked
		}
		close(resume)
		<-blocked
	})
}

// BenchmarkCreate compares what a coroutine costs that is created, runs once and ends.
func BenchmarkCreate(b *testing.B) {
	b.Run("iter.Pull", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			next, stop := iter.Pull(func(yield func(struct{}) bool) { yield(struct{}{}) })
			next()
			stop()
		}
	})
	b.Run("channels", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			resume, blocked := make(chan bool), make(chan struct{})
			go func() {
				defer close(blocked)
				<-resume
				blocked <- struct{}{}
				<-resume
			}()
			resume <- true
			<-blocked
			close(resume)
			<-blocked
		}
	})
}

// BenchmarkBlock is a blocked workflow coroutine's way through the scheduler and back, in one transition.
func BenchmarkBlock(b *testing.B) {
	m := replay.New(replay.Config{Start: newStart(), Body: func(env *replay.Env) {
		b.ReportAllocs()
		for b.Loop() {
			env.Block("its turn", func() bool { return true })
		}
		env.Complete(nil)
	}})
	defer m.Destroy()
	if _, err := m.Decide(m.State().Draft(epoch)); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReplaySequential replays runs of n activities one after the other; ns/event must not depend on n.
func BenchmarkReplaySequential(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			body := sequence(n)
			records := recordSequence(b, n, body)
			events := 0
			for b.Loop() {
				m := replay.New(replay.Config{Start: newStart(), Body: body})
				for _, t := range records {
					if err := m.Apply(t); err != nil {
						b.Fatal(err)
					}
				}
				events += int(m.State().LastEvent)
				m.Destroy()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
		})
	}
}

func sequence(n int) replay.Body {
	return func(env *replay.Env) {
		var last string
		for range n {
			last = call(env, "Step")
		}
		env.Complete(text(last))
	}
}

// recordSequence runs sequence(n) live.
func recordSequence(t testing.TB, n int, body replay.Body) []*history.Transition {
	r := newRun(t, newStart(), body)
	r.mustStep()
	for i := range n {
		r.now = epoch.Add(time.Duration(i) * time.Second)
		r.mustStep(completed(2+2*int64(i), "ok"))
	}
	if !r.m.State().Closed() {
		t.Fatal("run is still open")
	}
	return r.records
}

// BenchmarkFanOut replays a run of n coroutines that each await one activity, completed one by one.
func BenchmarkFanOut(b *testing.B) {
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			body := fanOut(n)
			r := newRun(b, newStart(), body)
			r.mustStep()
			for i := range n {
				r.mustStep(completed(2+int64(i), "1"))
			}
			for b.Loop() {
				m := replay.New(replay.Config{Start: newStart(), Body: body})
				for _, t := range r.records {
					if err := m.Apply(t); err != nil {
						b.Fatal(err)
					}
				}
				m.Destroy()
			}
		})
	}
}

func fanOut(n int) replay.Body {
	return func(env *replay.Env) {
		results := 0
		for i := range n {
			env.Go(fmt.Sprintf("branch %d", i), func() {
				call(env, fmt.Sprintf("Branch%d", i))
				results++
			})
		}
		env.Block("all branches", func() bool { return results == n })
		env.Complete(&common.Payloads{})
	}
}
