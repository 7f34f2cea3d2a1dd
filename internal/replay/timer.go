package replay

import (
	"time"

	"github.com/millrace-dev/millrace/internal/history"
)

// StartTimer decides to start a timer of d, rounded up to the next millisecond (below 0 is 0), and returns the number
// of its event; fired is called when it is due.
func (e *Env) StartTimer(d time.Duration, summary string, fired func()) int64 {
	m := e.m
	if !m.deciding("StartTimer") {
		return 0
	}
	timeout := history.MillisOf(max(d, 0))
	id := m.issue(&history.TimerStarted{Timeout: timeout, Due: m.now.Add(timeout.Duration()), Summary: summary})
	m.timers[id] = fired
	return id
}

// CancelTimer decides to forget the timer that event id started. It does nothing when the timer has fired or been
// canceled.
func (e *Env) CancelTimer(id int64) {
	if !e.m.deciding("CancelTimer") {
		return
	}
	if _, ok := e.m.timers[id]; ok {
		delete(e.m.timers, id)
		e.m.issue(&history.TimerCanceled{Started: id})
	}
}

func (m *Machine) timerFired(id int64) func() {
	fired := m.timers[id]
	delete(m.timers, id)
	return fired
}
