package integration

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// ended are workflows that end in each way on their own.
var ended = code{
	"completed": func(workflow.Context) (string, error) { return "done", nil },
	"failed":    func(workflow.Context) (string, error) { return "", fmt.Errorf("no") },
	"open":      func(ctx workflow.Context) (string, error) { return "", workflow.Sleep(ctx, time.Hour) },
}

// TestReusePolicies starts a workflow ID again after each way of having ended, under each policy.
func TestReusePolicies(t *testing.T) {
	e := newEngine(t)
	e.serve(ended, nil)
	for _, before := range []string{"completed", "failed", "canceled", "terminated"} {
		for policy, free := range map[enums.WorkflowIdReusePolicy]bool{
			enums.WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED:                 true,
			enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE:             true,
			enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY: before != "completed",
			enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE:            false,
			enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING:        true,
		} {
			t.Run(fmt.Sprint(before, ", ", policy), func(t *testing.T) {
				id := fmt.Sprint(before, policy)
				first := e.startAndEnd(id, before)
				o := client.StartWorkflowOptions{ID: id, TaskQueue: queue, WorkflowIDReusePolicy: policy}
				second, err := e.client.ExecuteWorkflow(e.ctx, o, "completed")
				if err != nil {
					t.Fatal(err)
				}
				if got := second.GetRunID() != first; got != free {
					t.Fatalf("a new run: %v, want %v", got, free)
				}
				o.WorkflowExecutionErrorWhenAlreadyStarted = true
				_ = second.Get(e.ctx, nil) // so that the second one is closed, too
				_, err = e.client.ExecuteWorkflow(e.ctx, o, "completed")
				// A run that was completed in between is in the way of "failed only".
				free = free && policy != enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY
				if free != (err == nil) {
					t.Fatalf("with an error asked for: %v, want one: %v", err, !free)
				}
				if err != nil {
					if already := as[*serviceerror.WorkflowExecutionAlreadyStarted](e, err); already.RunId != second.GetRunID() {
						t.Errorf("the error names run %s, it is %s", already.RunId, second.GetRunID())
					}
				}
			})
		}
	}
}

// startAndEnd runs a workflow ID to the given end.
func (e *engine) startAndEnd(id, end string) (runID string) {
	e.Helper()
	name := end
	if end == "canceled" || end == "terminated" {
		name = "open"
	}
	run := e.execute(id, name)
	switch end {
	case "canceled":
		if err := e.client.CancelWorkflow(e.ctx, id, ""); err != nil {
			e.Fatal(err)
		}
	case "terminated":
		if err := e.client.TerminateWorkflow(e.ctx, id, "", "test"); err != nil {
			e.Fatal(err)
		}
	}
	_ = run.Get(e.ctx, nil) // it ends as asked for
	return run.GetRunID()
}

// TestConflictPolicies starts a workflow ID that is open, under each policy.
func TestConflictPolicies(t *testing.T) {
	e := newEngine(t)
	e.serve(ended, nil)
	for _, test := range []struct {
		name     string
		conflict enums.WorkflowIdConflictPolicy
		reuse    enums.WorkflowIdReusePolicy
		// whose run it is in the end: that which was open, or a new one; and whether there is an error when asked for.
		replaced, fails bool
	}{
		{"default", enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED, 0, false, true},
		{"fail", enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL, 0, false, true},
		{"use existing", enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, 0, false, false},
		{"use existing, reject duplicate", enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, false, false},
		{"terminate existing", enums.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING, 0, true, false},
		{"terminate if running", enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED, enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			first := e.execute(test.name, "open")
			for _, strict := range []bool{false, true} {
				second, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: test.name, TaskQueue: queue,
					WorkflowIDConflictPolicy: test.conflict, WorkflowIDReusePolicy: test.reuse, WorkflowExecutionErrorWhenAlreadyStarted: strict}, "open")
				if strict && test.fails {
					if already := as[*serviceerror.WorkflowExecutionAlreadyStarted](e, err); already.RunId != first.GetRunID() {
						t.Errorf("the error names run %s, the open one is %s", already.RunId, first.GetRunID())
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if replaced := second.GetRunID() != first.GetRunID(); replaced != test.replaced {
					t.Fatalf("replaced: %v, want %v", replaced, test.replaced)
				}
				if test.replaced {
					if err := first.Get(e.ctx, nil); err == nil {
						t.Error("the run that was open completed; it should be terminated")
					}
					first = second
				}
			}
			if d := e.describe(test.name); d.WorkflowCloseTime != nil || d.WorkflowExecution.RunID != first.GetRunID() {
				t.Errorf("the newest run is %+v", d)
			}
		})
	}
	_, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: "both", TaskQueue: queue,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL, WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING}, "open")
	as[*serviceerror.InvalidArgument](e, err)
}

// TestCompetingStartersStartOneRun lets many clients start one workflow ID at once.
func TestCompetingStartersStartOneRun(t *testing.T) {
	e := newEngine(t)
	e.serve(ended, nil)
	for _, name := range []string{"open", "completed"} {
		ids := make([]string, 12)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() {
				run, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: "race-" + name, TaskQueue: queue,
					WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE}, name)
				if err != nil {
					t.Error(err)
					return
				}
				ids[i] = run.GetRunID()
			})
		}
		wg.Wait()
		if slices.Sort(ids); ids[0] != ids[len(ids)-1] || e.chain("race-"+name) != 1 {
			t.Errorf("%s: started %v", name, ids)
		}
	}
}

// TestSignalWithStartRacesLoseNoSignal lets many senders signal or start one workflow ID whose runs close after every
// third signal: each acknowledged signal is consumed once, by some run, or is a dead letter.
func TestSignalWithStartRacesLoseNoSignal(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"wf": func(ctx workflow.Context) ([]string, error) {
		var heard []string
		ch := workflow.GetSignalChannel(ctx, "say")
		for len(heard) < 3 {
			var s string
			ch.Receive(ctx, &s)
			heard = append(heard, s)
		}
		for {
			var s string
			if !ch.ReceiveAsync(&s) {
				return heard, nil
			}
			heard = append(heard, s)
		}
	}}, nil)
	const senders, each = 5, 12
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for j := range each {
				_, err := e.client.SignalWithStartWorkflow(e.ctx, "wf", "say", fmt.Sprint(i, "-", j),
					client.StartWorkflowOptions{TaskQueue: queue}, "wf")
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// The last run may wait for more.
	for !e.closedWithin("wf", 300*time.Millisecond) {
		e.signal("wf", "say", "end")
	}
	seen := make(map[string]int)
	for run, err := range e.admin().ListRuns(e.ctx, client.ListRunsOptions{WorkflowID: "wf"}) {
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range result[[]string](e, e.client.GetWorkflow(e.ctx, "wf", run.Execution.RunId)) {
			seen[s]++
		}
	}
	delete(seen, "end")
	// What came too late for a run still waits in its inbox until somebody puts it away.
	dead := e.deadSignals()
	for deadline := time.Now().Add(20 * time.Second); len(seen)+len(dead) < senders*each && time.Now().Before(deadline); dead = e.deadSignals() {
		time.Sleep(5 * time.Millisecond)
	}
	for i := range senders {
		for j := range each {
			if s := fmt.Sprint(i, "-", j); seen[s]+dead[s] != 1 {
				t.Errorf("signal %s was heard %d times, and is %d dead letters", s, seen[s], dead[s])
			}
		}
	}
}

// deadSignals counts the signals among the dead letters by what they carry.
func (e *engine) deadSignals() map[string]int {
	e.Helper()
	core, err := client.CoreOf(e.client)
	if err != nil {
		e.Fatal(err)
	}
	dead := make(map[string]int)
	for letter, err := range core.Streams.DeadLetters(e.ctx, 0) {
		if err != nil {
			e.Fatal(err)
		}
		m, err := history.DecodeMessage(letter.Data)
		if err != nil || m.Signal == nil {
			continue
		}
		var s string
		if err := converter.GetDefaultDataConverter().FromPayloads(m.Signal.Input, &s); err != nil {
			e.Fatal(err)
		}
		if s != "end" {
			dead[s]++
		}
	}
	return dead
}

func TestSignalWithStart(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"conversation": conversation}, nil)
	o := client.StartWorkflowOptions{TaskQueue: queue}
	first, err := e.client.SignalWithStartWorkflow(e.ctx, "talk", "say", "one", o, "conversation", 2)
	if err != nil {
		t.Fatal(err)
	}
	second, err := e.client.SignalWithStartWorkflow(e.ctx, "talk", "say", "two", o, "conversation", 2)
	if err != nil || second.GetRunID() != first.GetRunID() {
		t.Fatalf("got run %v, %v; %s is open", second, err, first.GetRunID())
	}
	if got := result[string](e, first); got != "one two" {
		t.Errorf("heard %q", got)
	}
	o.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE
	_, err = e.client.SignalWithStartWorkflow(e.ctx, "talk", "say", "three", o, "conversation", 2)
	as[*serviceerror.WorkflowExecutionAlreadyStarted](e, err)
}

func TestStartDelay(t *testing.T) {
	e := newEngine(t)
	e.serve(ended, nil)
	begun := time.Now()
	run := e.executeWith(client.StartWorkflowOptions{ID: "delayed", StartDelay: 400 * time.Millisecond}, "completed")
	dead := e.executeWith(client.StartWorkflowOptions{ID: "dead", StartDelay: time.Hour}, "completed")
	if d := e.describe("delayed"); d.Status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING || d.HistoryLength != 1 {
		t.Errorf("while it is delayed the run is %v with %d events", d.Status, d.HistoryLength)
	}
	if got := result[string](e, run); got != "done" || time.Since(begun) < 400*time.Millisecond {
		t.Errorf("got %q after %v", got, time.Since(begun))
	}
	if err := e.client.TerminateWorkflow(e.ctx, "dead", "", "no need"); err != nil {
		t.Fatal(err)
	}
	e.failure(dead)
}
