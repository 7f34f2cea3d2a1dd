// Package cron says when a cron schedule starts its next run.
//
// A schedule is what github.com/robfig/cron/v3 calls a standard one, as it is in Temporal: five fields (minute, hour, day
// of month, month, day of week), or @hourly, @daily, @weekly, @monthly, @yearly or @every with a duration; in UTC, unless
// it begins with CRON_TZ= and the name of a time zone. In such a zone a time that a clock change skips does not come that
// day, and one that comes twice is taken both times.
package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// parse reads a schedule. The library's parser panics where a time zone is followed by nothing.
func parse(schedule string) (cron.Schedule, error) {
	zoned := strings.HasPrefix(schedule, "TZ=") || strings.HasPrefix(schedule, "CRON_TZ=")
	if zoned && !strings.Contains(schedule, " ") {
		return nil, errors.New("there is nothing behind the time zone")
	}
	return cron.ParseStandard(schedule)
}

// Next is the first time that a schedule names after the given start and not before the given end: the start is when the
// last run began, the end when it closed. It is a whole second.
func Next(schedule string, start, end time.Time) (time.Time, error) {
	s, err := parse(schedule)
	if err != nil {
		return time.Time{}, fmt.Errorf("cron schedule %q: %w", schedule, err)
	}
	next := s.Next(start.UTC())
	if every, ok := s.(cron.ConstantDelaySchedule); ok && next.Before(end) {
		// As many steps as it takes: one by one they could be many.
		next = next.Add((end.Sub(next) + every.Delay - 1) / every.Delay * every.Delay)
	}
	for !next.IsZero() && next.Before(end) {
		next = s.Next(next)
		if next.Before(end) {
			next = s.Next(end.UTC().Add(-time.Second))
		}
	}
	if next.IsZero() {
		return time.Time{}, fmt.Errorf("cron schedule %q names no time after %v", schedule, end.UTC())
	}
	return next.UTC(), nil
}
