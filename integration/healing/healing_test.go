package healing

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func TestADeletedTaskIsSentAgain(t *testing.T) {
	s := setup(t)
	s.work(func(w worker.Worker) { w.RegisterWorkflow(charge) })
	run := s.start("w", charge, "payments")
	s.purge("TASKS", "millrace.default.0.task.payments.>")
	s.heal()
	s.await("send task")
	w := worker.New(s.client, "payments", worker.Options{})
	w.RegisterActivity(pay)
	s.must(w.Start())
	s.Cleanup(w.Stop)
	s.ends(run, "paid")
}

func TestADeletedWakeUpIsArmedAgain(t *testing.T) {
	s := setup(t)
	stop := s.work(func(w worker.Worker) { w.RegisterWorkflow(nap) })
	run := s.start("w", nap, 3*time.Second)
	s.purge("INBOX", "millrace.default.0.timer.w.>")
	stop() // it would fire the timer itself
	s.heal()
	s.await("arm wake-up")
	s.work(func(w worker.Worker) { w.RegisterWorkflow(nap) })
	s.ends(run, "awake")
}

// TestAFiredWakeUpThatIsPurgedIsArmedAgain: it had left its schedule and not reached anybody.
func TestAFiredWakeUpThatIsPurgedIsArmedAgain(t *testing.T) {
	s := setup(t)
	stop := s.work(func(w worker.Worker) { w.RegisterWorkflow(nap) })
	run := s.start("w", nap, 1500*time.Millisecond)
	s.until("wake-up", func() bool { return s.count("INBOX", "millrace.default.0.timer.w.>") > 0 })
	stop()
	s.purge("INBOX", "millrace.default.0.inbox.healing.*.w.*.w")
	s.heal()
	s.await("arm wake-up")
	s.work(func(w worker.Worker) { w.RegisterWorkflow(nap) })
	s.ends(run, "awake")
}

// underLoad runs many workflows, breaks something while they run, and waits until all have ended.
func underLoad(t *testing.T, broken string) *site {
	s := setup(t)
	s.heal()
	s.work(func(w worker.Worker) {
		w.RegisterWorkflow(long)
		w.RegisterWorkflow(nap)
		w.RegisterActivity(step)
	})
	const runs, steps = 60, 5
	var all []client.WorkflowRun
	for i := range runs {
		all = append(all, s.start(fmt.Sprint("w", i), long, steps))
	}
	s.until("queue of tasks", func() bool { return s.count("TASKS", ">") > 20 })
	s.must(s.js.DeleteStream(s.ctx, broken))
	begun := time.Now()
	var group sync.WaitGroup
	for _, run := range all {
		group.Go(func() {
			var got string
			if err := run.Get(s.ctx, &got); err != nil || got != "5 steps, child awake" {
				s.Errorf("run %s ended with %q, %v", run.GetID(), got, err)
			}
		})
	}
	group.Wait()
	s.Logf("all runs have ended %v after the loss of %s", time.Since(begun), broken)
	s.await("create stream")
	return s
}

func TestWorkGoesOnAfterTheLossOfTasks(t *testing.T) { underLoad(t, name("TASKS")).await("send task") }

func TestWorkGoesOnAfterTheLossOfAnInbox(t *testing.T) { underLoad(t, name("INBOX")) }

func TestWorkGoesOnAfterTheLossOfHeartbeats(t *testing.T) { underLoad(t, "KV_"+name("HEARTBEATS")) }

// TestACancelRequestThatWasLostReachesTheActivity: its flag went with the stream of heartbeats.
func TestACancelRequestThatWasLostReachesTheActivity(t *testing.T) {
	s := setup(t)
	canceled := func(ctx workflow.Context) (string, error) {
		ctx, cancel := workflow.WithCancel(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, HeartbeatTimeout: 20 * time.Second, TaskQueue: "stubborn", WaitForCancellation: true}))
		f := workflow.ExecuteActivity(ctx, stubborn)
		workflow.GetSignalChannel(ctx, "stop").Receive(ctx, nil)
		cancel()
		_ = f.Get(ctx, nil)
		return "stopped", nil
	}
	s.work(func(w worker.Worker) {
		w.RegisterWorkflowWithOptions(canceled, workflow.RegisterOptions{Name: "canceled"})
	})
	run := s.start("w", "canceled")
	s.must(s.client.SignalWorkflow(s.ctx, "w", "", "stop", nil))
	s.until("cancel flag", func() bool {
		info, err := s.js.Stream(s.ctx, "KV_"+name("HEARTBEATS"))
		return err == nil && info.CachedInfo().State.Msgs > 0
	})
	s.must(s.js.DeleteStream(s.ctx, "KV_"+name("HEARTBEATS")))
	s.heal()
	s.await("request cancel")
	w := worker.New(s.client, "stubborn", worker.Options{})
	w.RegisterActivity(stubborn)
	s.must(w.Start())
	s.Cleanup(w.Stop)
	s.ends(run, "stopped")
}

// TestAStuckConsumerIsRevived: it is paused, so that it delivers nothing to those who wait, which no reset changes.
func TestAStuckConsumerIsRevived(t *testing.T) {
	s := setup(t)
	s.work(func(w worker.Worker) { w.RegisterWorkflow(charge); w.RegisterActivity(pay) })
	s.ends(s.start("before", charge, queue), "paid")
	s.heal()
	until := time.Now().Add(time.Hour)
	consumer, err := s.stream("HISTORY").Consumer(s.ctx, "starts+healing")
	s.must(err)
	_, err = s.js.PauseConsumer(s.ctx, name("HISTORY"), consumer.CachedInfo().Name, until)
	s.must(err)
	begun := time.Now()
	run := s.start("w", charge, queue)
	s.ends(run, "paid")
	s.await("reset consumer")
	s.await("recreate consumer")
	s.Logf("revived after %v", time.Since(begun))
	if consumer, err = s.stream("HISTORY").Consumer(s.ctx, "starts+healing"); err != nil || consumer.CachedInfo().Paused {
		t.Errorf("consumer is paused still, or %v", err)
	}
}

// TestNothingIsHealedWhereNothingIsBroken: a run that waits, one that is served, a queue that nobody serves.
func TestNothingIsHealedWhereNothingIsBroken(t *testing.T) {
	s := setup(t)
	s.work(func(w worker.Worker) {
		w.RegisterWorkflow(nap)
		w.RegisterWorkflow(charge)
		w.RegisterWorkflow(long)
		w.RegisterActivity(step)
	})
	s.start("sleeps", nap, time.Hour)
	s.start("unserved", charge, "nobody")
	_, err := s.client.ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{ID: "nobody", TaskQueue: "nowhere"}, "W")
	s.must(err)
	s.heal()
	s.ends(s.start("works", long, 150), "150 steps, child awake")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.healed) > 0 {
		t.Errorf("healed without need: %v", s.healed)
	}
	if _, err := s.js.Stream(s.ctx, name("TASKS")); err != nil {
		t.Error(err)
	}
}
