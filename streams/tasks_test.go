package streams

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// A task whose acknowledgement was lost may be finished before the next attempt arrives: it is not queued again.
func TestTaskWithLostAcknowledgementRunsOnce(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	c := f.consume(LaneTasks, "orders", ConsumeOptions{})
	ref := f.task("w", 3)
	err := losingAnswer(f, f.ns.partitions[0].tasks, func(ns *Namespace) error {
		stored, err := ns.PublishTask(f.ctx, ref, []byte("task"))
		if err == nil && !stored {
			t.Error("the task was refused")
		}
		return err
	}, func() { f.ok(f.pull(c, 1)[0].AckSync(f.ctx)) })
	f.ok(err)
	queued, err := f.ns.TaskQueued(f.ctx, ref)
	f.ok(err)
	if queued {
		t.Error("the finished task was queued again")
	}
}

// Withdrawing a task leaves those alone that were delivered before it: when their worker is lost they come again. A purge
// of the task's subject would not (nats-server 2.15.2): it moves the consumer's acknowledgement floor past them.
func TestWithdrawnTaskTakesNoOtherAlong(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	c := f.consume(LaneTasks, "orders", ConsumeOptions{AckWait: 300 * time.Millisecond})
	run := f.task("w", 0)
	task := func(activity int64) TaskRef {
		ref := run
		ref.Activity = activity
		return ref
	}
	publish := func(activity int64) *Delivery {
		t.Helper()
		stored, err := f.ns.PublishTask(f.ctx, task(activity), nil)
		if f.ok(err); !stored {
			t.Fatalf("task %d was refused", activity)
		}
		return f.pull(c, 1)[0]
	}
	lost := map[int64]bool{publish(3).Activity: true, publish(4).Activity: true}
	publish(5)
	f.ok(f.ns.WithdrawTask(f.ctx, task(5)))
	f.ok(publish(6).AckSync(f.ctx))
	for len(lost) > 0 {
		d := f.pull(c, 1)[0] // fails with the test's context if nothing comes
		if f.ok(d.AckSync(f.ctx)); !lost[d.Activity] {
			t.Fatalf("task %d was delivered, want one of %v", d.Activity, lost)
		}
		delete(lost, d.Activity)
	}
}

// Sending a finished task again on purpose is not swallowed by the broker's window for duplicates.
func TestTaskIsQueuedOncePerCall(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	c := f.consume(LaneTasks, "orders", ConsumeOptions{})
	ref := f.task("w", 3)
	for range 3 {
		var stored atomic.Int32
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				ok, err := f.ns.PublishTask(f.ctx, ref, []byte("task"))
				if err != nil {
					t.Error(err)
				}
				if ok {
					stored.Add(1)
				}
			})
		}
		group.Wait()
		if n := stored.Load(); n != 1 {
			t.Errorf("%d of 8 senders queued the task", n)
		}
		d := f.pull(c, 1)[0]
		if ok, err := f.ns.PublishTask(f.ctx, ref, nil); err != nil || ok {
			t.Errorf("a running task was queued again: %v, %v", ok, err)
		}
		f.ok(d.AckSync(f.ctx))
	}
	f.ok(f.ns.WithdrawTask(f.ctx, ref))
}

// Eight workers claim one activity: all of them are told the same holder.
func TestCompetingClaims(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w").Run
	holders := make([]string, 8)
	var group sync.WaitGroup
	for i := range holders {
		group.Go(func() {
			holder, err := f.ns.Claim(f.ctx, run, 5, string(rune('a'+i)))
			if err != nil {
				t.Error(err)
			}
			holders[i] = holder
		})
	}
	group.Wait()
	for _, holder := range holders {
		if holder != holders[0] || len(holder) != 1 {
			t.Fatalf("holders %q", holders)
		}
	}
}

// Our own claim, whose acknowledgement was lost, is not taken for somebody else's.
func TestClaimWithLostAcknowledgement(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w").Run
	var holder string
	err := losingAnswer(f, f.ns.partitions[0].history, func(ns *Namespace) (err error) {
		holder, err = ns.Claim(f.ctx, run, 5, "me")
		return err
	}, func() {})
	if err != nil || holder != "me" {
		t.Errorf("holder %q, %v", holder, err)
	}
}

func TestBodySizes(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	f.ns.limits.MaxRecord = 1000
	for _, size := range []int{0, 1, 1000, 1001, 5500} {
		run := newRun("w").Run
		body := bytes.Repeat([]byte{7, 8, 9}, size)[:size]
		ref, err := f.ns.PutBody(f.ctx, run, "c", body)
		f.ok(err)
		got, err := f.ns.GetBody(f.ctx, run, ref)
		f.ok(err)
		if want := max((size+999)/1000, 1); ref.Pieces != want || !bytes.Equal(got, body) {
			t.Errorf("%d bytes are %d pieces and read as %d bytes, want %d pieces", size, ref.Pieces, len(got), want)
		}
	}
}

func TestBodyIsVerified(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	f.ns.limits.MaxRecord = 1000
	run := newRun("w").Run
	body := bytes.Repeat([]byte("millrace"), 700)
	ref, err := f.ns.PutBody(f.ctx, run, "c", body)
	f.ok(err)
	got, err := f.ns.GetBody(f.ctx, run, ref)
	f.ok(err)
	if !bytes.Equal(got, body) || ref.Pieces != 6 {
		t.Errorf("%d pieces, %d bytes, want 6 and %d", ref.Pieces, len(got), len(body))
	}
	for name, bad := range map[string]history.BodyRef{
		"a piece too many": {CommitID: "c", Pieces: 7, Hash: ref.Hash}, "a piece too few": {CommitID: "c", Pieces: 5, Hash: ref.Hash},
		"another commit": {CommitID: "d", Pieces: 6, Hash: ref.Hash}, "another hash": {CommitID: "c", Pieces: 6, Hash: []byte("x")},
	} {
		if _, err := f.ns.GetBody(f.ctx, run, &bad); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	_, err = f.ns.GetBody(f.ctx, run, &history.BodyRef{CommitID: "c", Pieces: 1 << 30})
	f.is(err, ErrInvalid)
}
