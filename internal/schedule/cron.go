package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// addCron adds the times of a cron expression: five fields from minute to day of week, a sixth for the year, and one more
// at the front for the second; or a shorthand. "TZ=zone" may stand before, "# comment" behind.
func (s *Spec) addCron(expression string) error {
	text, comment, _ := strings.Cut(expression, "#")
	words := strings.Fields(text)
	if len(words) > 0 {
		if key, zone, ok := strings.Cut(words[0], "="); ok && (key == "TZ" || key == "CRON_TZ") {
			if s.TimeZone != "" && s.TimeZone != zone {
				return fmt.Errorf("time zone %s contradicts %s: a schedule has one", zone, s.TimeZone)
			}
			s.TimeZone, words = zone, words[1:]
		}
	}
	if len(words) == 2 && words[0] == "@every" {
		v, err := parseEvery(words[1])
		if err == nil {
			s.Intervals = append(s.Intervals, v)
		}
		return err
	}
	if len(words) == 1 {
		full, ok := shorthand(words[0])
		if !ok {
			return fmt.Errorf("%q is none of @yearly, @monthly, @weekly, @daily, @hourly and @every", words[0])
		}
		words = strings.Fields(full)
	}
	c, err := parseFields(words)
	if err != nil {
		return err
	}
	c.Comment = strings.TrimSpace(comment)
	s.Calendars = append(s.Calendars, c)
	return nil
}

func shorthand(word string) (string, bool) {
	switch word {
	case "@yearly", "@annually":
		return "0 0 1 1 *", true
	case "@monthly":
		return "0 0 1 * *", true
	case "@weekly":
		return "0 0 * * 0", true
	case "@daily", "@midnight":
		return "0 0 * * *", true
	case "@hourly":
		return "0 * * * *", true
	}
	return "", false
}

// parseEvery reads "<interval>" or "<interval>/<phase>".
func parseEvery(text string) (Interval, error) {
	every, phase, has := strings.Cut(text, "/")
	v, err := parseInterval(every)
	if err != nil {
		return Interval{}, err
	}
	out := Interval{Every: v}
	if has {
		out.Offset, err = parseInterval(phase)
	}
	return out, err
}

// parseInterval reads a whole number with the unit s, m, h or d.
func parseInterval(text string) (time.Duration, error) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	if len(text) > 1 {
		unit, ok := units[text[len(text)-1]]
		n, err := strconv.ParseInt(text[:len(text)-1], 10, 32)
		if ok && err == nil && n >= 0 {
			return time.Duration(n) * unit, nil
		}
	}
	return 0, fmt.Errorf("%q is no whole number followed by s, m, h or d", text)
}

func parseFields(words []string) (Calendar, error) {
	var c Calendar
	described := fields()
	// the fields of a Calendar, in the order of an expression without a second
	order := []int{1, 2, 3, 4, 6, 5}
	switch len(words) {
	case 5:
		order = order[:5]
	case 6:
	case 7:
		order = append([]int{0}, order...)
	default:
		return c, fmt.Errorf("%d fields: it must have 5, 6 or 7", len(words))
	}
	ranges := c.ranges()
	for i, word := range words {
		f := described[order[i]]
		for part := range strings.SplitSeq(word, ",") {
			r, err := f.parse(part)
			if err != nil {
				return c, fmt.Errorf("%s %q: %w", f.name, part, err)
			}
			if f.name == "Year" && part == "*" {
				continue
			}
			*ranges[order[i]] = append(*ranges[order[i]], r...)
		}
	}
	return c, nil
}

// parse reads one part of a field: "*", a value or "from-to", and "/step" behind it.
func (f field) parse(part string) ([]Range, error) {
	span, stepText, hasStep := strings.Cut(part, "/")
	r := Range{}
	if hasStep {
		step, err := strconv.Atoi(stepText)
		if err != nil || step < 1 {
			return nil, fmt.Errorf("the step %q is no positive number", stepText)
		}
		r.Step = step
	}
	from, to, isRange := strings.Cut(span, "-")
	var err error
	switch {
	case span == "*":
		r.Start, r.End = f.min, f.max
		return []Range{r}, nil
	case isRange:
		if r.Start, err = f.value(from); err == nil {
			r.End, err = f.value(to)
		}
		if err == nil && r.End < r.Start {
			err = fmt.Errorf("it ends at %d before it starts", r.End)
		}
	default:
		if r.Start, err = f.value(from); hasStep {
			r.End = f.max
		}
	}
	if err != nil {
		return nil, err
	}
	if f.name == "DayOfWeek" {
		return sundays(r), nil
	}
	return []Range{r}, nil
}

// sundays replaces the 7 that a range of weekdays may contain by 0.
func sundays(r Range) []Range {
	switch {
	case r.Start == 7:
		return []Range{{}}
	case r.End < 7:
		return []Range{r}
	}
	out := []Range{{Start: r.Start, End: 6, Step: r.Step}}
	if (7-r.Start)%max(r.Step, 1) == 0 {
		out = append(out, Range{})
	}
	return out
}

// value reads a number or a name.
func (f field) value(text string) (int, error) {
	limit := f.max
	var names []string
	switch f.name {
	case "Month":
		names = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	case "DayOfWeek":
		names, limit = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}, 7
	}
	for i, name := range names {
		if name != "" && strings.EqualFold(name, text) {
			return i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.min || n > limit {
		return 0, fmt.Errorf("%q is no value from %d to %d", text, f.min, limit)
	}
	return n, nil
}
