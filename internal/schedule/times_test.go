package schedule

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func one(v int) []Range { return []Range{{Start: v}} }

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// upcoming are the first n times after a given one.
func upcoming(t *testing.T, s Spec, after string, n int) []string {
	t.Helper()
	times, err := NewTimes("id", s)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for now := at(t, after); len(out) < n; {
		next, ok := times.Next(now)
		if !ok {
			break
		}
		out = append(out, next.Nominal.Format(time.RFC3339Nano))
		now = next.Nominal
	}
	return out
}

func TestTimes(t *testing.T) {
	for name, c := range map[string]struct {
		spec  Spec
		after string
		want  []string
	}{
		"a calendar without fields is every midnight": {
			Spec{Calendars: []Calendar{{}}}, "2026-02-27T12:00:00Z",
			[]string{"2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"}},
		"the time itself is not after it": {
			Spec{Calendars: []Calendar{{}}}, "2026-02-28T00:00:00Z", []string{"2026-03-01T00:00:00Z"}},
		"months without a 31st are left out": {
			Spec{Calendars: []Calendar{{DayOfMonth: one(31), Hour: one(8)}}}, "2026-01-31T08:00:00Z",
			[]string{"2026-03-31T08:00:00Z", "2026-05-31T08:00:00Z", "2026-07-31T08:00:00Z", "2026-08-31T08:00:00Z"}},
		"leap days, not in 2100": {
			Spec{Calendars: []Calendar{{DayOfMonth: one(29), Month: one(2)}}}, "2088-03-01T00:00:00Z",
			[]string{"2092-02-29T00:00:00Z", "2096-02-29T00:00:00Z"}},
		"day of month and day of week must both match": {
			Spec{Calendars: []Calendar{{DayOfMonth: one(13), DayOfWeek: one(5)}}}, "2026-01-01T00:00:00Z",
			[]string{"2026-02-13T00:00:00Z", "2026-03-13T00:00:00Z", "2026-11-13T00:00:00Z"}},
		"steps": {
			Spec{Calendars: []Calendar{{Minute: []Range{{Start: 5, End: 50, Step: 20}}, Hour: []Range{{Start: 22, End: 23}}}}}, "2026-01-01T22:30:00Z",
			[]string{"2026-01-01T22:45:00Z", "2026-01-01T23:05:00Z", "2026-01-01T23:25:00Z", "2026-01-01T23:45:00Z", "2026-01-02T22:05:00Z"}},
		"years": {
			Spec{Calendars: []Calendar{{Year: []Range{{Start: 2027, End: 2030, Step: 3}}, Month: one(6), DayOfMonth: one(1)}}}, "2026-01-01T00:00:00Z",
			[]string{"2027-06-01T00:00:00Z", "2030-06-01T00:00:00Z"}},
		"a day that never is": {
			Spec{Calendars: []Calendar{{Month: one(2), DayOfMonth: one(30)}}}, "2026-01-01T00:00:00Z", nil},
		"a clock time that daylight saving leaves out is left out": {
			Spec{TimeZone: "Europe/Berlin", Calendars: []Calendar{{Hour: one(2), Minute: one(30)}}}, "2026-03-28T00:00:00Z",
			[]string{"2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"}},
		"a clock time that is there twice is taken twice": {
			Spec{TimeZone: "Europe/Berlin", Calendars: []Calendar{{Hour: one(2), Minute: one(30)}}}, "2026-10-24T12:00:00Z",
			[]string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-26T01:30:00Z"}},
		"every hour through the end of daylight saving": {
			Spec{TimeZone: "America/New_York", Cron: []string{"0 * * * *"}}, "2026-11-01T04:30:00Z",
			[]string{"2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z", "2026-11-01T07:00:00Z"}},
		"a zone that moves by half an hour": {
			Spec{TimeZone: "Australia/Lord_Howe", Calendars: []Calendar{{Hour: one(1), Minute: one(45)}}}, "2026-04-03T20:00:00Z",
			[]string{"2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z", "2026-04-05T15:15:00Z"}},
		"a midnight that does not exist": {
			Spec{TimeZone: "America/Sao_Paulo", Calendars: []Calendar{{}}}, "2018-11-02T12:00:00Z",
			[]string{"2018-11-03T03:00:00Z", "2018-11-05T02:00:00Z"}},
		"intervals count from 1970, whenever the schedule was made": {
			Spec{Intervals: []Interval{{Every: 90 * time.Minute, Offset: 10 * time.Minute}}}, "2026-01-01T00:10:00Z",
			[]string{"2026-01-01T01:40:00Z", "2026-01-01T03:10:00Z"}},
		"intervals of less than a second": {
			Spec{Intervals: []Interval{{Every: 250 * time.Millisecond}}}, "2026-01-01T00:00:00.3Z",
			[]string{"2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.75Z", "2026-01-01T00:00:01Z"}},
		"what two parts have in common is once": {
			Spec{Intervals: []Interval{{Every: 12 * time.Hour}}, Calendars: []Calendar{{}}}, "2026-01-01T13:00:00Z",
			[]string{"2026-01-02T00:00:00Z", "2026-01-02T12:00:00Z", "2026-01-03T00:00:00Z"}},
		"skip": {
			Spec{Cron: []string{"0 9 * * MON-FRI"}, Skip: []Calendar{{Month: one(12), DayOfMonth: []Range{{Start: 24, End: 31}}, Hour: one(9)}}},
			"2026-12-22T10:00:00Z", []string{"2026-12-23T09:00:00Z", "2027-01-01T09:00:00Z", "2027-01-04T09:00:00Z"}},
		"the start and the end are included": {
			Spec{Calendars: []Calendar{{}}, StartAt: at(t, "2026-05-01T00:00:00Z"), EndAt: at(t, "2026-05-02T00:00:00Z")}, "2026-01-01T00:00:00Z",
			[]string{"2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"}},
		"nothing": {Spec{}, "2026-01-01T00:00:00Z", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, upcoming(t, c.spec, c.after, max(len(c.want), 1))); len(c.want) > 0 && diff != "" || len(c.want) == 0 && diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTimesFromTheYearOne(t *testing.T) {
	got := upcoming(t, Spec{Intervals: []Interval{{Every: time.Hour}}}, "0001-01-01T00:00:00Z", 2)
	if diff := cmp.Diff([]string{"1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCronBecomesCalendars(t *testing.T) {
	all := func(from, to int) []Range { return []Range{{Start: from, End: to}} }
	for expression, want := range map[string]Spec{
		"0 12 * * MON-WED,FRI": {Calendars: []Calendar{{Second: one(0), Minute: one(0), Hour: one(12), DayOfMonth: all(1, 31), Month: all(1, 12),
			DayOfWeek: []Range{{Start: 1, End: 3}, {Start: 5}}}}},
		"*/15 8-18/2 1 jan,Feb 7 # noon": {Calendars: []Calendar{{Second: one(0), Minute: []Range{{End: 59, Step: 15}}, Hour: []Range{{Start: 8, End: 18, Step: 2}},
			DayOfMonth: one(1), Month: []Range{{Start: 1}, {Start: 2}}, DayOfWeek: one(0), Comment: "noon"}}},
		"30 1/20 * * * 5-7 2026-2030": {Calendars: []Calendar{{Second: one(30), Minute: []Range{{Start: 1, End: 59, Step: 20}}, Hour: []Range{{End: 23}},
			DayOfMonth: all(1, 31), Month: all(1, 12), DayOfWeek: []Range{{Start: 5, End: 6}, {}}, Year: all(2026, 2030)}}},
		"TZ=Asia/Tokyo @daily": {TimeZone: "Asia/Tokyo", Calendars: []Calendar{{Second: one(0), Minute: one(0), Hour: one(0),
			DayOfMonth: all(1, 31), Month: all(1, 12), DayOfWeek: all(0, 6)}}},
		"@every 2d/3h": {Intervals: []Interval{{Every: 48 * time.Hour, Offset: 3 * time.Hour}}},
	} {
		got, err := Spec{Cron: []string{expression}}.Resolved()
		if expression[0] != '@' && expression[0] != 'T' && len(want.Calendars) == 1 && want.Calendars[0].DayOfWeek == nil {
			want.Calendars[0].DayOfWeek = all(0, 6)
		}
		if err != nil {
			t.Errorf("%s: %v", expression, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", expression, diff)
		}
	}
}

func TestWrongSpecIsNamed(t *testing.T) {
	for want, s := range map[string]Spec{
		"CronExpressions \"* * *\": 3 fields":                {Cron: []string{"* * *"}},
		"CronExpressions \"61 * * * *\": Minute \"61\"":      {Cron: []string{"61 * * * *"}},
		"the step \"0\" is no positive number":               {Cron: []string{"*/0 * * * *"}},
		"it ends at 1 before it starts":                      {Cron: []string{"5-1 * * * *"}},
		"\"@often\" is none of":                              {Cron: []string{"@often"}},
		"\"1y\" is no whole number":                          {Cron: []string{"@every 1y"}},
		"time zone Asia/Tokyo contradicts UTC":               {Cron: []string{"TZ=Asia/Tokyo @daily"}, TimeZone: "UTC"},
		"Calendars[1].Hour has Start 24: it must be 0 to 23": {Calendars: []Calendar{{}, {Hour: one(24)}}},
		"Skip[0].DayOfMonth has Start 0":                     {Skip: []Calendar{{DayOfMonth: one(0)}}},
		"Calendars[0].Minute has Step -1":                    {Calendars: []Calendar{{Minute: []Range{{Step: -1}}}}},
		"Intervals[0].Every is 1ms: it must be at least":     {Intervals: []Interval{{Every: time.Millisecond}}},
		"Intervals[0].Offset is 1m0s: it must be at least 0": {Intervals: []Interval{{Every: time.Minute, Offset: time.Minute}}},
		"Jitter is -1s":                                      {Jitter: -time.Second},
		"TimeZoneName is \"Mars/Base\": unknown time zone":   {TimeZone: "Mars/Base"},
	} {
		if _, err := s.Resolved(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestJitterIsRepeatableAndEndsBeforeTheNextTime(t *testing.T) {
	s := Spec{Intervals: []Interval{{Every: time.Minute}}, Jitter: time.Hour}
	times := func(id string) (out []Time) {
		x, err := NewTimes(id, s)
		if err != nil {
			t.Fatal(err)
		}
		for now := at(t, "2026-01-01T00:00:00Z"); len(out) < 200; {
			next, _ := x.Next(now)
			out, now = append(out, next), next.Nominal
		}
		return out
	}
	first := times("a")
	if diff := cmp.Diff(first, times("a")); diff != "" {
		t.Errorf("the same schedule has other times:\n%s", diff)
	}
	if cmp.Equal(first, times("b")) {
		t.Error("schedules share their jitter")
	}
	late := 0
	for _, x := range first {
		d := x.At.Sub(x.Nominal)
		if d < 0 || d >= time.Minute {
			t.Errorf("%v is postponed by %v", x.Nominal, d)
		}
		if d > 30*time.Second {
			late++
		}
	}
	if late < 60 || late > 140 {
		t.Errorf("%d of %d in the second half", late, len(first))
	}
}

func TestLongSkipIsReportedInPieces(t *testing.T) {
	s := Spec{Intervals: []Interval{{Every: time.Second}}, Skip: []Calendar{{Hour: []Range{{End: 22}}, Minute: []Range{{End: 59}}, Second: []Range{{End: 59}}}}}
	times, err := NewTimes("a", s)
	if err != nil {
		t.Fatal(err)
	}
	next, pieces := Time{Nominal: at(t, "2026-01-01T00:00:00Z"), Skipped: true}, 0
	for ; next.Skipped; pieces++ {
		next, _ = times.Next(next.Nominal)
	}
	if want := at(t, "2026-01-01T23:00:00Z"); !next.Nominal.Equal(want) || pieces != 9 {
		t.Errorf("got %v after %d pieces, want %v after 9", next.Nominal, pieces, want)
	}
}
