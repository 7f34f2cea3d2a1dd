package schedule

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"
)

// patience is what one look at the times of a schedule may take, on a machine that is busy with other fuzzing.
const patience = 2 * time.Second

// FuzzCron takes any text for a cron expression.
func FuzzCron(f *testing.F) {
	for _, text := range []string{"* * * * *", "0 9 * * mon-fri # work", "CRON_TZ=Asia/Tokyo 0 0 29 2 * 2096", "@every 1m/30s", "@every 2147483647d",
		"@daily", "TZ=", "0 0 31 2 *", "*/9223372036854775807 * * * *", "59/9223372036854775807 0 0 1 1 5-7/2 1970-2100/7", "0 0 0 * * 7 *", ""} {
		f.Add(text, int64(1_700_000_000))
	}
	f.Fuzz(func(t *testing.T, text string, after int64) {
		check(t, Spec{Cron: []string{text}}, time.Unix(after, 0))
	})
}

// FuzzSpec takes any JSON for what a schedule says, as its workflow gets it.
func FuzzSpec(f *testing.F) {
	for _, s := range []Spec{
		{Calendars: []Calendar{{Hour: []Range{{Start: 9, End: 17, Step: 4}}, Year: []Range{{Start: 2030}}}}, TimeZone: "Europe/Berlin", Jitter: time.Minute},
		{Intervals: []Interval{{Every: time.Hour, Offset: time.Minute}}, Skip: []Calendar{{}}, StartAt: time.Unix(1e9, 0).UTC(), EndAt: time.Unix(2e9, 0).UTC()},
		{Intervals: []Interval{{Every: MinInterval}}, Skip: []Calendar{{Second: []Range{{End: 59}}, Minute: []Range{{End: 59}}, Hour: []Range{{End: 23}}}}},
		{Intervals: []Interval{{Every: math.MaxInt64, Offset: math.MaxInt64 - 1}}},
		{Calendars: []Calendar{{DayOfMonth: []Range{{Start: 31}}, Month: []Range{{Start: 2}}}}},
		{Calendars: []Calendar{{Second: []Range{{Start: 59, End: 59, Step: math.MaxInt}}}}, Jitter: math.MaxInt64},
		{Cron: []string{"0 0 * * *"}},
	} {
		data, err := json.Marshal(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, int64(1_700_000_000))
		f.Add(data, int64(math.MaxInt64))
		f.Add(data, int64(math.MinInt64))
	}
	f.Fuzz(func(t *testing.T, data []byte, after int64) {
		var s Spec
		if json.Unmarshal(data, &s) == nil {
			check(t, s, time.Unix(after, 0))
		}
	})
}

// check looks at the first times of a Spec: each is after the one before, and found at once.
func check(t *testing.T, s Spec, after time.Time) {
	t.Helper()
	times, err := NewTimes("id", s)
	if err != nil {
		if err.Error() == "" || strings.Contains(err.Error(), "%!") {
			t.Errorf("refused with %q", err)
		}
		return
	}
	began := time.Now()
	for range 5 {
		next, ok := times.Next(after)
		if !ok {
			break
		}
		if !next.Nominal.After(after) || next.At.Before(next.Nominal) {
			t.Fatalf("after %v comes %v, at %v", after, next.Nominal, next.At)
		}
		after = next.Nominal
	}
	if d := time.Since(began); d > patience {
		t.Errorf("five times took %v", d)
	}
}

// FuzzState takes any JSON for a schedule as its workflow hands it on, and lets it go on from there.
func FuzzState(f *testing.F) {
	now := time.Unix(1_700_000_000, 0).UTC()
	s := State{ID: "s", Created: now, Processed: now.Add(-time.Hour), Running: []Run{{"w", "r"}},
		Backfills: []Backfill{{Start: now.Add(-24 * time.Hour), End: now}}, Buffer: []Due{{Nominal: now, At: now, Overlap: 2}}}
	s.Spec = Spec{Intervals: []Interval{{Every: time.Minute}}}
	s.LimitedActions, s.RemainingActions, s.Policies.CatchupWindow = true, 3, time.Minute
	data, err := json.Marshal(&s)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	s.Spec.Intervals[0].Every, s.Spec.Skip = MinInterval, []Calendar{{Second: []Range{{End: 59}}, Minute: []Range{{End: 59}}, Hour: []Range{{End: 23}}}}
	s.Backfills[0] = Backfill{Start: time.Unix(0, 0).UTC(), End: now.AddDate(1000, 0, 0)} // it finds nothing, but must not look for ever
	if data, err = json.Marshal(&s); err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s State
		if json.Unmarshal(data, &s) != nil {
			return
		}
		times, err := NewTimes(s.ID, s.Spec)
		if err != nil {
			return
		}
		began := time.Now()
		for range 3 {
			s.Advance(times, now)
			s.Backfill(times)
			p := s.Plan()
			for _, d := range p.Start {
				s.Record(d, Run{"w", "r"}, now)
			}
			s.Close(Outcome{Run: Run{"w", "r"}})
			s.Trigger(Trigger{}, now)
			s.Next(times)
			s.Watched()
		}
		if n := len(s.Buffer); n > maxBuffer && n > len(data) {
			t.Errorf("%d actions wait", n)
		}
		if d := time.Since(began); d > 10*patience {
			t.Errorf("three rounds took %v", d)
		}
	})
}
