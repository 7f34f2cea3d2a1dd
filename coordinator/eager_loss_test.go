package coordinator_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

func broken(message string) *failure.Failure {
	return &failure.Failure{Message: message, ApplicationFailureInfo: &failure.ApplicationFailureInfo{}}
}

// killNow ends a coordinator as a SIGKILL would, with the eager activities that it runs.
func (f *fixture) killNow(serve func() (stop func()), begin func() history.Address) history.Address {
	f.Helper()
	f.config.StopTimeout = time.Nanosecond
	stop := serve()
	run := begin()
	f.kill(stop)
	f.config.StopTimeout = 0
	return run
}

// TestTheHeirOfAnEagerActivityQueuesItBeforeItAcknowledges: the process that made the attempt has died.
func TestTheHeirOfAnEagerActivityQueuesItBeforeItAcknowledges(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.config.Eager = &eagerWorker{attempt: lasting(9*time.Second, success)}
		run := f.killNow(f.serve, func() history.Address {
			run := f.start("w", "one")
			f.settle(time.Second)
			return run
		})
		heir := &eagerWorker{}
		f.config.Eager = heir
		calls := f.record(nil, written...)
		f.serve()
		f.settle(3 * time.Second)
		calls.want(f) // the broker does not know yet that the first is dead
		f.settle(3 * time.Second)
		calls.want(f, streamstest.OpAppend, streamstest.OpPublishTask, streamstest.OpAck)
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskQueued")
		if cover := f.transitions(run)[1].Cover; cover != history.StartIdentity {
			f.Errorf("transition 2 is covered by %q", cover)
		}
		if task := f.task(); task.FirstAttempt != 2 || heir.reserved.Load() != 0 {
			f.Errorf("the task begins with attempt %d, and the heir was asked for %d slots", task.FirstAttempt, heir.reserved.Load())
		}
	})
}

// TestOneCoverLastsForAChainOfEagerActivities: the second activity follows from the outcome of the first, the process dies
// while it runs, and all that its heir is given is the start.
func TestOneCoverLastsForAChainOfEagerActivities(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			call(env, "A")
			env.Complete(call(env, "B"))
		})
		f.config.Eager = &eagerWorker{attempt: lasting(2*time.Second, success)}
		run := f.killNow(f.serve, func() history.Address {
			run := f.start("w", "w")
			f.settle(3 * time.Second)
			return run
		})
		f.config.Eager = nil
		f.serve()
		f.settle(10 * time.Second)
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskCompleted", "4 ActivityTaskScheduled", "5 ActivityTaskQueued")
		if task := f.task(); task.Event != 4 || task.FirstAttempt != 2 {
			f.Errorf("the task is of activity %d and begins with attempt %d", task.Event, task.FirstAttempt)
		}
	})
}

// TestTheCoverOfAnEagerOutcomeSendsWhatFollowsFromIt: the process has died between the record of the outcome and the task
// that it asks for.
func TestTheCoverOfAnEagerOutcomeSendsWhatFollowsFromIt(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			call(env, "A")
			schedule(env, history.ActivityTaskScheduled{Type: "B"}, func() { env.Complete(nil) })
			env.Block("ever", func() bool { return false })
		})
		f.config.Eager = &eagerWorker{}
		run := f.killNow(f.serve, func() history.Address {
			f.faults(losing(streamstest.OpPublishTask, streamstest.OpNak))
			run := f.startInFaults("w", "w")
			f.settle(time.Second)
			return run
		})
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskCompleted", "4 ActivityTaskScheduled")
		f.serve()
		f.settle(10 * time.Second)
		if !f.queued(run, 4) {
			f.Fatal("the task was never sent")
		}
	})
}

func (f *fixture) startInFaults(workflowID, workflowType string) (run history.Address) {
	f.Helper()
	f.without(func() { run = f.start(workflowID, workflowType) })
	return run
}

// TestAnEagerAttemptThatOthersHaveGivenUpIsRefused: the signs of life of the process that makes the attempt are lost, and
// its start is given to another, who queues the activity. What becomes of the attempt then is no more than any other
// late report.
func TestAnEagerAttemptThatOthersHaveGivenUpIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		end func(*history.Task) coordinator.EagerOutcome
		// want are the events after the one that queues the activity.
		want []string
	}{
		"success":   {success, []string{"4 ActivityTaskCompleted", "5 WorkflowExecutionCompleted"}},
		"lost":      {func(*history.Task) coordinator.EagerOutcome { return coordinator.EagerOutcome{} }, nil},
		"to repeat": {retried, nil},
		"final failure": {func(task *history.Task) coordinator.EagerOutcome {
			return coordinator.EagerOutcome{Result: &history.ActivityResult{Scheduled: task.Event, Attempt: 1, Failure: broken("no")}}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("one", one)
				f.faults(losing(streamstest.OpKeepAlive))
				f.config.Eager = &eagerWorker{attempt: lasting(9*time.Second, test.end)}
				f.serveOn(&oneStart{f.model})
				run := f.start("w", "one")
				f.settle(time.Second)
				f.config.Eager = nil
				f.serve()
				f.settle(6 * time.Second)
				queued := []string{"2 ActivityTaskScheduled", "3 ActivityTaskQueued"}
				f.wantEvents(run, queued...)
				calls := f.record(losing(streamstest.OpKeepAlive), streamstest.OpSend)
				f.settle(10 * time.Second)
				f.wantEvents(run, append(queued, test.want...)...)
				if sent := calls.count(streamstest.OpSend); sent != min(1, len(test.want)) {
					f.Errorf("%d messages were sent", sent)
				}
				if w := f.waiting(run); len(w) > 0 {
					f.Errorf("%d messages wait", len(w))
				}
				if len(test.want) > 0 {
					f.wantResult(run, "eager A")
				}
			})
		})
	}
}

// TestTheResultOfAQueuedAttemptWinsOverALateEagerOne: whichever comes first is the activity's, and the other is settled.
func TestTheResultOfAQueuedAttemptWinsOverALateEagerOne(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			env.OnSignal(func(*history.WorkflowExecutionSignaled) {})
			result := call(env, "A")
			sleep(env, time.Minute)
			env.Complete(result)
		})
		f.faults(losing(streamstest.OpKeepAlive))
		f.config.Eager = &eagerWorker{attempt: lasting(9*time.Second, success)}
		f.serveOn(&oneStart{f.model})
		run := f.start("w", "w")
		f.settle(time.Second)
		f.config.Eager = nil
		f.serve()
		f.settle(6 * time.Second)
		f.task()
		f.send(run, completion(2, 2, "second"))
		f.settle(30 * time.Second)
		if w := f.waiting(run); len(w) > 0 {
			f.Errorf("%d messages wait", len(w))
		}
		f.settle(time.Minute)
		f.wantResult(run, "second")
	})
}

// TestAnOutrunEagerFailureDoesNotHideTheTaskOfItsHeir: the heir queued the activity by a record and died before it sent
// the task. What is left of the cover is the start in the hands of the first process, whose attempt now fails.
func TestAnOutrunEagerFailureDoesNotHideTheTaskOfItsHeir(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("one", one)
		f.faults(losing(streamstest.OpKeepAlive))
		f.config.Eager = &eagerWorker{attempt: lasting(8*time.Second, retried)}
		f.serveOn(&oneStart{f.model})
		run := f.start("w", "one")
		f.settle(time.Second)
		f.config.Eager = nil
		heir := f.serve()
		f.faults(losing(streamstest.OpKeepAlive, streamstest.OpPublishTask, streamstest.OpNak))
		f.settle(5 * time.Second)
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskQueued")
		heir()
		f.faults(nil)
		f.settle(3 * time.Second) // the first process hears of the end of its attempt
		f.serve()
		f.settle(30 * time.Second)
		if !f.queued(run, 2) {
			f.Fatal("the task was never sent")
		}
	})
}

// deaf is the broker as a process sees it that gets one start and nothing from inboxes.
type deaf struct{ *oneStart }

func (b deaf) Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (streams.Consumer, error) {
	c, err := b.oneStart.Consume(ctx, lane, queue, build, o)
	if lane == streams.LaneInbox {
		return &oneDelivery{Consumer: c, made: true}, err
	}
	return c, err
}

// TestNothingIsEagerUnderACoverThatWasTakenOver: the start and a wake-up are given to a second process together, which
// queues the first activity and has the second scheduled in one transition, under the start. The first process hears of the
// end of its attempt, finds the activity queued and acknowledges the start; then the second process dies.
func TestNothingIsEagerUnderACoverThatWasTakenOver(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			env.OnSignal(func(*history.WorkflowExecutionSignaled) {})
			schedule(env, history.ActivityTaskScheduled{Type: "A", StartToClose: 10_000}, func() {})
			sleep(env, 4*time.Second)
			env.Complete(call(env, "B"))
		})
		f.faults(losing(streamstest.OpKeepAlive))
		f.config.MaxAlarms = -1
		f.config.Eager = &eagerWorker{attempt: lasting(8*time.Second, success)}
		f.serveOn(deaf{&oneStart{Model: f.model}})
		run := f.start("w", "w")
		f.settle(3900 * time.Millisecond)
		// The signal is dealt with for so long that what comes meanwhile is dealt with together.
		var slow atomic.Bool
		slow.Store(true)
		f.faults(func(op streamstest.Op, run history.Run, n int) streamstest.Fault {
			if op == streamstest.OpLoad && slow.CompareAndSwap(true, false) {
				time.Sleep(2 * time.Second)
			}
			return losing(streamstest.OpKeepAlive)(op, run, n)
		})
		f.killNow(f.serve, func() history.Address {
			f.signal(run, "s", "s1")
			f.settle(8 * time.Second) // the first process hears of the end of its attempt
			return run
		})
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 TimerStarted", "4 WorkflowExecutionSignaled",
			"5 ActivityTaskQueued", "6 TimerFired", "7 ActivityTaskScheduled", "8 ActivityTaskCompleted")
		if cover := f.transitions(run)[2].Cover; cover != history.StartIdentity {
			f.Fatalf("transition 3 is covered by %q", cover)
		}
		f.faults(nil)
		f.serve()
		f.settle(30 * time.Second)
		if !f.queued(run, 7) {
			f.Fatal("the task of the second activity was never sent")
		}
	})
}

// TestARedeliveredCoverWaitsForTheActivityThatRunsHere: the consumers were deleted, and everything that the process holds
// is delivered to it again.
func TestARedeliveredCoverWaitsForTheActivityThatRunsHere(t *testing.T) {
	for _, cache := range []int{1, 100} {
		t.Run(fmt.Sprint("cache ", cache), func(t *testing.T) {
			inBubble(t, func(f *fixture) {
				f.deploy("one", one)
				f.deploy("collect", collect(1))
				f.config.Eager, f.config.CacheSize = &eagerWorker{attempt: lasting(4*time.Second, success)}, cache
				calls := f.record(nil, streamstest.OpPublishTask, streamstest.OpNak, streamstest.OpDeliver)
				f.serve()
				run := f.start("w", "one")
				f.settle(time.Second)
				f.start("other", "collect") // the run leaves the smaller cache
				f.settle(time.Second)
				f.deleteConsumers()
				f.settle(time.Second)
				if calls.count(streamstest.OpNak) == 0 {
					f.Fatal("the start was not handed back while its activity runs")
				}
				f.settle(10 * time.Second)
				f.wantResult(run, "eager A")
				f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskCompleted", "4 WorkflowExecutionCompleted")
				if calls.count(streamstest.OpPublishTask) > 0 {
					f.Error("the activity went to the queue beside its eager attempt")
				}
				before := calls.count(streamstest.OpDeliver)
				f.settle(time.Minute)
				if n := calls.count(streamstest.OpDeliver) - before; n > 0 {
					f.Errorf("the start was never acknowledged: %d more deliveries", n)
				}
			})
		})
	}
}

// TestAnEagerActivityThatTimesOutAsAWhole: the time-out is the history's, and what the attempt has to say is settled.
func TestAnEagerActivityThatTimesOutAsAWhole(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			ended := false
			schedule(env, history.ActivityTaskScheduled{Type: "A", StartToClose: 9000, ScheduleToClose: 2000}, func() { ended = true })
			env.Block("activity", func() bool { return ended })
			env.Complete(nil)
		})
		f.config.Eager = &eagerWorker{attempt: func(_ context.Context, task *history.Task) coordinator.EagerOutcome {
			return lasting(5*time.Second, success)(f.ctx, task)
		}}
		calls := f.record(nil, streamstest.OpAck, streamstest.OpPublishTask, streamstest.OpDeliver)
		f.serve()
		run := f.start("w", "w")
		f.settle(20 * time.Second)
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskTimedOut", "4 WorkflowExecutionCompleted")
		if a, d := calls.count(streamstest.OpAck), calls.count(streamstest.OpDeliver); a != 2 || d != 2 {
			f.Errorf("%d deliveries and %d acknowledgements, want those of the start and the wake-up", d, a)
		}
	})
}

// TestAFinalReportOnALostEagerAttemptEndsTheActivity: whoever completes the activity from outside knows its first attempt
// only, and takes the task of the second out of the queue. Nobody else will ever end it.
func TestAFinalReportOnALostEagerAttemptEndsTheActivity(t *testing.T) {
	inBubble(t, func(f *fixture) {
		f.deploy("w", func(env *replay.Env) {
			ended := false
			schedule(env, history.ActivityTaskScheduled{Type: "A", StartToClose: 1000}, func() { ended = true })
			env.Block("activity", func() bool { return ended })
			env.Complete(nil)
		})
		f.config.Eager = &eagerWorker{attempt: lasting(time.Second, retried)}
		f.serve()
		run := f.start("w", "w")
		f.settle(2 * time.Second)
		f.task()
		f.send(run, &history.Message{ID: "1", Activity: &history.ActivityResult{Scheduled: 2, Attempt: 1, Failure: broken("for good")}})
		f.settle(time.Second)
		f.wantEvents(run, "2 ActivityTaskScheduled", "3 ActivityTaskQueued", "4 ActivityTaskFailed", "5 WorkflowExecutionCompleted")
	})
}
