package workflow_test

import (
	"errors"
	"strings"
	"testing"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

var (
	customer = millrace.NewSearchAttributeKeyKeyword("Customer")
	amount   = millrace.NewSearchAttributeKeyInt64("Amount")
)

func TestUpsertedSearchAttributesAreSeenAndCarriedOver(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error {
		if err := workflow.UpsertTypedSearchAttributes(ctx, amount.ValueSet(3)); err != nil {
			return err
		}
		sa := workflow.GetTypedSearchAttributes(ctx)
		name, _ := sa.GetKeyword(customer)
		if n, _ := sa.GetInt64(amount); n != 3 || name != "Ann" || workflow.GetInfo(ctx).SearchAttributes.GetIndexedFields()["Amount"] == nil {
			return errors.New("not seen")
		}
		if err := workflow.UpsertTypedSearchAttributes(ctx, customer.ValueUnset(), amount.ValueSet(4)); err != nil {
			return err
		}
		if workflow.GetTypedSearchAttributes(ctx).ContainsKey(customer) {
			return errors.New("still there")
		}
		return workflow.NewContinueAsNewError(ctx, "Workflow")
	}, nil)
	h.start.Search = search(t, customer.ValueSet("Ann"))
	h.m = h.machine()
	h.step()
	h.wantTrace("UpsertWorkflowSearchAttributes UpsertWorkflowSearchAttributes WorkflowExecutionContinuedAsNew")
	next := history.DecodeSearch(h.m.State().SuccessorStart().Search)
	if n, _ := next.GetInt64(amount); n != 4 || next.Size() != 1 {
		t.Errorf("successor has %v", next.GetUntypedValues())
	}
}

func search(t tb, updates ...millrace.SearchAttributeUpdate) *common.SearchAttributes {
	t.Helper()
	sa, err := history.EncodeSearch(millrace.NewSearchAttributes(updates...))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return sa
}

func TestSuccessorWithoutChangesInheritsSearchAttributesAndMemo(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) error { return workflow.NewContinueAsNewError(ctx, "Workflow") }, nil)
	h.start.Search = search(t, customer.ValueSet("Ann"))
	h.m = h.machine()
	h.step()
	if _, a := last[*history.WorkflowExecutionContinuedAsNew](h); a.Successor.Search != nil || a.Successor.Memo != nil {
		t.Error("what the start has is repeated")
	}
	if next := h.m.State().SuccessorStart(); next.Search.GetIndexedFields()["Customer"] == nil {
		t.Error("successor has none")
	}
}

func TestUpsertedMemoIsSeenAndCarriedOver(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) error {
		if err := workflow.UpsertMemo(ctx, map[string]interface{}{"a": 1, "b": "x"}); err != nil {
			return err
		}
		if err := workflow.UpsertMemo(ctx, map[string]interface{}{"a": nil, "c": true}); err != nil {
			return err
		}
		if m := workflow.GetInfo(ctx).Memo.GetFields(); len(m) != 2 || m["a"] != nil || string(m["b"].Data) != `"x"` {
			return errors.New("not seen")
		}
		return workflow.NewContinueAsNewError(ctx, "Workflow")
	})
	if m := h.m.State().SuccessorStart().Memo.GetFields(); len(m) != 2 || m["c"] == nil {
		t.Errorf("successor has %v: %v", m, h.err())
	}
}

func TestUpsertOfNothingOrOfWhatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(ctx workflow.Context) ([]string, error) {
		var texts []string
		for _, err := range []error{
			workflow.UpsertTypedSearchAttributes(ctx),
			workflow.UpsertSearchAttributes(ctx, nil),
			workflow.UpsertMemo(ctx, nil),
			workflow.UpsertSearchAttributes(ctx, map[string]interface{}{history.ChangeVersions: "a-1"}),
			workflow.UpsertMemo(ctx, map[string]interface{}{"f": func() {}}),
			workflow.UpsertMemo(ctx, map[string]interface{}{"m": strings.Repeat("x", 200)}),
			workflow.UpsertTypedSearchAttributes(ctx, customer.ValueSet(strings.Repeat("x", 200))),
		} {
			texts = append(texts, err.Error()[:12])
		}
		return texts, workflow.UpsertSearchAttributes(ctx, map[string]interface{}{"Amount": 7})
	}, nil)
	h.max = 190
	h.m = h.machine()
	h.step()
	h.wantTrace("UpsertWorkflowSearchAttributes WorkflowExecutionCompleted")
	wantResult(h, []string{"upsert searc", "upsert searc", "upsert memo:", "upsert searc", "upsert memo:", "memo: memo i", "search attri"})
	if n, _ := history.DecodeSearch(h.m.State().Search).GetInt64(amount); n != 7 {
		t.Errorf("amount is %d", n)
	}
}

func TestChildGetsSearchAttributes(t *testing.T) {
	t.Parallel()
	start := func(o workflow.ChildWorkflowOptions) *harness {
		return begin(t, func(ctx workflow.Context) error {
			return workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, o), "Child").Get(ctx, nil)
		})
	}
	typed := millrace.NewSearchAttributes(customer.ValueSet("Ann"))
	untyped := map[string]interface{}{"Customer": "Ann"}
	for _, o := range []workflow.ChildWorkflowOptions{{TypedSearchAttributes: typed}, {SearchAttributes: untyped}} {
		_, a := last[*history.StartChildWorkflowExecutionInitiated](start(o))
		if name, _ := history.DecodeSearch(a.Search).GetKeyword(customer); name != "Ann" {
			t.Errorf("child of %+v has %v", o, a.Search)
		}
	}
	h := start(workflow.ChildWorkflowOptions{TypedSearchAttributes: typed, SearchAttributes: untyped})
	if err := h.err(); err == nil || !strings.Contains(err.Error(), "use TypedSearchAttributes alone") {
		t.Errorf("error is %v", err)
	}
}
