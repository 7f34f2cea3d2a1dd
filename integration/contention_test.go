package integration

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
)

// contended is how long concurrent updates to one run may take that several processes serve, on a machine that does other
// things as well; one that does nothing else takes a tenth of it.
const contended = 500 * time.Millisecond

// TestUpdatesServedBySeveralProcessesDoNotHinderEachOther: whoever loses the race for a transition keeps what it was given
// and judges it on the new history, at once.
func TestUpdatesServedBySeveralProcessesDoNotHinderEachOther(t *testing.T) {
	e := newEngine(t)
	const processes, askers, rounds = 3, 8, 9
	for range processes {
		e.work(worker.Options{}, func(w worker.Worker) { w.RegisterWorkflow(cart) })
	}
	run := e.execute("cart", cart)
	var took []time.Duration
	for round := range rounds {
		begun := time.Now()
		var group sync.WaitGroup
		for k := range askers {
			group.Go(func() {
				h, err := e.client.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "add",
					Args: []any{fmt.Sprintf("%d-%d", round, k)}, WaitForStage: client.WorkflowUpdateStageCompleted})
				if err == nil {
					err = h.Get(e.ctx, nil)
				}
				if err != nil {
					t.Errorf("update %d of round %d: %v", k, round, err)
				}
			})
		}
		group.Wait()
		took = append(took, time.Since(begun))
	}
	if err := e.client.SignalWorkflow(e.ctx, "cart", "", "checkout", nil); err != nil {
		t.Fatal(err)
	}
	var items []string
	if err := run.Get(e.ctx, &items); err != nil || len(items) != askers*rounds {
		t.Fatalf("%d items, want %d: %v", len(items), askers*rounds, err)
	}
	slices.Sort(took)
	median := took[rounds/2]
	t.Logf("%d updates by %d processes took %v, at most %v", askers, processes, median, took[rounds-1])
	if median > contended {
		t.Errorf("%d updates took %v, want %v at most", askers, median, contended)
	}
}
