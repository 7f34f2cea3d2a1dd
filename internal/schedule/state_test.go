package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

const (
	skip      = enums.SCHEDULE_OVERLAP_POLICY_SKIP
	bufferOne = enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE
	bufferAll = enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL
	cancel    = enums.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER
	terminate = enums.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER
	allowAll  = enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL
)

var (
	begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	other = Run{WorkflowID: "job", RunID: "r"}
)

// hourly is a schedule that was made at begin.
func hourly(t *testing.T, change func(*State)) (*State, *Times) {
	t.Helper()
	s := &State{ID: "s", Definition: Definition{Spec: Spec{Intervals: []Interval{{Every: time.Hour}}}}, Processed: begin}
	if change != nil {
		change(s)
	}
	var err error
	if s.Definition, err = s.Definition.Resolved(); err != nil {
		t.Fatal(err)
	}
	times, err := NewTimes(s.ID, s.Spec)
	if err != nil {
		t.Fatal(err)
	}
	return s, times
}

// hours are the hours since begin of actions.
func hours(list []Due) (out []int) {
	for _, d := range list {
		out = append(out, int(d.Nominal.Sub(begin)/time.Hour))
	}
	return out
}

func TestOverlap(t *testing.T) {
	for name, c := range map[string]struct {
		policy            enums.ScheduleOverlapPolicy
		running           bool
		due               int
		start, wait       []int
		cancel, terminate bool
		skipped           int64
	}{
		"skip, nothing runs":           {skip, false, 1, []int{1}, nil, false, false, 0},
		"skip":                         {skip, true, 1, nil, nil, false, false, 1},
		"skip, several at once":        {skip, false, 3, []int{1}, nil, false, false, 2},
		"buffer one":                   {bufferOne, true, 3, nil, []int{1}, false, false, 2},
		"buffer one, nothing runs":     {bufferOne, false, 3, []int{1}, []int{2}, false, false, 1},
		"buffer all":                   {bufferAll, true, 3, nil, []int{1, 2, 3}, false, false, 0},
		"buffer all, nothing runs":     {bufferAll, false, 3, []int{1}, []int{2, 3}, false, false, 0},
		"cancel":                       {cancel, true, 3, nil, []int{3}, true, false, 2},
		"cancel, nothing runs":         {cancel, false, 3, []int{1}, []int{3}, false, false, 1},
		"terminate":                    {terminate, true, 1, nil, []int{1}, false, true, 0},
		"terminate, nothing runs":      {terminate, false, 1, []int{1}, nil, false, false, 0},
		"allow all":                    {allowAll, true, 3, []int{1, 2, 3}, nil, false, false, 0},
		"unspecified is skip, at last": {enums.SCHEDULE_OVERLAP_POLICY_UNSPECIFIED, true, 1, nil, nil, false, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s, times := hourly(t, func(s *State) { s.Policies.Overlap = c.policy })
			if c.running {
				s.Running = []Run{other}
			}
			s.Advance(times, begin.Add(time.Duration(c.due)*time.Hour))
			p := s.Plan()
			if diff := cmp.Diff(c.start, hours(p.Start)); diff != "" {
				t.Errorf("started (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(c.wait, hours(s.Buffer)); diff != "" {
				t.Errorf("waiting (-want +got)\n%s", diff)
			}
			if len(p.Cancel) > 0 != c.cancel || len(p.Terminate) > 0 != c.terminate || s.Skipped != c.skipped {
				t.Errorf("cancels %v, terminates %v, skipped %d", p.Cancel, p.Terminate, s.Skipped)
			}
			s.Running = append(s.Running, other)
			if again := s.Plan(); len(again.Start) > 0 && c.policy != allowAll || c.cancel && len(again.Cancel) > 0 {
				t.Errorf("planned twice: %+v", again)
			}
		})
	}
}

func TestCancelAsksWhatWasStartedMeanwhile(t *testing.T) {
	s, times := hourly(t, func(s *State) { s.Policies.Overlap = cancel })
	s.Advance(times, begin.Add(2*time.Hour))
	first := s.Plan()
	s.Record(first.Start[0], other, begin)
	if p := s.Plan(); len(p.Cancel) != 1 || p.Cancel[0] != other {
		t.Errorf("got %+v", p)
	}
	s.Close(Outcome{Run: other, Status: enums.WORKFLOW_EXECUTION_STATUS_CANCELED})
	if got := hours(s.Plan().Start); !cmp.Equal(got, []int{2}) {
		t.Errorf("started %v", got)
	}
}

func TestWhatIsTooLateIsMissed(t *testing.T) {
	s, times := hourly(t, func(s *State) { s.Policies.CatchupWindow, s.Policies.Overlap = 150*time.Minute, bufferAll })
	s.Advance(times, begin.Add(6*time.Hour))
	if got := hours(s.Buffer); !cmp.Equal(got, []int{4, 5, 6}) || s.Missed != 3 {
		t.Errorf("due %v, missed %d", got, s.Missed)
	}
}

func TestShortCatchupWindowIsTenSeconds(t *testing.T) {
	s, _ := hourly(t, func(s *State) { s.Policies.CatchupWindow = time.Second })
	if s.Policies.CatchupWindow != 10*time.Second {
		t.Errorf("got %v", s.Policies.CatchupWindow)
	}
}

func TestAYearOfSecondsIsCaughtUpAtOnce(t *testing.T) {
	s, times := hourly(t, func(s *State) { s.Spec.Intervals[0].Every = time.Second })
	now := begin.AddDate(1, 0, 0)
	for n := 0; s.Advance(times, now); n++ {
		if n == 10 {
			t.Fatal("no end")
		}
	}
	if len(s.Buffer) != maxBuffer || s.Dropped != maxCounted || !s.Processed.Equal(now) {
		t.Errorf("%d due, %d dropped, up to %v", len(s.Buffer), s.Dropped, s.Processed)
	}
}

func TestTimesOfAPausePassUnused(t *testing.T) {
	s, times := hourly(t, func(s *State) { s.Paused = true })
	if _, ok := s.Next(times); ok {
		t.Error("a paused schedule waits for a time")
	}
	s.Trigger(Trigger{}, begin.Add(30*time.Minute))
	s.Advance(times, begin.Add(5*time.Hour))
	if p := s.Plan(); len(p.Start) != 1 || !p.Start[0].Manual {
		t.Errorf("planned %+v", p)
	}
	s.Paused = false
	s.Advance(times, begin.Add(6*time.Hour))
	if got := hours(s.Plan().Start); !cmp.Equal(got, []int{6}) {
		t.Errorf("started %v", got)
	}
}

func TestRemainingActionsCountNeitherTriggersNorSkips(t *testing.T) {
	s, times := hourly(t, func(s *State) { s.LimitedActions, s.RemainingActions = true, 2 })
	s.Trigger(Trigger{}, begin)
	s.Advance(times, begin.Add(2*time.Hour))
	if got := hours(s.Plan().Start); !cmp.Equal(got, []int{0}) || s.RemainingActions != 2 {
		t.Errorf("started %v, %d remain", got, s.RemainingActions)
	}
	for i := 3; i <= 6; i++ {
		s.Running = nil
		s.Advance(times, begin.Add(time.Duration(i)*time.Hour))
		if got := s.Plan().Start; (len(got) == 1) != (i <= 4) {
			t.Errorf("hour %d: started %v", i, hours(got))
		}
	}
	if _, ok := s.Next(times); ok || s.RemainingActions != 0 {
		t.Errorf("%d remain", s.RemainingActions)
	}
}

func TestTriggersHaveTimesOfTheirOwn(t *testing.T) {
	s, _ := hourly(t, nil)
	for range 3 {
		s.Trigger(Trigger{Overlap: allowAll}, begin)
	}
	seen := make(map[time.Time]bool)
	for _, d := range s.Plan().Start {
		seen[d.Nominal] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d times for 3 triggers", len(seen))
	}
}

func TestBackfillIncludesBothEndsAndWaitsForRoom(t *testing.T) {
	s, times := hourly(t, nil)
	s.Backfills = []Backfill{{Start: begin.Add(-2 * time.Hour), End: begin, Overlap: bufferAll}, {Start: begin, End: begin.AddDate(1, 0, 0), Overlap: allowAll}}
	s.Backfill(times)
	if len(s.Buffer) != maxBuffer || !cmp.Equal(hours(s.Buffer[:4]), []int{-2, -1, 0, 0}) {
		t.Errorf("%d due, %v", len(s.Buffer), hours(s.Buffer[:4]))
	}
	n := 0
	for len(s.Buffer) > 2 {
		n += len(s.Plan().Start)
		s.Running = []Run{other}
		s.Backfill(times)
	}
	if want := 1 + 365*24 + 1; n != want || len(s.Backfills) != 0 {
		t.Errorf("%d started, want %d", n, want)
	}
}

func TestFailurePausesWhereAskedTo(t *testing.T) {
	for status, want := range map[enums.WorkflowExecutionStatus]string{
		enums.WORKFLOW_EXECUTION_STATUS_FAILED:     "paused: workflow job failed: boom",
		enums.WORKFLOW_EXECUTION_STATUS_TIMED_OUT:  "paused: workflow job timed out: boom",
		enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:  "",
		enums.WORKFLOW_EXECUTION_STATUS_CANCELED:   "",
		enums.WORKFLOW_EXECUTION_STATUS_TERMINATED: "",
	} {
		for _, asked := range []bool{true, false} {
			s, _ := hourly(t, func(s *State) { s.Policies.PauseOnFailure = asked })
			s.Running = []Run{other}
			if _, watched := s.Watched(); watched != asked {
				t.Errorf("watched: %v, asked for %v", watched, asked)
			}
			s.Close(Outcome{Run: other, Status: status, Error: &failure.Failure{Message: "boom"}})
			if s.Paused != (asked && want != "") || s.Paused && s.Note != want {
				t.Errorf("%v: paused %v, note %q", status, s.Paused, s.Note)
			}
		}
	}
}

func TestAtMostTheLastTenActionsAreShown(t *testing.T) {
	s, _ := hourly(t, nil)
	for i := range 200 {
		s.Record(Due{Nominal: begin.Add(time.Duration(i) * time.Hour)}, other, begin)
	}
	if len(s.Recent) != maxRecent || len(s.Running) != maxRunning || s.Started != 200 {
		t.Errorf("%d shown, %d running of %d", len(s.Recent), len(s.Running), s.Started)
	}
}
