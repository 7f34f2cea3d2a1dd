package schedule

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The next time of a calendar is the one that a look at every minute finds, around changes of the clock in particular.
func TestNextIsWhatALookAtEveryMinuteFinds(t *testing.T) {
	zones := map[string]string{ // and a day on which the clock changes
		"Europe/Berlin": "2026-03-29", "America/New_York": "2026-11-01", "Australia/Lord_Howe": "2026-04-05",
		"America/Sao_Paulo": "2018-11-04", "Africa/Cairo": "2024-04-26", "Pacific/Apia": "2011-12-30", "UTC": "2024-02-29",
	}
	names := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "zone")
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		ranges := func(label string, lowest, highest int) []Range {
			start := rapid.IntRange(lowest, highest).Draw(t, label)
			return []Range{{Start: start, End: rapid.IntRange(start, highest).Draw(t, label+" end"), Step: rapid.IntRange(1, 20).Draw(t, label+" step")}}
		}
		c := Calendar{Second: one(0), Minute: ranges("minute", 0, 59), Hour: ranges("hour", 0, 23), DayOfMonth: ranges("day", 1, 31),
			Month: []Range{{Start: 1, End: 12}}, DayOfWeek: ranges("weekday", 0, 6)}
		day, err := time.ParseInLocation(time.DateOnly, zones[name], time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		after := day.Add(time.Duration(rapid.IntRange(-48*60, 48*60).Draw(t, "minutes")) * time.Minute)
		m := newMatcher(c)
		got, ok := m.next(after, zone)
		for at := after.Add(time.Minute); at.Before(after.Add(4 * 24 * time.Hour)); at = at.Add(time.Minute) {
			if m.matches(at.In(zone)) {
				if !ok || !got.Equal(at) {
					t.Fatalf("after %v: got %v, %v; want %v", after, got, ok, at.In(zone))
				}
				return
			}
		}
		if ok && got.Before(after.Add(4*24*time.Hour)) {
			t.Fatalf("after %v: got %v, which does not match", after, got)
		}
	})
}
