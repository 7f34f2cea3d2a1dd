package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
)

// scene is a run of two activities, as asked for and as found.
type scene struct {
	*testing.T
	expected *expectation
	observed *observation
	run      history.Run
}

func newScene(t *testing.T) *scene {
	t.Helper()
	run := history.Run{WorkflowID: "sequence-1", RunID: "run-1"}
	e := &expectation{WorkflowID: run.WorkflowID, RunID: run.RunID, Workflow: nameSequence, Input: "x", Steps: 2}
	e.Result = e.want()
	s := &scene{T: t, expected: e, run: run}
	s.observed = &observation{
		Starts: map[string][]string{run.WorkflowID: {run.RunID}},
		Lanes: map[history.Run][]storedRecord{run: {
			s.record(1, 20, 0, "start", history.NewEvent(2, &history.ActivityTaskScheduled{ActivityID: "2"})),
			s.record(2, 30, 20, "a2", s.completed(3, 2), history.NewEvent(4, &history.ActivityTaskScheduled{ActivityID: "4"})),
			s.record(3, 40, 30, "a4", s.completed(5, 4), s.closed(6, e.want())),
		}},
		Loaded: map[history.Run]int{run: 3},
		Executions: executions{ended: map[activityKey]bool{
			{run.WorkflowID, run.RunID, "2"}: true, {run.WorkflowID, run.RunID, "4"}: true,
		}},
	}
	return s
}

func (s *scene) record(number, seq, previous uint64, consumed string, events ...history.Event) storedRecord {
	return storedRecord{Seq: seq, Transition: &history.Transition{
		RunID: s.run.RunID, Number: number, Previous: previous, Consumed: []string{consumed}, Events: events,
	}}
}

func (s *scene) completed(id, scheduled int64) history.Event {
	return history.NewEvent(id, &history.ActivityTaskCompleted{ActivityEnd: history.ActivityEnd{Scheduled: scheduled}})
}

func (s *scene) closed(id int64, result string) history.Event {
	s.Helper()
	p, err := converter.GetDefaultDataConverter().ToPayloads(result)
	if err != nil {
		s.Fatal(err)
	}
	return history.NewEvent(id, &history.WorkflowExecutionCompleted{Result: p})
}

func (s *scene) lane() []storedRecord { return s.observed.Lanes[s.run] }
func (s *scene) setLane(lane []storedRecord) {
	s.observed.Lanes[s.run] = lane
	s.observed.Loaded[s.run] = len(lane)
}
func (s *scene) at(i int) *history.Transition { return s.lane()[i].Transition }

func TestVerifierAcceptsWhatIsRight(t *testing.T) {
	s := newScene(t)
	if found := violations([]*expectation{s.expected}, s.observed); len(found) > 0 {
		t.Fatalf("found %v", found)
	}
	s.expected.RunID = "" // a start whose acknowledgement never came
	if found := violations([]*expectation{s.expected}, s.observed); len(found) > 0 {
		t.Fatalf("without the run ID: found %v", found)
	}
}

func TestVerifierFindsWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		doctor func(*scene)
		want   string
	}{
		"a gap of records": {func(s *scene) { s.setLane(slices.Delete(s.lane(), 1, 2)) }, "record 3 stands where record 2 belongs"},
		"a repeated record": {func(s *scene) {
			again := s.lane()[1]
			again.Seq = 35
			s.setLane(slices.Insert(s.lane(), 2, again))
		}, "record 2 stands where record 3 belongs"},
		"a lost last record": {func(s *scene) { s.setLane(s.lane()[:2]) }, "0 closing events, want 1"},
		"a broken chain":     {func(s *scene) { s.at(2).Previous = 20 }, "names sequence 20"},
		"another run's record": {func(s *scene) { s.at(1).RunID = "run-2" },
			"record 2 is one of run run-2"},
		"junk in the lane": {func(s *scene) {
			s.setLane(append(s.lane(), storedRecord{Seq: 50, Err: errors.New("junk")}))
		}, "sequence 50 is no record"},
		"a record that loading misses": {func(s *scene) { s.observed.Loaded[s.run] = 2 }, "loading returns 2"},
		"a message consumed twice": {func(s *scene) { s.at(2).Consumed = []string{"a2"} },
			"records 2 and 3 both consumed message a2"},
		"a gap of events":    {func(s *scene) { s.at(2).Events[0].ID = 6 }, "6 ActivityTaskCompleted stands where event 5 belongs"},
		"a repeated event":   {func(s *scene) { s.at(1).Events[0].ID = 2 }, "2 ActivityTaskCompleted stands where event 3 belongs"},
		"two completions":    {func(s *scene) { s.at(2).Events[0] = s.completed(5, 2) }, "ends activity 2 again"},
		"a foreign activity": {func(s *scene) { s.at(2).Events[0] = s.completed(5, 99) }, "ends an activity that was not scheduled"},
		"a failed activity": {func(s *scene) {
			s.at(2).Events[0] = history.NewEvent(5, &history.ActivityTaskFailed{ActivityEnd: history.ActivityEnd{Scheduled: 4}})
		}, "always complete"},
		"a missing activity": {func(s *scene) { s.expected.Steps = 3 }, "2 activities were scheduled, want 3"},
		"two closing events": {func(s *scene) {
			s.at(2).Events = append(s.at(2).Events, s.closed(7, s.expected.want()))
		}, "2 closing events, want 1"},
		"an event after the end": {func(s *scene) {
			s.at(2).Events = append(s.at(2).Events, history.NewEvent(7, &history.TimerStarted{}))
		}, "comes after the run closed"},
		"a start among the records": {func(s *scene) {
			s.at(0).Events[0] = history.NewEvent(2, &history.WorkflowExecutionStarted{})
		}, "belongs to the start only"},
		"a wrong stored result": {func(s *scene) { s.at(2).Events[1] = s.closed(6, "else") }, `the stored result is "else"`},
		"a failed run": {func(s *scene) { s.at(2).Events[1] = history.NewEvent(6, &history.WorkflowExecutionFailed{}) },
			"closed by event 6 WorkflowExecutionFailed"},
		"a wrong result told":      {func(s *scene) { s.expected.Result = "else" }, `the client got the result "else"`},
		"no result told":           {func(s *scene) { s.expected.Err = errors.New("time-out") }, "the client got no result: time-out"},
		"a missing run":            {func(s *scene) { delete(s.observed.Starts, "sequence-1") }, "no start is stored"},
		"a missing history":        {func(s *scene) { delete(s.observed.Lanes, s.run) }, "the history is missing"},
		"an acknowledged run lost": {func(s *scene) { s.observed.Starts["sequence-1"] = []string{"run-2"} }, "but run run-2 is stored"},
		"a run started twice": {func(s *scene) { s.observed.Starts["sequence-1"] = []string{"run-1", "run-2"} },
			"started 2 times"},
		"a history of nobody": {func(s *scene) {
			s.observed.Lanes[history.Run{WorkflowID: "ghost", RunID: "run-9"}] = s.lane()
		}, "belongs to no run"},
		"a completion without execution": {func(s *scene) {
			delete(s.observed.Executions.ended, activityKey{"sequence-1", "run-1", "4"})
		}, `no ledger shows that activity "4" was executed`},
		"a task left over":    {func(s *scene) { s.observed.Tasks = []string{"task.x"} }, "task left over: task.x"},
		"a message left over": {func(s *scene) { s.observed.Inbox = []string{"inbox.x"} }, "inbox message left over: inbox.x"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			tc.doctor(s)
			found := violations([]*expectation{s.expected}, s.observed)
			if !slices.ContainsFunc(found, func(v violation) bool { return strings.Contains(v.String(), tc.want) }) {
				t.Fatalf("found %v, want %q", found, tc.want)
			}
		})
	}
}

func TestReportNamesRunsAndPlaces(t *testing.T) {
	s := newScene(t)
	s.expected.Result = "else"
	r := &report{o: options{runs: 1, sequences: 1, steps: 2, workerKills: 3}, dir: "/data", runs: []*expectation{s.expected}, observed: s.observed}
	r.violations = violations(r.runs, r.observed)
	var out strings.Builder
	r.write(&out)
	for _, want := range []string{"workflow sequence-1, run run-1:", "/data/violations.txt", "millrace workflow show"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	err := r.verdict()
	if !errors.Is(err, errViolated) || !errors.Is(err, errVoid) {
		t.Errorf("verdict %v, want violated and void", err)
	}
}
