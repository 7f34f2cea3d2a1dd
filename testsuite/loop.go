package testsuite

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// loop does everything that happens in an environment, one thing after the other, in the goroutine of ExecuteWorkflow.
type loop struct {
	clock
	// patience is how long, by the wall clock, nothing may happen.
	patience time.Duration

	mu     sync.Mutex // guards posted
	posted []func()
	// wake has room for one: that something was posted.
	wake chan struct{}
	// beside counts the goroutines of activities, for which settle waits.
	beside atomic.Int64
	// settling is set when nothing new may begin.
	settling bool
}

// defaultPatience is the test timeout unless SetTestTimeout says otherwise.
const defaultPatience = 3 * time.Second

func newLoop() *loop { return &loop{patience: defaultPatience, wake: make(chan struct{}, 1)} }

// post has f called by the loop, after what was posted before. Everybody may call it at any time.
func (l *loop) post(f func()) {
	l.mu.Lock()
	l.posted = append(l.posted, f)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *loop) take() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.posted) == 0 {
		return nil
	}
	f := l.posted[0]
	l.posted = l.posted[1:]
	return f
}

// pending is how much is posted.
func (l *loop) pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.posted)
}

// run goes on until done says so. Stuck is asked for a description when nothing happens any more.
func (l *loop) run(done func() bool, stuck func() string) {
	for !done() {
		if f := l.take(); f != nil {
			f()
			continue
		}
		if l.busy == 0 {
			if a := l.next(false); a != nil {
				l.ring(a)
				continue
			}
		}
		if !l.wait() {
			panic(fmt.Sprintf("testsuite: nothing has happened for %v (SetTestTimeout): %s", l.patience, stuck()))
		}
	}
	for range l.pending() { // what reached the runs before they closed
		l.take()()
	}
}

// wait waits until something was posted, or rings the alarm that comes first by the wall clock. It is false when
// neither happened in time.
func (l *loop) wait() bool {
	first := l.next(true)
	limit := l.patience
	if l.busy > 0 && first != nil {
		limit = min(limit, max(l.until(first), 0))
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-l.wake:
		return true
	case <-timer.C:
	}
	// Without anybody at work only patient alarms are left. Nobody came in time for what they wait for.
	if first == nil || l.busy > 0 && l.until(first) > 0 {
		return false
	}
	l.ring(first)
	return true
}

// goBeside runs f in a goroutine, during which time does not jump.
func (l *loop) goBeside(f func()) {
	l.begin()
	l.beside.Add(1)
	go func() {
		defer func() { // also when f ends its goroutine
			l.beside.Add(-1)
			l.post(l.end)
		}()
		f()
	}()
}

// sleepBeside lets virtual time pass for a goroutine beside the loop, or returns early when stop is closed. The goroutine
// does not count as at work meanwhile.
func (l *loop) sleepBeside(d time.Duration, stop <-chan struct{}) {
	over := make(chan struct{})
	var a *alarm
	woken := false
	wake := func() {
		if !woken {
			woken = true
			a.cancel()
			l.begin()
			close(over)
		}
	}
	l.post(func() {
		l.end()
		a = l.after(d, wake)
	})
	select {
	case <-over:
	case <-stop:
		l.post(wake)
		<-over
	}
}

// settle waits, for a while, for the goroutines beside the loop, and says whether they have ended.
func (l *loop) settle() bool {
	l.settling = true
	timer := time.NewTimer(l.patience)
	defer timer.Stop()
	for {
		for f := l.take(); f != nil; f = l.take() {
			f()
		}
		if l.beside.Load() == 0 {
			return true
		}
		select {
		case <-l.wake:
		case <-timer.C:
			return false
		}
	}
}
