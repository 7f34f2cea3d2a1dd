package schedule

import (
	"encoding/binary"
	"hash/fnv"
	"time"
)

// maxSkipped is how many times in a row are skipped before Next reports where it is.
const maxSkipped = 10_000

// Times are the times of a Spec. It is safe for concurrent use.
type Times struct {
	id        string
	calendars []matcher
	skip      []matcher
	intervals []Interval
	start     time.Time
	end       time.Time
	jitter    time.Duration
	zone      *time.Location
}

// Time is one time of a Spec.
type Time struct {
	// Nominal is the time that the specification names, At the same with jitter.
	Nominal, At time.Time
	// Skipped is set for a Nominal up to which everything is skipped, and that is skipped itself. There may be more.
	Skipped bool
}

// NewTimes is the times of a Spec that belongs to the schedule id, on which the jitter depends.
func NewTimes(id string, s Spec) (*Times, error) {
	s, err := s.Resolved()
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return nil, err
	}
	t := &Times{id: id, intervals: s.Intervals, start: s.StartAt, end: s.EndAt, jitter: s.Jitter, zone: zone}
	for _, c := range s.Calendars {
		if m := newMatcher(c); m.exists() {
			t.calendars = append(t.calendars, m)
		}
	}
	for _, c := range s.Skip {
		t.skip = append(t.skip, newMatcher(c))
	}
	return t, nil
}

// Next is the first time after a given one, in UTC. It reports false when there is none.
func (t *Times) Next(after time.Time) (Time, bool) {
	for range maxSkipped {
		nominal, ok := t.nominal(after)
		if !ok {
			return Time{}, false
		}
		if !t.skipped(nominal) {
			return Time{Nominal: nominal, At: nominal.Add(t.jitterAt(nominal))}, true
		}
		after = nominal
	}
	return Time{Nominal: after, At: after, Skipped: true}, true
}

// nominal is the first time after a given one, skipped or not.
func (t *Times) nominal(after time.Time) (time.Time, bool) {
	if first := time.Unix(0, 0).Add(-1); after.Before(first) {
		after = first
	}
	if !t.start.IsZero() && after.Before(t.start) {
		after = t.start.Add(-1)
	}
	var best time.Time
	consider := func(c time.Time) {
		if best.IsZero() || c.Before(best) {
			best = c
		}
	}
	for _, m := range t.calendars {
		if c, ok := m.next(after, t.zone); ok {
			consider(c)
		}
	}
	for _, v := range t.intervals {
		if after.Year() <= lastYear { // a Duration cannot say how far after 1970 later ones are
			consider(v.next(after))
		}
	}
	if best.IsZero() || best.Year() > lastYear || !t.end.IsZero() && best.After(t.end) {
		return time.Time{}, false
	}
	return best.UTC(), true
}

func (t *Times) skipped(at time.Time) bool {
	local := at.In(t.zone)
	for _, m := range t.skip {
		if m.matches(local) {
			return true
		}
	}
	return false
}

// jitterAt is from 0 to the jitter, but ends before the next time. It is the same whenever it is asked for.
func (t *Times) jitterAt(nominal time.Time) time.Duration {
	limit := t.jitter
	if limit <= 0 {
		return 0
	}
	if next, ok := t.nominal(nominal); ok {
		limit = min(limit, next.Sub(nominal)-1)
	}
	h := fnv.New64a()
	h.Write([]byte(t.id)) // a hash accepts everything
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(nominal.UnixNano())))
	// FNV leaves neighbouring times neighbours; one more round spreads them.
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x ^= x >> 33
	return time.Duration(x % uint64(limit+1)).Truncate(time.Millisecond)
}

func (v Interval) next(after time.Time) time.Time {
	passed := time.Duration(after.UnixNano()-int64(v.Offset)) % v.Every
	if passed < 0 { // division rounds towards zero
		passed += v.Every
	}
	return after.Add(v.Every - passed)
}

// matcher is a Calendar: a bit for each value that a field may have.
type matcher struct {
	second, minute, hour, dayOfMonth, month, dayOfWeek uint64
	years                                              []Range
}

func newMatcher(c Calendar) matcher {
	return matcher{second: bits(c.Second), minute: bits(c.Minute), hour: bits(c.Hour), dayOfMonth: bits(c.DayOfMonth),
		month: bits(c.Month), dayOfWeek: bits(c.DayOfWeek), years: c.Year}
}

// exists says whether there is such a day in any year: nobody should look for 31 April until the last one.
func (m matcher) exists() bool {
	for month := time.January; month <= time.December; month++ {
		longest := time.Date(2024, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
		if days := uint64(2)<<longest - 2; has(m.month, int(month)) && m.dayOfMonth&days != 0 {
			return true
		}
	}
	return false
}

func bits(ranges []Range) (set uint64) {
	for _, r := range ranges {
		for v := r.Start; v <= max(r.End, r.Start); v += min(max(r.Step, 1), 64) { // a larger step could overflow v
			set |= 1 << v
		}
	}
	return set
}

func (m matcher) year(y int) bool {
	for _, r := range m.years {
		if y >= r.Start && y <= max(r.End, r.Start) && (y-r.Start)%max(r.Step, 1) == 0 {
			return true
		}
	}
	return len(m.years) == 0
}

func (m matcher) day(t time.Time) bool {
	return has(m.dayOfMonth, t.Day()) && has(m.dayOfWeek, int(t.Weekday()))
}

func (m matcher) matches(t time.Time) bool {
	return m.year(t.Year()) && has(m.month, int(t.Month())) && m.day(t) &&
		has(m.hour, t.Hour()) && has(m.minute, t.Minute()) && has(m.second, t.Second())
}

func has(set uint64, v int) bool { return set>>v&1 != 0 }

// next is the first whole second after a given time whose clock time in the zone matches. It goes from one candidate to
// the next by the largest field that does not match, and never past a change of the zone's offset, where the clock jumps.
func (m matcher) next(after time.Time, zone *time.Location) (time.Time, bool) {
	t := after.Truncate(time.Second).Add(time.Second).In(zone)
	for t.Year() <= lastYear {
		var to time.Time
		switch y, month, day := t.Date(); {
		case !m.year(y):
			to = time.Date(y+1, 1, 1, 0, 0, 0, 0, zone)
		case !has(m.month, int(month)):
			to = time.Date(y, month+1, 1, 0, 0, 0, 0, zone)
		case !m.day(t):
			to = time.Date(y, month, day+1, 0, 0, 0, 0, zone)
		case !has(m.hour, t.Hour()):
			to = t.Add(time.Hour - time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second)
		case !has(m.minute, t.Minute()):
			to = t.Add(time.Minute - time.Duration(t.Second())*time.Second)
		case !has(m.second, t.Second()):
			to = t.Add(time.Second)
		default:
			return t, true
		}
		_, change := t.ZoneBounds()
		switch {
		case !change.IsZero() && to.After(change), !change.IsZero() && !to.After(t): // a midnight that does not exist
			to = change.In(zone)
		}
		t = to
	}
	return time.Time{}, false
}
