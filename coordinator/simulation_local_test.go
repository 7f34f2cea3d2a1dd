package coordinator_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
)

// localRunner runs local activities in a simulated process.
type localRunner struct{ process *process }

// RunLocal takes a while, sometimes longer than the broker waits for a sign of life; some attempts leave the next to a
// timer.
func (r *localRunner) RunLocal(ctx context.Context, start *history.Start, a *replay.LocalActivity, _ time.Time) replay.LocalOutcome {
	p := r.process
	rng := rand.New(rand.NewPCG(p.sim.hash("local", p.name, start.Run.String(), a.ID, fmt.Sprint(a.Attempt)), 0))
	lasts := time.Duration(rng.IntN(200)) * time.Millisecond
	if rng.IntN(4) == 0 {
		lasts = time.Duration(rng.IntN(4000)) * time.Millisecond
	}
	select {
	case <-time.After(lasts):
	case <-ctx.Done():
	}
	// A frozen process goes on when it is thawed; a dead one does not get far with its outcome.
	_, _ = p.call("Local "+a.ID, start.Run.Run)
	out := replay.LocalOutcome{Result: text("local"), Attempt: a.Attempt, Time: time.Now()}
	if rng.IntN(5) == 0 {
		out.Result, out.Failure = nil, &failure.Failure{Message: "busy"}
		out.Backoff = time.Duration(1+rng.IntN(3000)) * time.Millisecond
	}
	return out
}
