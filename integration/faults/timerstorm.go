package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
	"github.com/millrace-dev/millrace/workflow"
)

// alarm sets n timers that are due in the second after a time, and returns by how many milliseconds the last of them was
// later than it was due. One that comes early fails the run.
func alarm(ctx workflow.Context, due time.Time, n int) (late int64, err error) {
	type set struct {
		due   time.Time
		timer workflow.Future
	}
	var timers []set
	for i := range n {
		at := due.Add(time.Duration(i) * time.Second / time.Duration(n))
		timers = append(timers, set{at, workflow.NewTimer(ctx, at.Sub(workflow.Now(ctx)))})
	}
	for i, t := range timers {
		if err := t.timer.Get(ctx, nil); err != nil {
			return 0, err
		}
		behind := workflow.Now(ctx).Sub(t.due)
		if behind < 0 {
			return 0, fmt.Errorf("timer %d fired %v early", i, -behind)
		}
		late = max(late, behind.Milliseconds())
	}
	return late, nil
}

// timerStorm has many timers become due within one second, and kills the server that leads the wake-ups at that moment.
type timerStorm struct {
	runs, timers int
	// ahead is how long before they are due the timers are set.
	ahead time.Duration
}

func (timerStorm) kind() verify.FaultKind { return "timer-storm" }

func (t timerStorm) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	due := time.Now().Add(t.ahead).Round(time.Millisecond)
	name := fmt.Sprintf("alarm-%d", due.UnixMilli())
	var wg sync.WaitGroup
	errs := make([]error, t.runs)
	slots := make(chan struct{}, 32)
	for i := range t.runs {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = s.load.alarm(ctx, fmt.Sprintf("%s-%d", name, i), due, t.timers, &wg)
		})
	}
	until := time.NewTimer(time.Until(due))
	defer until.Stop()
	select {
	case <-ctx.Done():
	case <-until.C:
	}
	kill := killServers{name: t.kind(), choose: leaderOf(streamInbox)}
	st, err := kill.inject(ctx, s, r)
	if st == nil || err != nil {
		wg.Wait()
		return st, errors.Join(append(errs, err)...)
	}
	st.target, st.hit = "timers,"+st.target, fmt.Sprintf("%d timers of %d runs", t.runs*t.timers, t.runs)
	restart := st.heal
	st.heal = func(ctx context.Context) error {
		err := restart(ctx)
		wg.Wait()
		return errors.Join(append(errs, err)...)
	}
	return st, nil
}

// alarm starts a run with timers, and has wg wait for its result.
func (l *load) alarm(ctx context.Context, id string, due time.Time, n int, wg *sync.WaitGroup) error {
	begun := verify.Now()
	run, err := l.start(ctx, id, nameAlarm, nil, due, n)
	if err != nil {
		return err
	}
	wg.Go(func() {
		if err := l.finish(ctx, id, run, begun, false); err != nil {
			return // a problem that finish has noted
		}
		var late int64
		if err := run.Get(ctx, &late); err != nil {
			l.problem(fmt.Errorf("lateness of %s: %w", id, err))
			return
		}
		l.mu.Lock()
		l.late = append(l.late, time.Duration(late)*time.Millisecond)
		l.mu.Unlock()
	})
	return nil
}

// latest is how late timers may be that become due together while their leader is killed: all but one of a hundred.
const latest = 15 * time.Second

func tooLate(late []time.Duration) error {
	var all []int64
	for _, d := range late {
		all = append(all, d.Milliseconds())
	}
	if p99 := quantile(all, 0.99); p99 > latest {
		return fmt.Errorf("the p99 of how late timers were is %v, more than %v", p99, latest)
	}
	return nil
}
