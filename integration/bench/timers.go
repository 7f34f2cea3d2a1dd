package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// timersSpread is W5 with due times spread over 10 s; for fewer timers than the 10,000 over less, so that the
// load is the same.
func timersSpread(ctx context.Context, g *ground, r *report, name string) error {
	return timers(ctx, g, r, name, time.Duration(g.timers)*time.Millisecond)
}

// timersBurst is W5 with all due in one second.
func timersBurst(ctx context.Context, g *ground, r *report, name string) error {
	return timers(ctx, g, r, name, time.Second)
}

// timers puts runs to sleep and measures how long after its due time the record that wakes a run was stored.
func timers(ctx context.Context, g *ground, r *report, name string, span time.Duration) error {
	return withMillrace(ctx, g, func(s *millraceSystem, o *observer) error {
		ctx, cancel := context.WithTimeout(ctx, g.lead+span+patience)
		defer cancel()
		first := time.Now().Add(g.lead)
		due := func(i int) time.Time { return first.Add(span * time.Duration(i) / time.Duration(g.timers)) }
		id := func(i int) string { return fmt.Sprintf("t-%d", i) }
		err := each(ctx, g.timers, 64, func(ctx context.Context, i int) error {
			_, err := s.start(ctx, id(i), sleeper, due(i).UnixNano())
			return err
		})
		if err == nil {
			err = o.awaitRecords(ctx, g.timers)
		}
		if err != nil {
			return err
		}
		if slack := time.Until(first); slack < 0 {
			return fmt.Errorf("all runs slept only %v after the first was due: raise -lead above %v", -slack, g.lead)
		}
		before := cpuTime()
		if err := o.awaitClosed(ctx, g.timers); err != nil {
			return err
		}
		used := (cpuTime() - before) / time.Duration(g.timers)
		late := make([]time.Duration, g.timers)
		for i := range late {
			late[i] = o.closed[id(i)].Sub(due(i))
		}
		slices.Sort(late)
		early, _ := slices.BinarySearch(late, 0)
		r.note("%s: %d timers in %v: late p50 %.2f ms, p99 %.2f ms, at most %.2f ms; %d early; %.3f ms CPU each", name,
			g.timers, span, ms(percentile(late, 50)), ms(percentile(late, 99)), ms(late[len(late)-1]), early, ms(used))
		r.most(name+": timers fired early", float64(early), 0)
		if span > time.Second {
			r.most(name+": p99 lateness in ms", ms(percentile(late, 99)), 10)
		}
		return nil
	})
}
