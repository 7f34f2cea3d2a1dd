package coordinator_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
)

// TestAForgedStartNeitherTakesAWorkflowIDNorHidesItsOpenRun: somebody stores a start without the check behind an open
// run. It is not run, the open run still refuses others, and when that one is closed the ID is free.
func TestAForgedStartNeitherTakesAWorkflowIDNorHidesItsOpenRun(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.serve()
		open := f.start("w", "one")
		f.settle(time.Second)
		forged := f.newStart("w", "one")
		data, err := history.Encode(forged)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.model.InjectStart(forged.Run, data); err != nil {
			t.Fatal(err)
		}
		f.settle(5 * time.Second)
		_, err = streams.StartRun(f.ctx, f.model, streams.StartRequest{Start: f.newStart("w", "one")})
		var already *streams.AlreadyStartedError
		if !errors.As(err, &already) || already.Run.RunID != open.RunID {
			t.Fatalf("start beside the open run: %v, want it refused for run %s", err, open.RunID)
		}
		f.complete(open, 2, "ok")
		f.settle(time.Second)
		f.wantResult(open, "ok")
		next := f.start("w", "one")
		f.settle(time.Second)
		f.complete(next, 2, "next")
		f.settle(time.Second)
		f.wantResult(next, "next")
		if n := len(f.transitions(forged.Run)); n > 0 {
			t.Fatalf("the forged start has %d records", n)
		}
	})
}

// TestATailThatWasLostAndReplacedIsNoticedAfterTheReconnection: the server has lost transition 2 and given its sequence
// to another one. A coordinator that still has the old one in its cache must not go on from there.
func TestATailThatWasLostAndReplacedIsNoticedAfterTheReconnection(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("collect", collect(3))
		f.serve()
		run := f.start("w", "collect")
		f.settle(time.Second)
		f.signal(run, "s", "s1")
		f.settle(time.Second)
		if n := len(f.transitions(run)); n != 2 {
			t.Fatalf("%d transitions, want 2", n)
		}
		f.model.LoseTail()
		f.appendElsewhere(run, signal("s", "s2"))
		f.signal(run, "s", "s3")
		f.settle(time.Second)
		f.signal(run, "s", "s4")
		f.settle(time.Second)
		f.wantResult(run, "s2 s3 s4 ")
	})
}

// TestARunThatNobodyServesIsTerminatedAtOnce: the order closes the run; what the close asks for is sent as soon as
// somebody serves the queue.
func TestARunThatNobodyServesIsTerminatedAtOnce(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		stop := f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		stop()
		found, err := f.model.FindStart(f.ctx, run.Run)
		if err != nil {
			t.Fatal(err)
		}
		order := &history.Message{ID: "t1", Terminate: &history.Termination{Reason: "no use"}}
		if err := streams.TerminateRun(f.ctx, f.model, found, order); err != nil {
			t.Fatal(err)
		}
		f.wantStatus(run, enums.WORKFLOW_EXECUTION_STATUS_TERMINATED)
		f.wantCovers(run)
		f.serve()
		f.settle(10 * time.Second)
		if f.queued(run, 2) {
			t.Fatal("the task of the terminated run was not withdrawn")
		}
		if w := f.waiting(run); len(w) > 0 {
			t.Fatalf("the order was not acknowledged: %v", w)
		}
	})
}

// TestAStartThatIsLostWhileItsCodeRunsIsNotDecided: nobody may go on with a run that was not started, as far as anyone
// else can see; its workflow ID is free for others.
func TestAStartThatIsLostWhileItsCodeRunsIsNotDecided(t *testing.T) {
	inBubble(t, func(f *fixture) {
		lose := sync.OnceFunc(f.model.LoseTail)
		f.deploy("one", func(env *replay.Env) {
			lose()
			one(env)
		})
		f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		if n := len(f.transitions(run)); n != 0 {
			t.Fatalf("%d transitions of a run that was not started", n)
		}
	})
}
