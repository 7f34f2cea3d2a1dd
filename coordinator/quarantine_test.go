package coordinator_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/alone"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
)

// ends ends the process: nothing that it says reaches the broker any more.
func (f *fixture) ends() {
	f.faults(dead)
	panic("the process ends here")
}

// live runs one process after what happens before it, until it has been killed, and waits until the broker gives what it
// held to others.
func (f *fixture) live(before func()) {
	f.Helper()
	before()
	stop := f.serve()
	f.settle(4 * time.Second)
	f.kill(stop)
	f.settle(10 * time.Second)
}

// TestAnInnocentNeighbourOfCrashesIsNotQuarantined: three processes die of others while they run the run's code.
func TestAnInnocentNeighbourOfCrashesIsNotQuarantined(t *testing.T) {
	inBubble(t, func(f *fixture) {
		crashes, running, caught := 0, 0, 0
		f.deploy("slow", func(env *replay.Env) {
			running++
			time.Sleep(400 * time.Millisecond)
			running--
			env.Complete(call(env, "A"))
		})
		// A neighbour ends one process. Then it does no harm any more, so that others are blamed for its death or nobody is.
		guilty := map[string]bool{}
		for i := range 3 {
			name := fmt.Sprint("neighbour", i)
			f.deploy(name, func(env *replay.Env) {
				time.Sleep(200 * time.Millisecond)
				if !guilty[name] {
					guilty[name] = true
					crashes++
					caught += running
					f.ends()
				}
				env.Complete(nil)
			})
		}
		run := f.start("innocent", "slow")
		for i := range 3 {
			f.live(func() {
				running = 0
				name := fmt.Sprint("neighbour", i)
				f.start(name, name)
			})
		}
		if crashes != 3 || caught < 2 {
			t.Fatalf("%d crashes, %d of them while the innocent code ran: want 3, and 2 at least", crashes, caught)
		}
		f.serve()
		f.settle(10 * time.Second)
		f.complete(run, 2, "alive")
		f.settle(time.Second)
		f.wantResult(run, "alive")
		if got := f.trouble(run); got != (history.Trouble{}) {
			t.Errorf("trouble is still noted: %+v", got)
		}
	})
}

// TestWhatIsSuspectedRunsWithNothingBesideIt: neither other code nor functions of activities.
func TestWhatIsSuspectedRunsWithNothingBesideIt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		var running, beside, deaths atomic.Int32
		f.deploy("busy", func(env *replay.Env) {
			running.Add(1)
			time.Sleep(300 * time.Millisecond)
			running.Add(-1)
			env.Complete(nil)
		})
		f.deploy("suspect", func(env *replay.Env) {
			beside.Store(running.Load())
			time.Sleep(300 * time.Millisecond)
			beside.Add(running.Load())
			if deaths.Add(1) < 3 {
				f.ends()
			}
			env.Complete(call(env, "A"))
		})
		f.config.Gate = &alone.Gate{}
		f.live(func() { f.start("suspect", "suspect") })
		f.live(func() {})
		last, err := f.model.LastStart(f.ctx, "suspect")
		if err != nil {
			t.Fatal(err)
		}
		f.config.Gate.Enter(f.ctx) // an activity
		begun := time.Now()
		var left atomic.Int64
		time.AfterFunc(2*time.Second, func() { left.Store(int64(time.Since(begun))); f.config.Gate.Leave() })
		for i := range 5 {
			f.start(fmt.Sprint("busy", i), "busy")
		}
		f.serve()
		f.settle(10 * time.Second)
		if deaths.Load() != 3 || beside.Load() != 0 || left.Load() == 0 {
			t.Fatalf("after %d deaths the code ran with %d others beside it", deaths.Load(), beside.Load())
		}
		f.complete(last.Run, 2, "ok")
		f.settle(time.Second)
		f.wantResult(last.Run, "ok")
	})
}

// TestAnActivityThatRunsOnDelaysTheVerdictOnly: nobody is ever alone in these processes.
func TestAnActivityThatRunsOnDelaysTheVerdictOnly(t *testing.T) {
	inBubble(t, func(f *fixture) {
		deaths := 0
		f.deploy("poison", func(*replay.Env) {
			deaths++
			f.ends()
		})
		run := f.start("w", "poison")
		for range 14 {
			f.config.Gate = &alone.Gate{}
			f.config.Gate.Enter(f.ctx)
			stop := f.serve()
			f.settle(8 * time.Second)
			f.kill(stop)
			f.settle(10 * time.Second)
		}
		if deaths != 11 {
			t.Errorf("%d processes ended, want 11", deaths)
		}
		if got := f.trouble(run).Reason; !strings.Contains(got, "beside activities") {
			t.Errorf("reason %q does not say why it took so long", got)
		}
	})
}

// TestNewMessagesForAQuarantinedRunEndNoProcess: also of processes that have just begun.
func TestNewMessagesForAQuarantinedRunEndNoProcess(t *testing.T) {
	inBubble(t, func(f *fixture) {
		run, replays := f.poisoned()
		before := *replays
		for i := range 20 {
			f.signal(run, "s", fmt.Sprint("s", i))
			f.settle(30 * time.Second)
		}
		if *replays > before {
			t.Fatalf("the code ran %d more times", *replays-before)
		}
		f.send(run, &history.Message{ID: "t1", Terminate: &history.Termination{}})
		f.settle(time.Minute)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
	})
}

// deadly ends its process.
type deadly struct {
	*fixture
	deaths int
}

func (d *deadly) RunLocal(context.Context, *history.Start, *replay.LocalActivity, time.Time) replay.LocalOutcome {
	d.deaths++
	d.faults(dead)
	return replay.LocalOutcome{Failure: &failure.Failure{Message: "the process ends here"}, Time: time.Now()}
}

func TestALocalActivityThatEndsProcessesIsQuarantined(t *testing.T) {
	inBubble(t, func(f *fixture) {
		d := &deadly{fixture: f}
		f.config.Local = d
		f.deploy("local", func(env *replay.Env) {
			if err := env.RunLocal(&replay.LocalActivity{ID: "1", Type: "L"}, func(replay.LocalOutcome) {}); err != nil {
				panic(err)
			}
			env.Block("for ever", func() bool { return false })
		})
		run := f.start("w", "local")
		for range 6 {
			f.live(func() {})
		}
		if d.deaths != 4 {
			t.Errorf("%d processes ended, want 4", d.deaths)
		}
		if got := f.trouble(run).Reason; !strings.Contains(got, "ended 4 processes") {
			t.Errorf("reason %q does not say what happened", got)
		}
	})
}

// fatalValidator ends the process of whoever asks it.
type fatalValidator struct {
	*tally
	f      *fixture
	deaths *int
}

func (v fatalValidator) Validate(*history.UpdateRequest) *failure.Failure {
	*v.deaths++
	v.f.ends()
	return nil
}

// TestAnUpdateWhoseValidatorEndsProcessesIsQuarantined although each process that is given it puts it into the inbox anew.
func TestAnUpdateWhoseValidatorEndsProcessesIsQuarantined(t *testing.T) {
	inBubble(t, func(f *fixture) {
		deaths := 0
		f.deploy("w", func(env *replay.Env) {
			env.OnUpdate(fatalValidator{&tally{env: env}, f, &deaths})
			env.Block("for ever", func() bool { return false })
		})
		stop := f.serve()
		run := f.start("w", "w")
		f.settle(time.Second)
		stop()
		f.send(run, update("once", "u1"))
		for range 8 {
			f.live(func() {})
		}
		if deaths > 5 {
			t.Errorf("%d processes ended, want 5 at most", deaths)
		}
		if got := f.trouble(run).Reason; !strings.Contains(got, "has ended") {
			t.Errorf("reason %q does not say what happened", got)
		}
	})
}

// TestCodeThatRunsElsewhereIsNotGuilty: another process runs the run's code alone, and has noted that, when a message of
// the run that was delivered often comes to this one. The note is struck out, and the message must not rest for minutes
// meanwhile: all that was sent after it waits behind it.
func TestCodeThatRunsElsewhereIsNotGuilty(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("collect", collect(1))
		stop := f.serve()
		run := f.start("w", "collect")
		f.settle(time.Second)
		stop()
		f.signal(run, "s", "s1")
		c, err := f.model.Consume(f.ctx, streams.LaneInbox, queue, "", streams.ConsumeOptions{AckWait: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for range 12 {
			ds, err := c.Pull(f.ctx, 1)
			if err != nil {
				t.Fatal(err)
			}
			if err := ds[0].Nak(0); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		note, err := history.Encode(&history.Trouble{Transition: 1, Begun: 3, Alone: 2, Began: time.Now()})
		if err == nil {
			err = f.model.PutNote(f.ctx, run.Run, note)
		}
		if err != nil {
			t.Fatal(err)
		}
		f.serve()
		f.settle(500 * time.Millisecond)
		if state := f.state(run); state.Closed() {
			t.Fatal("the code ran in spite of the note")
		}
		if err := f.model.DeleteBeats(f.ctx, run.Run, 0); err != nil { // the other process is done
			t.Fatal(err)
		}
		f.settle(3 * time.Second)
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_COMPLETED)
	})
}
