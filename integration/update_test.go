package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/workflow"
)

// cart is a workflow that adds items by updates, which it validates, until it is told to check out by a signal. Update
// "ship" takes an activity, "hang" never returns.
func cart(ctx workflow.Context) ([]string, error) {
	var items []string
	err := workflow.SetUpdateHandlerWithOptions(ctx, "add", func(ctx workflow.Context, item string) (int, error) {
		items = append(items, item)
		return len(items), nil
	}, workflow.UpdateHandlerOptions{Validator: func(item string) error {
		if item == "" {
			return millrace.NewApplicationError("item has no name", "Nameless")
		}
		if slices.Contains(items, item) {
			return fmt.Errorf("%s is in the cart", item)
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	if err := workflow.SetUpdateHandler(ctx, "ship", func(ctx workflow.Context) (string, error) {
		var number string
		err := workflow.ExecuteActivity(quick(ctx), "Ship", len(items)).Get(ctx, &number)
		return number + " for " + workflow.GetCurrentUpdateInfo(ctx).ID, err
	}); err != nil {
		return nil, err
	}
	if err := workflow.SetUpdateHandler(ctx, "fail", func() error {
		return millrace.NewNonRetryableApplicationError("no", "Refused", nil)
	}); err != nil {
		return nil, err
	}
	if err := workflow.SetUpdateHandlerWithOptions(ctx, "hang", func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return false })
	}, workflow.UpdateHandlerOptions{UnfinishedPolicy: workflow.HandlerUnfinishedPolicyAbandon}); err != nil {
		return nil, err
	}
	workflow.GetSignalChannel(ctx, "checkout").Receive(ctx, nil)
	return items, nil
}

func (e *engine) update(o client.UpdateWorkflowOptions) client.WorkflowUpdateHandle {
	e.Helper()
	if o.WaitForStage == client.WorkflowUpdateStageUnspecified {
		o.WaitForStage = client.WorkflowUpdateStageCompleted
	}
	h, err := e.client.UpdateWorkflow(e.ctx, o)
	if err != nil {
		e.Fatal(err)
	}
	return h
}

func (e *engine) countEvents(id string, kind enums.EventType) (n int) {
	for _, ev := range e.history(id) {
		if ev.EventType == kind {
			n++
		}
	}
	return n
}

func TestUpdatesChangeAWorkflowAndReturnResults(t *testing.T) {
	e := newEngine(t)
	shipped := make(chan struct{})
	e.serve(code{"Cart": cart}, code{"Ship": func(_ context.Context, n int) (string, error) {
		<-shipped
		return fmt.Sprintf("%d items", n), nil
	}})
	run := e.execute("cart", "Cart")
	var n int
	if err := e.update(client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "add", Args: []any{"hat"}}).Get(e.ctx, &n); err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	h := e.update(client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "ship", UpdateID: "s1", WaitForStage: client.WorkflowUpdateStageAccepted})
	if h.RunID() != run.GetRunID() || h.WorkflowID() != "cart" || h.UpdateID() != "s1" {
		t.Errorf("handle of %s/%s/%s", h.WorkflowID(), h.RunID(), h.UpdateID())
	}
	ctx, cancel := context.WithTimeout(e.ctx, 50*time.Millisecond)
	err := h.Get(ctx, nil)
	cancel()
	as[*client.WorkflowUpdateServiceTimeoutOrCanceledError](e, err)
	close(shipped)
	var text string
	if err := h.Get(e.ctx, &text); err != nil || text != "1 items for s1" {
		t.Errorf("%q, %v", text, err)
	}
	other := e.dial().GetWorkflowUpdateHandle(client.GetWorkflowUpdateHandleOptions{WorkflowID: "cart", UpdateID: "s1"})
	if err := other.Get(e.ctx, &text); err != nil || text != "1 items for s1" {
		t.Errorf("by reference: %q, %v", text, err)
	}
	err = e.update(client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "fail"}).Get(e.ctx, nil)
	if got := as[*millrace.ApplicationError](e, err); got.Type() != "Refused" {
		t.Errorf("the handler's error is %v", got)
	}
	e.signal("cart", "checkout", nil)
	if items := result[[]string](e, run); !slices.Equal(items, []string{"hat"}) {
		t.Errorf("items %v", items)
	}
	// Handles work on when the run is closed.
	if err := other.Get(e.ctx, &text); err != nil {
		t.Error(err)
	}
}

func TestARejectedUpdateLeavesNoEvent(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"Cart": cart}, nil)
	e.execute("cart", "Cart")
	e.update(client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "add", Args: []any{"hat"}})
	before := len(e.history("cart"))
	for what, o := range map[string]client.UpdateWorkflowOptions{
		"hat is in the cart": {UpdateName: "add", Args: []any{"hat"}},
		"item has no name":   {UpdateName: "add", Args: []any{""}},
		`unknown update "sell": the workflow knows [add, fail, hang, ship]`: {UpdateName: "sell"},
	} {
		for _, stage := range []client.WorkflowUpdateStage{client.WorkflowUpdateStageAdmitted, client.WorkflowUpdateStageAccepted, client.WorkflowUpdateStageCompleted} {
			o.WorkflowID, o.WaitForStage = "cart", stage
			if err := e.update(o).Get(e.ctx, nil); err == nil || err.Error() != what && as[*millrace.ApplicationError](e, err).Message() != what {
				t.Errorf("stage %d: %v, want %q", stage, err, what)
			}
		}
	}
	if after := len(e.history("cart")); after != before {
		t.Errorf("%d events, %d before", after, before)
	}
}

func TestAnUpdateIDNamesOneUpdateOfARun(t *testing.T) {
	e := newEngine(t)
	w := e.serve(code{"Cart": cart}, nil)
	run := e.execute("cart", "Cart")
	check := func(when string) {
		t.Helper()
		h, err := e.client.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateID: "u", UpdateName: "add",
			Args: []any{"hat"}, WaitForStage: client.WorkflowUpdateStageCompleted})
		var n int
		if err == nil {
			err = h.Get(e.ctx, &n)
		}
		if err != nil || n != 1 {
			t.Errorf("%s: %d, %v", when, n, err)
		}
	}
	check("first")
	check("again")
	w.Stop()
	e.serve(code{"Cart": cart}, nil)
	check("after a restart of the worker")
	e.signal("cart", "checkout", nil)
	result[[]string](e, run)
	check("after the close")
	if n := e.countEvents("cart", enums.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED); n != 1 {
		t.Errorf("accepted %d times", n)
	}
}

func TestConcurrentUpdatesAreEachJudgedAfterThoseBefore(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"Cart": cart}, nil)
	run := e.execute("cart", "Cart")
	const clients, items = 8, 5
	var mu sync.Mutex
	accepted := map[string]int{}
	var group sync.WaitGroup
	for i := range clients {
		c := e.dial()
		group.Go(func() {
			for k := range items {
				item := fmt.Sprint("item-", k)
				h, err := c.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "add", Args: []any{item},
					UpdateID: fmt.Sprint(i, "-", k), WaitForStage: client.WorkflowUpdateStageAccepted})
				if err != nil {
					t.Error(err)
					return
				}
				if h.Get(e.ctx, nil) == nil {
					mu.Lock()
					accepted[item]++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	for k := range items {
		if n := accepted[fmt.Sprint("item-", k)]; n != 1 {
			t.Errorf("item-%d was added %d times", k, n)
		}
	}
	e.signal("cart", "checkout", nil)
	if got := result[[]string](e, run); len(got) != items {
		t.Errorf("cart %v", got)
	}
}

func TestUpdatesOfAClosedRunAreTooLate(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"Cart": cart}, nil)
	run := e.execute("cart", "Cart")
	hanging := e.update(client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "hang", WaitForStage: client.WorkflowUpdateStageAccepted})
	e.signal("cart", "checkout", nil)
	result[[]string](e, run)
	if got := as[*millrace.ApplicationError](e, hanging.Get(e.ctx, nil)); got.Type() != "AcceptedUpdateCompletedWorkflow" || !got.NonRetryable() {
		t.Errorf("an update that was running gives %v (%s)", got, got.Type())
	}
	_, err := e.client.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "add", Args: []any{"x"}, WaitForStage: client.WorkflowUpdateStageCompleted})
	as[*serviceerror.NotFound](e, err)
	err = e.client.GetWorkflowUpdateHandle(client.GetWorkflowUpdateHandleOptions{WorkflowID: "cart", UpdateID: "none"}).Get(e.ctx, nil)
	as[*serviceerror.NotFound](e, err)
	_, err = e.client.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "other", UpdateName: "add", WaitForStage: client.WorkflowUpdateStageCompleted})
	as[*serviceerror.NotFound](e, err)
	if n := e.deadLetters(); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

func TestAnUpdateWaitsForAWorker(t *testing.T) {
	e := newEngine(t)
	e.execute("cart", "Cart")
	e.signal("cart", "noise", nil)
	admitted := e.update(client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateID: "early", UpdateName: "add", Args: []any{"hat"}, WaitForStage: client.WorkflowUpdateStageAdmitted})
	_, err := e.client.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "add", WaitForStage: client.WorkflowUpdateStageUnspecified})
	as[*serviceerror.InvalidArgument](e, err)
	ctx, cancel := context.WithTimeout(e.ctx, 100*time.Millisecond)
	defer cancel()
	_, err = e.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateID: "second", UpdateName: "add", Args: []any{"cap"}, WaitForStage: client.WorkflowUpdateStageAccepted})
	as[*client.WorkflowUpdateServiceTimeoutOrCanceledError](e, err)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v does not tell why", err)
	}
	e.serve(code{"Cart": cart}, nil)
	var n int
	if err := admitted.Get(e.ctx, &n); err != nil || n != 1 {
		t.Errorf("the first update: %d, %v", n, err)
	}
	second := e.client.GetWorkflowUpdateHandle(client.GetWorkflowUpdateHandleOptions{WorkflowID: "cart", UpdateID: "second"})
	if err := second.Get(e.ctx, &n); err != nil || n != 2 {
		t.Errorf("the second update: %d, %v", n, err)
	}
}

func TestAnUpdateReachesTheRunThatContinuedAsNew(t *testing.T) {
	e := newEngine(t)
	again := func(ctx workflow.Context, generation int) (int, error) {
		if generation == 1 {
			workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
			return 0, workflow.NewContinueAsNewError(ctx, "Again", 2)
		}
		done := false
		if err := workflow.SetUpdateHandler(ctx, "finish", func() (int, error) { done = true; return generation, nil }); err != nil {
			return 0, err
		}
		return generation, workflow.Await(ctx, func() bool { return done && workflow.AllHandlersFinished(ctx) })
	}
	e.serve(code{"Again": again}, nil)
	run := e.execute("again", "Again", 1)
	first := run.GetRunID()
	e.signal("again", "go", nil)
	e.await("again", "the second run", func(d *client.WorkflowExecutionDescription) bool { return d.WorkflowExecution.RunID != first })
	_, err := e.client.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "again", RunID: first, UpdateName: "finish", WaitForStage: client.WorkflowUpdateStageAccepted})
	as[*serviceerror.NotFound](e, err)
	_, err = e.client.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "again", FirstExecutionRunID: "other", UpdateName: "finish", WaitForStage: client.WorkflowUpdateStageAccepted})
	as[*serviceerror.NotFound](e, err)
	h := e.update(client.UpdateWorkflowOptions{WorkflowID: "again", FirstExecutionRunID: first, UpdateName: "finish"})
	var generation int
	if err := h.Get(e.ctx, &generation); err != nil || generation != 2 || h.RunID() == first {
		t.Errorf("%d from run %s, %v", generation, h.RunID(), err)
	}
	if got := result[int](e, run); got != 2 {
		t.Errorf("the workflow returned %d", got)
	}
}

func TestUpdateWithStart(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"Cart": cart}, nil)
	call := func(policy enums.WorkflowIdConflictPolicy, item string) (client.WorkflowRun, int, error) {
		op := e.client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{ID: "cart", TaskQueue: queue, WorkflowIDConflictPolicy: policy}, "Cart")
		h, err := e.client.UpdateWithStartWorkflow(e.ctx, client.UpdateWithStartWorkflowOptions{StartWorkflowOperation: op,
			UpdateOptions: client.UpdateWorkflowOptions{UpdateName: "add", Args: []any{item}, WaitForStage: client.WorkflowUpdateStageCompleted}})
		var n int
		if err == nil {
			err = h.Get(e.ctx, &n)
		}
		run, runErr := op.Get(e.ctx)
		if runErr != nil {
			return nil, 0, runErr
		}
		if _, err := e.client.UpdateWithStartWorkflow(e.ctx, client.UpdateWithStartWorkflowOptions{StartWorkflowOperation: op}); err == nil {
			t.Error("an operation can be used twice")
		}
		return run, n, err
	}
	if _, _, err := call(enums.WORKFLOW_ID_CONFLICT_POLICY_UNSPECIFIED, "hat"); err == nil {
		t.Error("no conflict policy is needed")
	}
	first, n, err := call(enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL, "hat")
	if err != nil || n != 1 {
		t.Fatalf("%d, %v", n, err)
	}
	second, n, err := call(enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, "cap")
	if err != nil || n != 2 || second.GetRunID() != first.GetRunID() {
		t.Errorf("of an open run: %d, %v", n, err)
	}
	_, _, err = call(enums.WORKFLOW_ID_CONFLICT_POLICY_FAIL, "tie")
	as[*serviceerror.WorkflowExecutionAlreadyStarted](e, err)
	if _, _, err = call(enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, "cap"); err == nil {
		t.Error("the second cap was accepted")
	}
}
