package integration

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

var (
	stage    = millrace.NewSearchAttributeKeyKeyword("Stage")
	customer = millrace.NewSearchAttributeKeyKeyword("Customer")
	versions = millrace.NewSearchAttributeKeyKeywordList("TemporalChangeVersion")
)

// What a run has recorded of itself survives its process, and is told by describe.
func TestRecordedValuesSurviveAWorkerRestart(t *testing.T) {
	e := newEngine(t)
	calls := 0
	wf := func(ctx workflow.Context) (int, error) {
		v := workflow.GetVersion(ctx, "change", workflow.DefaultVersion, 2)
		var n int
		if err := workflow.SideEffect(ctx, func(workflow.Context) interface{} { calls++; return calls }).Get(&n); err != nil {
			return 0, err
		}
		if err := workflow.UpsertTypedSearchAttributes(ctx, stage.ValueSet("waiting")); err != nil {
			return 0, err
		}
		if err := workflow.UpsertMemo(ctx, map[string]interface{}{"note": nil, "by": "Ann"}); err != nil {
			return 0, err
		}
		workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
		return 10*int(v) + n, nil
	}
	w := e.serve(code{"wf": wf}, nil)
	run := e.executeWith(client.StartWorkflowOptions{ID: "recorded", Memo: map[string]interface{}{"note": "new"},
		TypedSearchAttributes: millrace.NewSearchAttributes(customer.ValueSet("7"), stage.ValueSet("new"))}, "wf")
	d := e.await("recorded", "the first transition", func(d *client.WorkflowExecutionDescription) bool { return d.HistoryLength > 1 })
	w.Stop()
	if got := lastSearchHeader(e, "recorded"); got != `{"Customer":"7","Stage":"waiting","TemporalChangeVersion":["change-2"]}` {
		t.Errorf("the record's header has %s", got)
	}
	sa := d.TypedSearchAttributes
	now, _ := sa.GetKeyword(stage)
	who, _ := sa.GetKeyword(customer)
	if chosen, _ := sa.GetKeywordList(versions); now != "waiting" || who != "7" || !slices.Equal(chosen, []string{"change-2"}) {
		t.Errorf("search attributes are %v", sa.GetUntypedValues())
	}
	if f := d.Memo.GetFields(); len(f) != 1 || string(f["by"].Data) != `"Ann"` {
		t.Errorf("memo is %v", f)
	}
	e.work(worker.Options{}, func(w worker.Worker) { register(w, code{"wf": wf}, nil) })
	e.signal("recorded", "go", nil)
	if got := result[int](e, run); got != 21 || calls != 1 {
		t.Errorf("result is %d after %d calls", got, calls)
	}
	var types []enums.EventType
	for _, event := range e.history("recorded") {
		types = append(types, event.EventType)
	}
	if !slices.Equal(types, []enums.EventType{enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, enums.EVENT_TYPE_MARKER_RECORDED,
		enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, enums.EVENT_TYPE_MARKER_RECORDED,
		enums.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES, enums.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED,
		enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED}) {
		t.Errorf("events are %v", types)
	}
}

func TestStartWithWrongSearchAttributesIsRefused(t *testing.T) {
	e := newEngine(t)
	typed := millrace.NewSearchAttributes(stage.ValueSet("x"))
	for _, o := range []client.StartWorkflowOptions{
		{TypedSearchAttributes: typed, SearchAttributes: map[string]interface{}{"Stage": "x"}},
		{SearchAttributes: map[string]interface{}{"": "x"}},
		{TypedSearchAttributes: millrace.NewSearchAttributes(versions.ValueSet([]string{"a-1"}))},
	} {
		o.TaskQueue = queue
		var invalid *serviceerror.InvalidArgument
		if _, err := e.client.ExecuteWorkflow(e.ctx, o, "wf"); !errors.As(err, &invalid) {
			t.Errorf("%+v: error is %v", o, err)
		}
	}
}

// lastSearchHeader is what the last record of a run says of its search attributes to those who do not decode it.
func lastSearchHeader(e *engine, id string) string {
	e.Helper()
	nc, err := nats.Connect(e.url)
	if err != nil {
		e.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		e.Fatal(err)
	}
	for name := range js.StreamNames(e.ctx).Name() {
		if !strings.HasSuffix(name, "_HISTORY") {
			continue
		}
		s, err := js.Stream(e.ctx, name)
		if err != nil {
			e.Fatal(err)
		}
		if m, err := s.GetLastMsgForSubject(e.ctx, "millrace.*.*.run."+id+".*.history"); err == nil {
			return m.Header.Get("Millrace-Search")
		}
	}
	return ""
}
