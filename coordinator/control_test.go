package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// oneTask is a workflow that waits for one activity, number 2.
func oneTask(env *replay.Env) {
	var done *replay.Outcome
	if _, err := env.ScheduleActivity(&history.ActivityTaskScheduled{Type: "A", Queue: queue, StartToClose: 60000, NoEager: true},
		func(o replay.Outcome) { done = &o }); err != nil {
		panic(err)
	}
	env.Block("activity", func() bool { return done != nil })
	env.Complete(done.Result)
}

func asks(id string, r history.ActivityRequest) *history.Message {
	return &history.Message{ID: id, Asked: &r}
}

var (
	pause   = history.ActivityRequest{Pause: &history.ActivityTaskPaused{Scheduled: 2}}
	unpause = history.ActivityRequest{Unpause: &history.ActivityTaskUnpaused{Scheduled: 2}}
	reset   = history.ActivityRequest{Reset: &history.ActivityTaskReset{Scheduled: 2}}
)

func (f *fixture) leaveBeat(run history.Address, b history.Beat) {
	f.Helper()
	data, err := history.Encode(&b)
	if err == nil {
		_, last, _ := f.model.GetBeat(f.ctx, run.Run, 2)
		_, err = f.model.PutBeat(f.ctx, run.Run, 2, data, last)
	}
	if err != nil {
		f.Fatal(err)
	}
}

// taskInQueue is the task that the broker holds, nil for none.
func (f *fixture) taskInQueue(run history.Address) *history.Task {
	f.Helper()
	found, err := f.model.FindTask(f.ctx, streams.TaskRef{Run: run.Run, Queue: queue, Activity: 2})
	if err != nil {
		return nil
	}
	task, err := history.DecodeTask(found.Data)
	if err != nil {
		f.Fatal(err)
	}
	return task
}

func (f *fixture) wantGeneration(run history.Address, generation int64, attempt int32) {
	f.Helper()
	task := f.taskInQueue(run)
	if task == nil || task.Generation != generation || task.FirstAttempt != attempt {
		f.Fatalf("task in the queue is %+v, want generation %d and attempt %d; events %v", task, generation, attempt, f.events(run))
	}
}

// Whether a task waits or somebody has it is read from what attempts leave.
func TestTaskIsRecalledOnlyWhereNoAttemptHasIt(t *testing.T) {
	ended := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		beat     *history.Beat
		recalled bool
	}{
		"it may be the first attempt":           {nil, false},
		"an attempt runs":                       {&history.Beat{Attempt: 3}, false},
		"completed from outside":                {&history.Beat{Attempt: 3, Ended: ended, Pending: true}, false},
		"it waits for a retry":                  {&history.Beat{Attempt: 3, Ended: ended}, true},
		"word of a generation to come":          {&history.Beat{Attempt: 3, Ended: ended, Generation: 9}, false},
		"it was handed back, and waits ":        {&history.Beat{Attempt: 0, Ended: ended}, true},
		"it was recalled, and the run not told": {&history.Beat{Attempt: 3, Ended: ended, Generation: 3}, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("one", oneTask)
				f.serve()
				run := f.start("w", "one")
				f.settle(time.Second)
				if test.beat != nil {
					f.leaveBeat(run, *test.beat)
				}
				f.send(run, asks("r", reset))
				f.settle(time.Second)
				if test.recalled {
					f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskReset", "4 ActivityTaskParked", "5 ActivityTaskQueued")
					f.wantGeneration(run, 5, 1)
				} else {
					f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskReset")
					f.wantGeneration(run, 0, 1)
				}
				if asked, err := f.model.Asked(f.ctx, run.Run, 2); err != nil || asked.Control != 3 {
					f.Errorf("workers are told %+v, %v", asked, err)
				}
			})
		})
	}
}

// crossing is a broker to which somebody speaks just before a coordinator leaves its first word.
type crossing struct {
	*streamstest.Model
	before func()
	once   sync.Once
}

func (c *crossing) PutBeat(ctx context.Context, run history.Run, activity int64, data []byte, after uint64) (uint64, error) {
	c.once.Do(c.before)
	return c.Model.PutBeat(ctx, run, activity, data, after)
}

// The coordinator finds a task that waits for its retry. Before it says that it recalls it, the worker says that the attempt
// begins; or some other word comes.
func TestTaskIsNotRecalledWhereAnAttemptBeginsMeanwhile(t *testing.T) {
	for name, test := range map[string]struct {
		beat     history.Beat
		recalled bool
	}{
		"the next attempt begins":       {history.Beat{Attempt: 2, Started: time.Unix(1, 0)}, false},
		"an attempt ends":               {history.Beat{Attempt: 2, Ended: time.Unix(2, 0)}, true},
		"another coordinator recalls":   {history.Beat{Attempt: 1, Ended: time.Unix(2, 0), Generation: 3}, true},
		"of a generation that is newer": {history.Beat{Attempt: 1, Generation: 9}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("one", oneTask)
				broker := &crossing{Model: f.model}
				f.serveOn(broker)
				run := f.start("w", "one")
				f.settle(time.Second)
				broker.before = func() { f.leaveBeat(run, test.beat) }
				f.leaveBeat(run, history.Beat{Attempt: 1, Ended: time.Unix(1, 0)})
				f.send(run, asks("r", reset))
				f.settle(time.Second)
				if test.recalled {
					f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskReset", "4 ActivityTaskParked", "5 ActivityTaskQueued")
				} else {
					f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskReset")
				}
			})
		})
	}
}

// The word by which a task is recalled stands against what its workers have still to say, and not against those of the next.
func TestRecallOutdatesTheTasksAttempts(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", oneTask)
		f.serve()
		run := f.start("w", "one")
		f.settle(time.Second)
		failed := &failure.Failure{Message: "no"}
		f.leaveBeat(run, history.Beat{Attempt: 1, Started: time.Unix(1, 0), Ended: time.Unix(2, 0), Failure: failed})
		_, last, err := f.model.GetBeat(f.ctx, run.Run, 2)
		if err != nil {
			f.Fatal(err)
		}
		f.send(run, asks("r", reset))
		f.settle(time.Second)
		f.wantGeneration(run, 5, 1)
		late := &history.Beat{Attempt: 2, Started: time.Unix(3, 0)}
		data, err := history.Encode(late)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := f.model.PutBeat(f.ctx, run.Run, 2, data, last); !errors.Is(err, streams.ErrConflict) {
			f.Errorf("a late word that an attempt begins: %v", err)
		}
		data, _, err = f.model.GetBeat(f.ctx, run.Run, 2)
		if err != nil {
			f.Fatal(err)
		}
		word, err := history.DecodeBeat(data)
		if err != nil {
			f.Fatal(err)
		}
		if !word.Outdates(late) || word.Outdates(&history.Beat{Generation: 5, Attempt: 1}) || word.Failure == nil {
			f.Errorf("the word that recalls is %+v", word)
		}
	})
}

func TestParkedTaskWaitsForTheUnpause(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", oneTask)
		f.serve()
		run := f.start("w", "one")
		f.send(run, asks("p", pause))
		f.settle(time.Second)
		f.task() // its worker parks it
		f.send(run, history.NewParked(history.ActivityParked{Scheduled: 2, Attempt: 4}))
		f.settle(time.Hour)
		if task := f.taskInQueue(run); task != nil {
			f.Fatalf("task in a pause: %+v", task)
		}
		f.send(run, asks("u", unpause))
		f.settle(time.Second)
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskPaused", "4 ActivityTaskParked", "5 ActivityTaskUnpaused", "6 ActivityTaskQueued")
		f.wantGeneration(run, 6, 4)
		f.complete(run, 2, "x")
		f.settle(time.Second)
		f.wantResult(run, "x")
	})
}

// The worker tells first and acknowledges then: the next task finds the queue taken by the one that is parked, or gets
// there at the very moment of the acknowledgement.
func TestNextGenerationTakesThePlaceOfTheParkedTask(t *testing.T) {
	for name, vanishes := range map[string]bool{"before the acknowledgement": false, "during it": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("one", oneTask)
				broker := &vanishing{Model: f.model}
				f.serveOn(broker)
				run := f.start("w", "one")
				f.settle(time.Second)
				f.leaveBeat(run, history.Beat{Attempt: 1}) // an attempt runs
				f.send(run, asks("r", reset))
				f.settle(time.Second)
				f.wantGeneration(run, 0, 1)
				broker.vanishes.Store(vanishes)
				f.send(run, history.NewParked(history.ActivityParked{Scheduled: 2, Attempt: 2}))
				f.settle(10 * time.Second)
				f.wantGeneration(run, 5, 1)
			})
		})
	}
}

// vanishing is a broker whose task is acknowledged just before somebody looks what it is.
type vanishing struct {
	*streamstest.Model
	vanishes atomic.Bool
}

func (v *vanishing) FindTask(ctx context.Context, ref streams.TaskRef) (*streams.QueuedTask, error) {
	if v.vanishes.Swap(false) {
		if err := v.WithdrawTask(ctx, ref); err != nil {
			return nil, err
		}
	}
	return v.Model.FindTask(ctx, ref)
}

// That the activity is paused already must be true, not only the last that this process has heard; and whoever is given the
// request a second time must not find that it changes something by now. So it is recorded.
func TestRequestThatChangesNothingIsRecorded(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", oneTask)
		stop := f.serve()
		run := f.start("w", "one")
		f.send(run, asks("p", pause))
		f.settle(time.Second)
		// Another process, that nobody here knows of, has ended the pause.
		state := f.state(run)
		loaded, err := f.model.Load(f.ctx, run.Run, 0)
		if err != nil {
			f.Fatal(err)
		}
		tr := &history.Transition{RunID: run.RunID, Number: state.Transitions + 1, CommitID: "other", Cover: "s:u", Time: time.Now(),
			Previous: loaded.LastSeq, HistorySize: 1, Events: []history.Event{history.NewEvent(4, &history.ActivityTaskUnpaused{Scheduled: 2})}}
		data, err := history.Encode(tr)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := f.model.Append(f.ctx, run.Run, data, streams.RecordInfo{Number: tr.Number, CommitID: tr.CommitID, Previous: loaded.LastSeq}, loaded.LastSeq); err != nil {
			f.Fatal(err)
		}
		f.send(run, asks("again", pause))
		f.settle(10 * time.Second)
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskPaused", "4 ActivityTaskUnpaused", "5 ActivityTaskPaused")
		stop()
	})
}

// TestEveryCallOfARequestMayBeTheLast kills the coordinator at its k-th storage call of a pause, an unpause and the next
// task: another one brings the activity to its second generation.
func TestEveryCallOfARequestMayBeTheLast(t *testing.T) {
	for k, struck := int64(1), true; struck; k++ {
		t.Run(fmt.Sprint("call ", k), func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("one", oneTask)
				stop := f.serve()
				run := f.start("w", "one")
				f.settle(time.Second)
				f.leaveBeat(run, history.Beat{Attempt: 3, Ended: time.Now()})
				var calls atomic.Int64
				f.faults(func(streamstest.Op, history.Run, int) streamstest.Fault {
					if calls.Add(1) >= k {
						return streamstest.Lost
					}
					return streamstest.Proceed
				})
				f.sendThrough(run, asks("p", pause))
				f.settle(time.Second)
				f.sendThrough(run, asks("u", unpause))
				f.settle(time.Second)
				struck = calls.Load() >= k
				stop()
				f.faults(nil)
				f.serve()
				f.settle(20 * time.Second)
				task := f.taskInQueue(run)
				if task == nil || task.Generation == 0 || task.FirstAttempt != 4 {
					f.Fatalf("task in the queue is %+v; events %v", task, f.events(run))
				}
				f.wantCovers(run)
				if left := f.waiting(run); len(left) > 0 {
					f.Errorf("%d messages still wait", len(left))
				}
			})
		})
		if t.Failed() || k > 100 {
			break
		}
	}
}
