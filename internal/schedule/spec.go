package schedule

import (
	"fmt"
	"time"
)

const (
	// MinInterval is the shortest interval of a schedule.
	MinInterval = 100 * time.Millisecond
	// maxEntries bounds how many calendars, intervals, cron expressions and calendars to skip there are together: each is
	// asked for every time.
	maxEntries = 1000
	// firstYear and lastYear bound all times: what would first match later than that never matches.
	firstYear, lastYear = 1970, 2100
)

// Spec is a set of times: those of calendars, intervals and cron expressions, without those of Skip, from StartAt to
// EndAt, each postponed by up to Jitter.
type Spec struct {
	Calendars []Calendar `json:"calendars,omitempty"`
	Intervals []Interval `json:"intervals,omitempty"`
	// Cron is empty in what Resolved returns.
	Cron []string   `json:"cron,omitempty"`
	Skip []Calendar `json:"skip,omitempty"`
	// StartAt and EndAt are included; zero is no bound.
	StartAt time.Time     `json:"startAt,omitzero"`
	EndAt   time.Time     `json:"endAt,omitzero"`
	Jitter  time.Duration `json:"jitter,omitempty"`
	// TimeZone is an IANA name, empty for UTC.
	TimeZone string `json:"timeZone,omitempty"`
}

// Calendar matches a time whose fields, in the time zone of the Spec, are all in one of the ranges. Resolved fills in the
// ranges of fields that have none, except for Year, which then matches always.
type Calendar struct {
	Second     []Range `json:"second,omitempty"`
	Minute     []Range `json:"minute,omitempty"`
	Hour       []Range `json:"hour,omitempty"`
	DayOfMonth []Range `json:"dayOfMonth,omitempty"`
	Month      []Range `json:"month,omitempty"`
	Year       []Range `json:"year,omitempty"`
	// DayOfWeek is 0 for Sunday to 6 for Saturday.
	DayOfWeek []Range `json:"dayOfWeek,omitempty"`
	Comment   string  `json:"comment,omitempty"`
}

// Range is Start, Start+Step, ... up to End. End before Start means Start, Step 0 means 1.
type Range struct {
	Start int `json:"start"`
	End   int `json:"end,omitempty"`
	Step  int `json:"step,omitempty"`
}

// Interval matches the times that are n * Every + Offset after the beginning of 1970 in UTC.
type Interval struct {
	Every  time.Duration `json:"every"`
	Offset time.Duration `json:"offset,omitempty"`
}

// field is a field of calendars: its name, its smallest and largest value, and the ranges when there are none.
type field struct {
	name     string
	min, max int
	absent   []Range
}

// fields describes the fields of a calendar in the order of ranges.
func fields() [7]field {
	zero := []Range{{}}
	return [...]field{
		{"Second", 0, 59, zero}, {"Minute", 0, 59, zero}, {"Hour", 0, 23, zero},
		{"DayOfMonth", 1, 31, []Range{{Start: 1, End: 31}}}, {"Month", 1, 12, []Range{{Start: 1, End: 12}}},
		{"Year", firstYear, lastYear, nil}, {"DayOfWeek", 0, 6, []Range{{Start: 0, End: 6}}},
	}
}

// ranges are the calendar's own.
func (c *Calendar) ranges() [7]*[]Range {
	return [...]*[]Range{&c.Second, &c.Minute, &c.Hour, &c.DayOfMonth, &c.Month, &c.Year, &c.DayOfWeek}
}

// Resolved is s with its cron expressions made calendars and intervals and with the defaults of calendars filled in. The
// error names the field that is wrong, its value and what it may be.
func (s Spec) Resolved() (Spec, error) {
	if n := len(s.Calendars) + len(s.Intervals) + len(s.Cron) + len(s.Skip); n > maxEntries {
		return Spec{}, fmt.Errorf("Calendars, Intervals, CronExpressions and Skip are %d together: they can be at most %d", n, maxEntries)
	}
	out := s
	out.Cron = nil
	out.Calendars = append([]Calendar(nil), s.Calendars...)
	out.Intervals = append([]Interval(nil), s.Intervals...)
	out.Skip = append([]Calendar(nil), s.Skip...)
	for _, expression := range s.Cron {
		if err := out.addCron(expression); err != nil {
			return Spec{}, fmt.Errorf("CronExpressions %q: %w", expression, err)
		}
	}
	for i := range out.Calendars {
		if err := out.Calendars[i].resolve(); err != nil {
			return Spec{}, fmt.Errorf("Calendars[%d].%w", i, err)
		}
	}
	for i := range out.Skip {
		if err := out.Skip[i].resolve(); err != nil {
			return Spec{}, fmt.Errorf("Skip[%d].%w", i, err)
		}
	}
	for i, v := range out.Intervals {
		switch {
		case v.Every < MinInterval:
			return Spec{}, fmt.Errorf("Intervals[%d].Every is %v: it must be at least %v", i, v.Every, MinInterval)
		case v.Offset < 0 || v.Offset >= v.Every:
			return Spec{}, fmt.Errorf("Intervals[%d].Offset is %v: it must be at least 0 and less than Every, %v", i, v.Offset, v.Every)
		}
	}
	if out.Jitter < 0 {
		return Spec{}, fmt.Errorf("Jitter is %v: it cannot be negative", out.Jitter)
	}
	if out.TimeZone == time.Local.String() {
		return Spec{}, fmt.Errorf("TimeZoneName is %q: it must be the same zone on every machine", out.TimeZone)
	}
	if _, err := time.LoadLocation(out.TimeZone); err != nil {
		return Spec{}, fmt.Errorf("TimeZoneName is %q: %w", out.TimeZone, err)
	}
	return out, nil
}

func (c *Calendar) resolve() error {
	described := fields()
	for i, ranges := range c.ranges() {
		f := described[i]
		if len(*ranges) == 0 {
			*ranges = f.absent
		}
		for _, r := range *ranges {
			switch {
			case r.Start < f.min || r.Start > f.max:
				return fmt.Errorf("%s has Start %d: it must be %d to %d", f.name, r.Start, f.min, f.max)
			case r.End > f.max:
				return fmt.Errorf("%s has End %d: it must be at most %d", f.name, r.End, f.max)
			case r.Step < 0:
				return fmt.Errorf("%s has Step %d: it cannot be negative", f.name, r.Step)
			}
		}
	}
	return nil
}
