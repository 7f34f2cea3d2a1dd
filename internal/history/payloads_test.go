package history

import (
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
)

func listOf(data string) *common.Payloads {
	return &common.Payloads{Payloads: []*common.Payload{{Data: []byte(data)}}}
}

// visited returns what MapPayloads visits, with the run that it belongs to.
func visited(t *testing.T, a Attributes) map[string]Run {
	t.Helper()
	seen := map[string]Run{}
	e := NewEvent(7, a)
	same, err := e.MapPayloads(Run{"w", "r"}, func(run Run, list *common.Payloads) (*common.Payloads, error) {
		seen[string(list.Payloads[0].Data)] = run
		return list, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if same.Attributes != e.Attributes {
		t.Error("an event that stays as it is was copied")
	}
	return seen
}

func TestPayloadsBelongToTheRunThatNeedsThem(t *testing.T) {
	t.Parallel()
	f := &failure.Failure{
		ApplicationFailureInfo: &failure.ApplicationFailureInfo{Details: listOf("details")},
		Cause:                  &failure.Failure{TimeoutFailureInfo: &failure.TimeoutFailureInfo{LastHeartbeatDetails: listOf("beat")}},
	}
	memo := &common.Memo{Fields: map[string]*common.Payload{"m": {Data: []byte("memo")}}}
	own := Run{"w", "r"}
	for _, test := range []struct {
		attributes Attributes
		want       map[string]Run
	}{
		{&ActivityTaskScheduled{Input: listOf("in"), Header: &common.Header{Fields: memo.Fields}}, map[string]Run{"in": own}},
		{&ActivityTaskFailed{Failure: f}, map[string]Run{"details": own, "beat": own}},
		{&WorkflowExecutionSignaled{Signal{Input: listOf("in")}}, map[string]Run{"in": own}},
		{&WorkflowExecutionTerminated{Termination{Details: listOf("why")}}, map[string]Run{"why": own}},
		{&WorkflowExecutionContinuedAsNew{Successor: &Successor{RunID: "next", Input: listOf("in"), Memo: memo}},
			map[string]Run{"in": {"w", "next"}}},
		{&WorkflowExecutionCompleted{Result: listOf("out"), Successor: &Successor{RunID: "next"}}, map[string]Run{"out": own}},
		{&StartChildWorkflowExecutionInitiated{WorkflowID: "c", RunID: "cr", Input: listOf("in"), Memo: memo}, map[string]Run{"in": {"c", "cr"}}},
		{&MarkerRecorded{Result: listOf("found"), Failure: f}, map[string]Run{"found": own, "details": own, "beat": own}},
		{&WorkflowExecutionUpdateAccepted{UpdateRequest{Input: listOf("in")}}, map[string]Run{"in": own}},
		{&TimerFired{}, map[string]Run{}},
		{&WorkflowExecutionCompleted{}, map[string]Run{}},
	} {
		if diff := cmp.Diff(test.want, visited(t, test.attributes)); diff != "" {
			t.Errorf("%T: %s", test.attributes, diff)
		}
	}
}

// TestEveryListOfPayloadsIsVisited fails for new events whose payloads are in places that nobody looks at.
func TestEveryListOfPayloadsIsVisited(t *testing.T) {
	t.Parallel()
	lists := reflect.TypeFor[*common.Payloads]()
	var count func(t reflect.Type) int
	count = func(t reflect.Type) (n int) {
		switch {
		case t == lists:
			return 1
		case t.Kind() == reflect.Pointer && t != reflect.TypeFor[*failure.Failure]():
			return count(t.Elem())
		case t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
			return 100 * count(t.Elem()) // not looked into
		case t.Kind() == reflect.Struct && (t.PkgPath() == lists.Elem().PkgPath() || t.PkgPath() == reflect.TypeFor[Start]().PkgPath()):
			for i := range t.NumField() {
				n += count(t.Field(i).Type)
			}
		}
		return n
	}
	for _, p := range recordPlans().events {
		a := reflect.New(p.pointer.Elem())
		fill(a.Elem(), lists)
		calls := 0
		_, err := NewEvent(1, a.Interface().(Attributes)).MapPayloads(Run{}, func(_ Run, l *common.Payloads) (*common.Payloads, error) {
			calls++
			return l, nil
		})
		if want := count(p.pointer.Elem()); err != nil || calls != want {
			t.Errorf("%v: %d lists are visited, want %d (%v)", p.pointer.Elem(), calls, want, err)
		}
	}
}

// fill puts a list into each field of type lists, and structs on the way to them.
func fill(v reflect.Value, lists reflect.Type) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch t := f.Type(); {
		case t == lists:
			f.Set(reflect.ValueOf(listOf("x")))
		case t.Kind() == reflect.Struct && t.PkgPath() == v.Type().PkgPath():
			fill(f, lists)
		case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && t.Elem().PkgPath() == v.Type().PkgPath():
			f.Set(reflect.New(t.Elem()))
			fill(f.Elem(), lists)
		}
	}
}

func TestMapPayloadsReplacesInACopy(t *testing.T) {
	t.Parallel()
	was := &ActivityTaskFailed{ActivityEnd: ActivityEnd{Scheduled: 3},
		Failure: &failure.Failure{Message: "m", CanceledFailureInfo: &failure.CanceledFailureInfo{Details: listOf("long")}}}
	e := NewEvent(4, was)
	short := func(Run, *common.Payloads) (*common.Payloads, error) { return listOf("short"), nil }
	got, err := e.MapPayloads(Run{}, short)
	if err != nil {
		t.Fatal(err)
	}
	want := &ActivityTaskFailed{ActivityEnd: ActivityEnd{Scheduled: 3},
		Failure: &failure.Failure{Message: "m", CanceledFailureInfo: &failure.CanceledFailureInfo{Details: listOf("short")}}}
	if diff := cmp.Diff(want, got.Attributes); diff != "" {
		t.Error(diff)
	}
	if string(was.Failure.CanceledFailureInfo.Details.Payloads[0].Data) != "long" {
		t.Error("the event itself has changed")
	}
	start := &Start{Type: "t", Input: listOf("long"), Signal: &Signal{Name: "s", Input: listOf("long")}}
	now, err := start.MapPayloads(short)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&Start{Type: "t", Input: listOf("short"), Signal: &Signal{Name: "s", Input: listOf("short")}}, now); diff != "" {
		t.Error(diff)
	}
	if string(start.Input.Payloads[0].Data) != "long" || string(start.Signal.Input.Payloads[0].Data) != "long" {
		t.Error("the start itself has changed")
	}
	no := errors.New("no")
	if _, err := e.MapPayloads(Run{}, func(Run, *common.Payloads) (*common.Payloads, error) { return nil, no }); !errors.Is(err, no) {
		t.Errorf("error is %v", err)
	}
}

func TestAnyPayloadCostsNoMemory(t *testing.T) {
	e := NewEvent(1, &ActivityTaskCompleted{Result: listOf("x")})
	is := func(p *common.Payload) bool { return string(p.Data) == "x" }
	if !e.AnyPayload(is) || NewEvent(1, &ActivityTaskCompleted{Result: listOf("y")}).AnyPayload(is) {
		t.Fatal("AnyPayload does not find what is there")
	}
	if n := testing.AllocsPerRun(100, func() { e.AnyPayload(is) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
