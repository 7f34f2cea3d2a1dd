package streamstest

import (
	"bytes"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

func taskChecks() []check {
	return []check{
		{"task/delivered", taskDelivered},
		{"task/one for each activity", taskUnique},
		{"task/eight publishers", taskCompetition},
		{"task/withdrawn", taskWithdrawn},
		{"task/withdrawn while it runs", taskWithdrawnRunning},
		{"task/arguments", taskArguments},
		{"heartbeat/stored", beatStored},
		{"heartbeat/on condition", beatOnCondition},
		{"heartbeat/flags", beatFlags},
		{"heartbeat/control", beatControl},
		{"heartbeat/mark", askedMark},
		{"task/removal", taskRemoval},
		{"heartbeat/reported failure", beatReportedFailure},
	}
}

func (f *fixture) newTask() streams.TaskRef {
	return streams.TaskRef{Run: f.newRun().Run, Queue: f.queue, Activity: 12}
}

// publish publishes a task and demands that it is stored or that it is not.
func (f *fixture) publish(ref streams.TaskRef, want bool) {
	f.Helper()
	f.publishData(ref, "task", want)
}

func (f *fixture) publishData(ref streams.TaskRef, data string, want bool) {
	f.Helper()
	stored, err := f.PublishTask(f.ctx, ref, []byte(data))
	f.noError("publish task", err)
	equal(f, "task is stored", stored, want)
}

func (f *fixture) queued(ref streams.TaskRef, want bool) {
	f.Helper()
	queued, err := f.TaskQueued(f.ctx, ref)
	f.noError("task queued", err)
	equal(f, "task is queued", queued, want)
}

// freed waits until an acknowledged task is gone. Until then another one for the activity is not stored.
func (f *fixture) freed(ref streams.TaskRef) {
	f.Helper()
	f.settles("acknowledged task is gone", func() bool {
		queued, err := f.TaskQueued(f.ctx, ref)
		f.noError("task queued", err)
		return !queued
	})
}

func taskDelivered(f *fixture) {
	ref := f.newTask()
	f.publish(ref, true)
	c := f.consume(streams.LaneTasks)
	d := f.pullOne(c)
	equal(f, "lane", d.Lane, streams.LaneTasks)
	equal(f, "run", d.Run.Run, ref.Run)
	equal(f, "queue", d.Queue, ref.Queue)
	equal(f, "activity", d.Activity, ref.Activity)
	equal(f, "deliveries", d.Deliveries, 1)
	equal(f, "data", bytes.Equal(d.Data, []byte("task")), true)
	f.noError("nak", d.Nak(0))
	d = f.pullOne(c)
	equal(f, "deliveries", d.Deliveries, 2)
	f.noError("ack", d.AckSync(f.ctx))
	f.freed(ref)
	f.nothing(c, ackWait+silence)
}

func taskUnique(f *fixture) {
	ref := f.newTask()
	f.queued(ref, false)
	f.publish(ref, true)
	f.publish(ref, false)
	other := ref
	other.Activity++
	f.publish(other, true)

	c := f.consume(streams.LaneTasks)
	ds := f.pull(c, 2)
	equal(f, "first activity", ds[0].Activity, ref.Activity)
	f.publish(ref, false) // running
	f.noError("nak", ds[0].Nak(time.Second))
	f.publish(ref, false) // backing off
	f.noError("ack", ds[1].AckSync(f.ctx))
	f.queued(ref, true)
	d := f.pullOne(c)
	equal(f, "activity", d.Activity, ref.Activity)
	equal(f, "deliveries", d.Deliveries, 2)
	f.publish(ref, false) // running again
	f.noError("ack", d.AckSync(f.ctx))
	f.freed(ref)
	f.publishData(ref, "next task", true)
	d = f.pullOne(c)
	equal(f, "deliveries of the next task", d.Deliveries, 1)
	equal(f, "data of the next task", string(d.Data), "next task")
}

func taskCompetition(f *fixture) {
	ref := f.newTask()
	var won atomic.Int32
	race(8, func(int) {
		stored, err := f.PublishTask(f.ctx, ref, []byte("task"))
		if err != nil {
			f.Errorf("publish task: %v", err)
		}
		if stored {
			won.Add(1)
		}
	})
	equal(f, "publishers that stored the task", won.Load(), 1)
}

func taskWithdrawn(f *fixture) {
	ref, kept := f.newTask(), f.newTask()
	f.publish(ref, true)
	f.publish(kept, true)
	f.noError("withdraw", f.WithdrawTask(f.ctx, ref))
	f.queued(ref, false)
	f.noError("withdraw again", f.WithdrawTask(f.ctx, ref))
	f.queued(kept, true)
	c := f.consume(streams.LaneTasks)
	equal(f, "run", f.pullOne(c).Run.Run, kept.Run)
	f.nothing(c, silence)
}

// taskWithdrawnRunning: answers to a withdrawn task do not touch the one that came after it.
func taskWithdrawnRunning(f *fixture) {
	ref := f.newTask()
	f.publish(ref, true)
	c := f.consume(streams.LaneTasks)
	old := f.pullOne(c)
	f.noError("withdraw", f.WithdrawTask(f.ctx, ref))
	f.publishData(ref, "next task", true)
	next := f.pullOne(c)
	equal(f, "deliveries of the next task", next.Deliveries, 1)
	f.noError("nak of the withdrawn task", old.Nak(0))
	f.nothing(c, silence)
	f.noError("ack of the withdrawn task", old.Ack(f.ctx))
	f.noError("keep alive", next.InProgress(f.ctx))
	f.queued(ref, true)
	f.noError("ack", next.AckSync(f.ctx))
	f.freed(ref)
}

func taskArguments(f *fixture) {
	ref := f.newTask()
	_, err := f.PublishTask(f.ctx, ref, make([]byte, f.Limits().MaxRecord+1))
	f.wantError("too large a task", err, streams.ErrTooLarge)
	f.queued(ref, false)
	nowhere, nothing := ref, ref
	nowhere.Queue, nothing.Activity = "", 0
	_, err = f.PublishTask(f.ctx, nowhere, nil)
	f.wantError("task of no queue", err, streams.ErrInvalid)
	_, err = f.PublishTask(f.ctx, nothing, nil)
	f.wantError("task of no activity", err, streams.ErrInvalid)
	_, err = f.Claim(f.ctx, ref.Run, 0, "a")
	f.wantError("claim of no activity", err, streams.ErrInvalid)
	_, err = f.PutBeat(f.ctx, ref.Run, 0, nil, 0)
	f.wantError("heartbeat of no activity", err, streams.ErrInvalid)
	tooLarge := make([]byte, f.Limits().MaxRecord+1)
	_, err = f.PutBeat(f.ctx, ref.Run, 1, tooLarge, 0)
	f.wantError("too large a heartbeat", err, streams.ErrTooLarge)
	f.wantError("too large a note", f.PutNote(f.ctx, ref.Run, tooLarge), streams.ErrTooLarge)
}

func beatStored(f *fixture) {
	run := f.newRun().Run
	f.noError("note of the run itself", f.PutNote(f.ctx, run, []byte("first")))
	f.noError("note of the run itself", f.PutNote(f.ctx, run, []byte("run")))
	_, last, err := f.GetBeat(f.ctx, run, 3)
	f.wantError("absent heartbeat", err, streams.ErrNotFound)
	equal(f, "sequence of an absent heartbeat", last, 0)
	for _, data := range []string{"one", "two", ""} {
		last = f.putBeat(run, 3, data, last)
		got, seq, err := f.GetBeat(f.ctx, run, 3)
		f.noError("get beat", err)
		equal(f, "heartbeat", string(got), data)
		equal(f, "its sequence", seq, last)
	}
	f.putBeat(run, 33, "kept", 0)
	f.noError("delete", f.DeleteBeats(f.ctx, run, 3))
	f.noError("delete again", f.DeleteBeats(f.ctx, run, 3))
	_, _, err = f.GetBeat(f.ctx, run, 3)
	f.wantError("deleted heartbeat", err, streams.ErrNotFound)
	got, _, err := f.GetBeat(f.ctx, run, 33)
	f.noError("get beat of another activity", err)
	equal(f, "heartbeat of another activity", string(got), "kept")
	f.putBeat(run, 3, "again", 0)
	got, _, err = f.GetBeat(f.ctx, run, 3)
	f.noError("get beat", err)
	equal(f, "heartbeat after deletion", string(got), "again")
	got, _, err = f.GetBeat(f.ctx, run, 0)
	f.noError("get beat of the run itself", err)
	equal(f, "heartbeat of the run itself", string(got), "run")
	f.noError("delete beats of the run itself", f.DeleteBeats(f.ctx, run, 0))
	_, _, err = f.GetBeat(f.ctx, run, 0)
	f.wantError("deleted heartbeat of the run itself", err, streams.ErrNotFound)
}

// beatOnCondition is what keeps a late heartbeat from replacing a newer one.
func beatOnCondition(f *fixture) {
	run := f.newRun().Run
	refused := func(what, data string, after uint64) {
		f.Helper()
		_, err := f.PutBeat(f.ctx, run, 3, []byte(data), after)
		f.wantError(what, err, streams.ErrConflict)
	}
	stands := func(data string, last uint64) {
		f.Helper()
		got, seq, err := f.GetBeat(f.ctx, run, 3)
		f.noError("get beat", err)
		equal(f, "heartbeat", string(got), data)
		equal(f, "its sequence", seq, last)
	}
	refused("a heartbeat after one that is gone", "late", 7)
	first := f.putBeat(run, 3, "first", 0)
	refused("a first heartbeat after another", "late", 0)
	second := f.putBeat(run, 3, "second", first)
	if second <= first {
		f.Errorf("sequence %d after %d", second, first)
	}
	refused("a heartbeat after one that was replaced", "late", first)
	refused("what was said before", "first", 0)
	refused("a heartbeat after one to come", "early", second+1)
	stands("second", second)
	// The answer to the first call may have been lost.
	equal(f, "sequence of the same heartbeat, put again", f.putBeat(run, 3, "second", first), second)
	stands("second", second)
	f.putBeat(run, 33, "of another activity", 0)
	stands("second", f.putBeat(run, 3, "second", second))
	f.noError("delete", f.DeleteBeats(f.ctx, run, 3))
	refused("a heartbeat after one that was deleted", "late", second)
	stands("again", f.putBeat(run, 3, "again", 0))
}

func (f *fixture) putBeat(run history.Run, activity int64, data string, after uint64) (seq uint64) {
	f.Helper()
	seq, err := f.PutBeat(f.ctx, run, activity, []byte(data), after)
	f.noError("put beat", err)
	return seq
}

func beatFlags(f *fixture) {
	run := f.newRun().Run
	flags := func(activity int64, canceled, started bool) {
		f.Helper()
		got, err := f.CancelRequested(f.ctx, run, activity)
		f.noError("cancel requested", err)
		equal(f, "cancel is requested", got, canceled)
		got, err = f.Started(f.ctx, run, activity)
		f.noError("started", err)
		equal(f, "is started", got, started)
	}
	flags(3, false, false)
	f.noError("request cancel", f.RequestCancel(f.ctx, run, 3))
	flags(3, true, false)
	f.putBeat(run, 3, "beat", 0) // must not erase the flag
	f.noError("mark started", f.MarkStarted(f.ctx, run, 3))
	f.noError("request cancel again", f.RequestCancel(f.ctx, run, 3))
	flags(3, true, true)
	flags(4, false, false)
	f.noError("delete", f.DeleteBeats(f.ctx, run, 3))
	flags(3, false, false)
	f.noError("mark started", f.MarkStarted(f.ctx, run, 3))
	flags(3, false, true)
}

// beatControl: what is asked of an activity is found with one look, whatever it is, and erases nothing.
func beatControl(f *fixture) {
	run := f.newRun().Run
	want := func(activity int64, want streams.Asked) {
		f.Helper()
		got, err := f.Asked(f.ctx, run, activity)
		f.noError("asked", err)
		equal(f, "asked", got, want)
	}
	want(3, streams.Asked{})
	f.noError("put control", f.PutControl(f.ctx, run, 3, 7))
	want(3, streams.Asked{Control: 7})
	f.noError("put control", f.PutControl(f.ctx, run, 3, 5)) // whoever comes last
	want(3, streams.Asked{Control: 5})
	f.putBeat(run, 3, "beat", 0)
	f.noError("request cancel", f.RequestCancel(f.ctx, run, 3))
	want(3, streams.Asked{Cancel: true, Control: 5})
	want(4, streams.Asked{})
	f.noError("request cancel", f.RequestCancel(f.ctx, run, 4))
	want(4, streams.Asked{Cancel: true})
	f.noError("delete", f.DeleteBeats(f.ctx, run, 3))
	want(3, streams.Asked{})
}

// askedMark: who asks anything of any activity of a partition is noticed by all who ask for the partition.
func askedMark(f *fixture) {
	for _, ask := range []func(run history.Run) error{
		func(run history.Run) error { return f.RequestCancel(f.ctx, run, 3) },
		func(run history.Run) error { return f.PutControl(f.ctx, run, 3, 7) },
	} {
		run, before := f.newRun().Run, time.Now()
		f.noError("ask", ask(run))
		for _, published := range []time.Time{before, time.Now(), before.Add(streams.QuietAfter - time.Minute)} {
			equal(f, "nothing asked since "+published.String(), f.NothingAsked(f.ctx, run.WorkflowID, published, 0), false)
		}
		later := time.Now().Add(streams.QuietAfter + time.Minute)
		equal(f, "nothing asked since later", f.NothingAsked(f.ctx, run.WorkflowID, later, 0), true)
	}
}

// taskRemoval: a task is removed as it was found, and not another one that has taken its place.
func taskRemoval(f *fixture) {
	ref := streams.TaskRef{Run: f.newRun().Run, Queue: f.queue, Activity: 3}
	_, err := f.FindTask(f.ctx, ref)
	f.wantError("find no task", err, streams.ErrNotFound)
	_, err = f.PublishTask(f.ctx, ref, []byte("one"))
	f.noError("publish", err)
	one, err := f.FindTask(f.ctx, ref)
	f.noError("find", err)
	equal(f, "task", string(one.Data), "one")
	f.noError("remove", f.RemoveTask(f.ctx, ref, one.Seq))
	f.noError("remove again", f.RemoveTask(f.ctx, ref, one.Seq))
	_, err = f.PublishTask(f.ctx, ref, []byte("two"))
	f.noError("publish", err)
	f.noError("remove the first", f.RemoveTask(f.ctx, ref, one.Seq))
	two, err := f.FindTask(f.ctx, ref)
	f.noError("find", err)
	equal(f, "task", string(two.Data), "two")
}

// beatReportedFailure: the report and the heartbeat do not erase each other, and are deleted together.
func beatReportedFailure(f *fixture) {
	run := f.newRun().Run
	f.wantError("report of no activity", f.ReportFailure(f.ctx, run, -1, nil), streams.ErrInvalid)
	_, err := f.ReportedFailure(f.ctx, run, 3)
	f.wantError("absent report", err, streams.ErrNotFound)
	last := f.putBeat(run, 3, "beat", 0)
	for _, data := range []string{"one", "two"} {
		f.noError("report failure", f.ReportFailure(f.ctx, run, 3, []byte(data)))
		last = f.putBeat(run, 3, "beat after "+data, last)
		got, err := f.ReportedFailure(f.ctx, run, 3)
		f.noError("reported failure", err)
		equal(f, "report", string(got), data)
	}
	got, _, err := f.GetBeat(f.ctx, run, 3)
	f.noError("get beat", err)
	equal(f, "heartbeat", string(got), "beat after two")
	_, err = f.ReportedFailure(f.ctx, run, 4)
	f.wantError("report of another activity", err, streams.ErrNotFound)
	f.noError("delete", f.DeleteBeats(f.ctx, run, 3))
	_, err = f.ReportedFailure(f.ctx, run, 3)
	f.wantError("deleted report", err, streams.ErrNotFound)
}
