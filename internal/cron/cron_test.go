package cron

import (
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, test := range map[string]struct{ schedule, start, end, want string }{
		"the next one":                          {"*/5 * * * *", "2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "2030-01-01T00:05:00Z"},
		"a run that takes long skips times":     {"*/5 * * * *", "2030-01-01T00:00:00Z", "2030-01-01T00:12:00Z", "2030-01-01T00:15:00Z"},
		"one that ends at a time does not skip": {"*/5 * * * *", "2030-01-01T00:00:00Z", "2030-01-01T00:10:00Z", "2030-01-01T00:10:00Z"},
		"every keeps its phase":                 {"@every 1h", "2030-01-01T00:20:00Z", "2030-01-01T02:30:00Z", "2030-01-01T03:20:00Z"},
		"every, after years":                    {"@every 1s", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z"},
		"each minute, after years":              {"* * * * *", "2020-01-01T00:00:00Z", "2030-01-01T00:00:30Z", "2030-01-01T00:01:00Z"},
		"in a zone":                             {"CRON_TZ=America/New_York 0 9 * * *", "2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "2030-01-01T14:00:00Z"},
		"a time that spring skips":              {"CRON_TZ=America/New_York 30 2 * * *", "2030-03-09T12:00:00Z", "2030-03-09T12:00:00Z", "2030-03-11T06:30:00Z"},
		"a time that autumn repeats":            {"CRON_TZ=America/New_York 30 1 * * *", "2030-11-03T05:30:00Z", "2030-11-03T05:30:00Z", "2030-11-03T06:30:00Z"},
	} {
		got, err := Next(test.schedule, at(test.start), at(test.end))
		if err != nil || !got.Equal(at(test.want)) {
			t.Errorf("%s: %v, %v; want %s", name, got, err, test.want)
		}
	}
}

func TestSchedulesThatAreNone(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, schedule := range []string{"", "* * * *", "61 * * * *", "CRON_TZ=Nowhere * * * * *", "0 0 30 2 *", "@every never"} {
		if next, err := Next(schedule, now, now); err == nil {
			t.Errorf("%q is next at %v", schedule, next)
		}
	}
}
