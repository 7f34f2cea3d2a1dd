package coordinator_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/history"
)

// eagerRunner makes first attempts of activities in a simulated process.
type eagerRunner struct{ process *process }

func (r *eagerRunner) Reserve(task *history.Task) coordinator.EagerAttempt {
	p := r.process
	rng := rand.New(rand.NewPCG(p.sim.hash("eager", p.name, task.Run.String(), fmt.Sprint(task.Event)), 0))
	if task.Queue != queue || rng.IntN(5) == 0 {
		return nil
	}
	return &eagerAttempt{process: p, task: task, rng: rng}
}

type eagerAttempt struct {
	process *process
	task    *history.Task
	rng     *rand.Rand
}

func (a *eagerAttempt) Release() {}

// Run makes the attempt; some end early, by a time-out that their function ignores.
func (a *eagerAttempt) Run(ctx context.Context, early func(coordinator.EagerOutcome)) (coordinator.EagerOutcome, bool) {
	if a.rng.IntN(10) > 0 {
		return a.run(ctx), true
	}
	lasts := time.Duration(a.rng.IntN(3000)) * time.Millisecond
	var ended sync.WaitGroup
	ended.Go(func() { early(a.run(ctx)) })
	time.Sleep(lasts)
	ended.Wait()
	return coordinator.EagerOutcome{}, false
}

func (a *eagerAttempt) run(ctx context.Context) coordinator.EagerOutcome {
	p := a.process
	// A frozen process makes no attempt, and one that is dead hears nothing of it.
	if _, err := p.call(fmt.Sprint("Eager ", a.task.Event), a.task.Run.Run); err != nil {
		return coordinator.EagerOutcome{}
	}
	result := &history.ActivityResult{Scheduled: a.task.Event, Attempt: 1, Result: text("result")}
	again := &coordinator.EagerRequeue{Attempt: 2}
	trouble := 12
	if p.sim.calm.Load() {
		trouble = 100
	}
	switch a.rng.IntN(trouble) {
	case 0:
		return coordinator.EagerOutcome{}
	case 1:
		result.Result, result.Failure = nil, &failure.Failure{Message: "no", ApplicationFailureInfo: &failure.ApplicationFailureInfo{}}
	case 2:
		again.NotBefore = time.Now().Add(time.Duration(a.rng.IntN(2000)) * time.Millisecond)
		return coordinator.EagerOutcome{Requeue: again}
	case 3:
		again.Attempt = 1 // handed back
		return coordinator.EagerOutcome{Requeue: again}
	case 4, 5:
		select {
		case <-time.After(time.Duration(a.rng.IntN(8000)) * time.Millisecond):
		case <-ctx.Done():
			return coordinator.EagerOutcome{}
		}
	}
	return coordinator.EagerOutcome{Result: result}
}
