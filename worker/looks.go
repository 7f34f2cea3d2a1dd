package worker

import (
	"sync"
	"time"
)

// looks are the first looks at attempts, in the order in which these began: one timer for all of them, since nearly every
// attempt ends before it is looked at. It needs no closing: its timer runs only while an attempt waits, and once more.
type looks struct {
	after time.Duration // from the beginning of an attempt to its look

	mu          sync.Mutex // guards the rest
	first, last *look
	timer       *time.Timer
	running     bool // the timer
}

// look is the first look at one attempt.
type look struct {
	of  *pulse
	due time.Time // does not change once it was added
	// The rest is guarded by the lock of looks.
	before, next *look
	waiting      bool
}

// add has l, which begins now, looked at when its time has come.
func (q *looks) add(l *look, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	l.due, l.waiting, l.before = now.Add(q.after), true, q.last
	if q.last == nil {
		q.first = l
	} else {
		q.last.next = l
	}
	q.last = l
	if !q.running {
		q.runLocked(q.after)
	}
}

// remove takes l away, unless it is over.
func (q *looks) remove(l *look) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l.waiting {
		q.removeLocked(l)
	}
}

func (q *looks) removeLocked(l *look) {
	if l.before == nil {
		q.first = l.next
	} else {
		l.before.next = l.next
	}
	if l.next == nil {
		q.last = l.before
	} else {
		l.next.before = l.before
	}
	l.before, l.next, l.waiting = nil, nil, false
}

func (q *looks) runLocked(after time.Duration) {
	q.running = true
	if q.timer == nil {
		q.timer = time.AfterFunc(after, q.look)
	} else {
		q.timer.Reset(after)
	}
}

// look looks at all attempts whose time has come.
func (q *looks) look() {
	for l := q.due(time.Now()); l != nil; l = q.due(time.Now()) {
		l.of.firstLook()
	}
}

// due takes the first look away if its time has come, and sees to it that the timer runs if there is one that waits.
func (q *looks) due(now time.Time) *look {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch l := q.first; {
	case l == nil:
		q.running = false
	case l.due.After(now):
		q.runLocked(l.due.Sub(now))
	default:
		q.removeLocked(l)
		return l
	}
	return nil
}
