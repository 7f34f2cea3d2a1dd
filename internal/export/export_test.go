package export

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/history"
)

var t0 = time.Date(2030, 5, 6, 7, 8, 9, 123456789, time.UTC)

// kinds is an empty set of attributes of every type of event that transitions store.
func kinds() []history.Attributes {
	return []history.Attributes{
		&history.WorkflowExecutionCompleted{}, &history.WorkflowExecutionFailed{}, &history.WorkflowExecutionTimedOut{},
		&history.WorkflowExecutionCanceled{}, &history.WorkflowExecutionTerminated{}, &history.WorkflowExecutionContinuedAsNew{},
		&history.WorkflowExecutionSignaled{}, &history.WorkflowExecutionCancelRequested{}, &history.WorkflowExecutionOptionsUpdated{},
		&history.TimerStarted{}, &history.TimerFired{}, &history.TimerCanceled{},
		&history.ActivityTaskScheduled{}, &history.ActivityTaskQueued{}, &history.ActivityTaskPaused{},
		&history.ActivityTaskUnpaused{}, &history.ActivityTaskReset{}, &history.ActivityTaskParked{}, &history.ActivityTaskCompleted{}, &history.ActivityTaskFailed{},
		&history.ActivityTaskTimedOut{}, &history.ActivityTaskCancelRequested{}, &history.ActivityTaskCanceled{},
		&history.StartChildWorkflowExecutionInitiated{}, &history.StartChildWorkflowExecutionFailed{},
		&history.ChildWorkflowExecutionStarted{}, &history.ChildWorkflowExecutionCompleted{},
		&history.ChildWorkflowExecutionFailed{}, &history.ChildWorkflowExecutionCanceled{},
		&history.ChildWorkflowExecutionTimedOut{}, &history.ChildWorkflowExecutionTerminated{},
		&history.SignalExternalWorkflowExecutionInitiated{}, &history.SignalExternalWorkflowExecutionFailed{},
		&history.MarkerRecorded{}, &history.UpsertWorkflowSearchAttributes{}, &history.WorkflowPropertiesModified{},
		&history.WorkflowExecutionUpdateAccepted{}, &history.WorkflowExecutionUpdateCompleted{},
		&history.ExternalWorkflowExecutionSignaled{}, &history.RequestCancelExternalWorkflowExecutionInitiated{},
		&history.RequestCancelExternalWorkflowExecutionFailed{}, &history.ExternalWorkflowExecutionCancelRequested{},
	}
}

// filler gives every field a value of its own, so that a forgotten or swapped field shows.
type filler struct{ n int64 }

func (f *filler) fill(v reflect.Value, name string, depth int) {
	f.n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(t0.Add(time.Duration(f.n) * time.Millisecond)))
		return
	case *failure.Failure:
		if depth > 3 {
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), name, depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), v.Type().Field(i).Name, depth+1)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", name, f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(f.n)
	case reflect.Uint64, reflect.Uint8:
		v.SetUint(uint64(f.n % 256))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.fill(v.Index(i), name, depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"zeta", "alpha"} {
			elem := reflect.New(v.Type().Elem()).Elem()
			f.fill(elem, name, depth+1)
			v.SetMapIndex(reflect.ValueOf(key), elem)
		}
	default:
		panic("no rule to fill a " + v.Type().String())
	}
}

func (f *filler) attributes(empty history.Attributes) history.Attributes {
	f.fill(reflect.ValueOf(empty).Elem(), "", 0)
	switch a := empty.(type) {
	case *history.WorkflowExecutionCompleted:
		a.Successor = plain(a.Successor)
	case *history.WorkflowExecutionFailed:
		a.Successor = plain(a.Successor)
	case *history.WorkflowExecutionTimedOut:
		a.Successor = plain(a.Successor)
	case *history.WorkflowExecutionSignaled:
		a.ID = "" // a signal in a history came in a message, which had the ID
	case *history.WorkflowExecutionUpdateAccepted:
		a.Asker, a.Exact = nil, false // how it was asked for is not exported
	}
	return empty
}

// plain is a successor that was not made by continue-as-new.
func plain(s *history.Successor) *history.Successor {
	return &history.Successor{RunID: s.RunID, Initiator: s.Initiator, Delay: s.Delay, Attempt: s.Attempt}
}

func fullStart() *history.Start {
	s := &history.Start{}
	f := &filler{}
	f.fill(reflect.ValueOf(s).Elem(), "", 0)
	s.Version = history.FormatVersion
	return s
}

func wantSame(t interface {
	Helper()
	Fatalf(string, ...any)
}, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("differs (-want +got):\n%s", d)
	}
}

func throughJSON(t testing.TB, events []*apihistory.HistoryEvent) []*apihistory.HistoryEvent {
	t.Helper()
	data, err := json.Marshal(apihistory.History{Events: events})
	if err != nil {
		t.Fatal(err)
	}
	var h apihistory.History
	if err := json.Unmarshal(data, &h); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	return h.Events
}

func TestEveryEventTypeSurvives(t *testing.T) {
	named := 0
	for v := range enums.EventType(2000) {
		if v.String() != strconv.Itoa(int(v)) {
			named++
		}
	}
	// Unspecified is not stored; the start is tested by itself.
	if len(kinds()) != named-2 {
		t.Fatalf("test knows %d types of events, enums %d", len(kinds()), named)
	}
	for _, a := range kinds() {
		t.Run(a.EventType().String(), func(t *testing.T) {
			start := &history.Start{Version: history.FormatVersion, Run: history.Address{Run: history.Run{WorkflowID: "w", RunID: "r"}}, Time: t0}
			for _, sample := range []history.Attributes{a, (&filler{}).attributes(a)} {
				want := &history.Transition{
					Version: history.FormatVersion, RunID: "r", Number: 1, Time: t0.Add(time.Second),
					Events: []history.Event{history.NewEvent(2, sample)},
				}
				events := Events(start, []*history.Transition{want})
				gotStart, got, err := Transitions(throughJSON(t, events))
				if err != nil {
					t.Fatal(err)
				}
				wantSame(t, gotStart, start)
				wantSame(t, got, []*history.Transition{want})
			}
		})
	}
}

func TestStartSurvives(t *testing.T) {
	want := fullStart()
	want.Waiter = "" // says where a client listened, and nothing of the run
	got, ts, err := Transitions(throughJSON(t, Events(want, nil)))
	if err != nil || len(ts) != 0 {
		t.Fatalf("%d transitions, %v", len(ts), err)
	}
	wantSame(t, got, want)
}

func TestChildrenAreNamed(t *testing.T) {
	start := fullStart()
	initiated := &history.StartChildWorkflowExecutionInitiated{WorkflowID: "child", RunID: "cr", Type: "Child"}
	events := Events(start, []*history.Transition{
		{Number: 1, Events: []history.Event{history.NewEvent(2, initiated)}},
		{Number: 2, Events: []history.Event{history.NewEvent(3, &history.ChildWorkflowExecutionStarted{Initiated: 2, RunID: "cr"})}},
	})
	a := events[2].GetChildWorkflowExecutionStartedEventAttributes()
	if a.WorkflowExecution.GetWorkflowId() != "child" || a.WorkflowType.GetName() != "Child" || a.WorkflowExecution.GetRunId() != "cr" {
		t.Fatalf("started child is %+v", a)
	}
	if events[2].GetTimerFiredEventAttributes() != nil {
		t.Error("accessor of another type returned attributes")
	}
}

// Whatever the transitions are, empty ones included, the way to events and back gives the same.
func TestTransitionsSurvive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		start := fullStart()
		var want []*history.Transition
		id, at := int64(1), start.Time
		for k := range rapid.IntRange(0, 8).Draw(rt, "transitions") {
			at = at.Add(time.Duration(rapid.IntRange(0, 5000).Draw(rt, "pause")) * time.Millisecond)
			tr := &history.Transition{Version: history.FormatVersion, RunID: start.Run.RunID, Number: uint64(k + 1), Time: at,
				HistorySize: int64(k) * 1000, TargetChanged: k%2 == 1}
			f := &filler{n: int64(k) * 1000}
			for range rapid.IntRange(0, 3).Draw(rt, "events") {
				id++
				tr.Events = append(tr.Events, history.NewEvent(id, f.attributes(rapid.SampledFrom(kinds()).Draw(rt, "kind"))))
			}
			want = append(want, tr)
		}
		_, got, err := Transitions(throughJSON(t, Events(start, want)))
		if err != nil {
			rt.Fatal(err)
		}
		wantSame(rt, got, want)
	})
}

func TestBrokenHistoriesAreRefused(t *testing.T) {
	fired := func(id int64, k uint64, at time.Time) *apihistory.HistoryEvent {
		return newEvent(id, at, k, &apihistory.TimerFiredEventAttributes{StartedEventId: 9})
	}
	first := func() *apihistory.HistoryEvent { return Events(fullStart(), nil)[0] }
	for name, c := range map[string]struct {
		events []*apihistory.HistoryEvent
		want   string
	}{
		"none":                {nil, "no events"},
		"no start":            {[]*apihistory.HistoryEvent{fired(1, 1, t0)}, "first event is 1 TimerFired"},
		"gap":                 {[]*apihistory.HistoryEvent{first(), fired(3, 1, t0)}, "event 3 stands where event 2"},
		"nil":                 {[]*apihistory.HistoryEvent{first(), nil}, "event 0 stands where event 2"},
		"no transition":       {[]*apihistory.HistoryEvent{first(), fired(2, 0, t0)}, "transition 0 where transition 1"},
		"skipped transition":  {[]*apihistory.HistoryEvent{first(), fired(2, 1, t0), fired(3, 3, t0)}, "transition 3 where transition 2"},
		"two times":           {[]*apihistory.HistoryEvent{first(), fired(2, 1, t0), fired(3, 1, t0.Add(1))}, "event 3 has time"},
		"second start":        {[]*apihistory.HistoryEvent{first(), newEvent(2, t0, 1, first().Attributes)}, "not possible there"},
		"attributes are none": {[]*apihistory.HistoryEvent{first(), {EventId: 2, TransitionNumber: 1}}, "not possible there"},
	} {
		if _, _, err := Transitions(c.events); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestJSONIsReadable(t *testing.T) {
	data, err := json.Marshal(newEvent(5, t0, 2, &apihistory.TimerStartedEventAttributes{TimerId: "5",
		StartToFireTimeout: apihistory.Duration(90 * time.Minute), FireTime: t0}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"eventId":5,"eventTime":"2030-05-06T07:08:09.123456789Z","eventType":"TimerStarted","transitionNumber":2,` +
		`"timerStartedEventAttributes":{"timerId":"5","startToFireTimeout":"1h30m0s","fireTime":"2030-05-06T07:08:09.123456789Z"}}`
	if string(data) != want {
		t.Errorf("JSON is\n%s, want\n%s", data, want)
	}
	for text, problem := range map[string]string{
		`{"eventId":2,"eventType":"Sneezed"}`: `event 2: type "Sneezed" is not known`,
		`{"eventId":"x"}`:                     "history event",
		`{"eventId":2,"eventType":"TimerFired","timerFiredEventAttributes":{"startedEventId":"x"}}`:               "event 2: timerFiredEventAttributes",
		`{"eventId":2,"eventType":"TimerStarted","timerStartedEventAttributes":{"startToFireTimeout":"3 weeks"}}`: `duration "3 weeks"`,
	} {
		var e apihistory.HistoryEvent
		if err := json.Unmarshal([]byte(text), &e); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: error %v, want one with %q", text, err, problem)
		}
	}
}
