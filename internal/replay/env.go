package replay

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// Body is the whole life of a run's root coroutine: it decodes the input, calls the workflow function, and closes the
// run by Complete, Fail, Cancel or ContinueAsNew before it returns.
type Body func(env *Env)

// Env is what workflow code can see and do. Package workflow is its only user.
//
// Its methods may be called from the run's coroutines, and but for Block also from the callbacks that it calls itself
// (never concurrently). A query handler and a ready predicate may only call those that read. Any other call panics
// with a *MisuseError, which ends in a PanicError. While the Machine unwinds its coroutines (Destroy), and after the
// run was closed, commands do nothing, take no callback and return 0.
//
// Commands take ownership of the attributes given to them.
type Env struct {
	m *Machine
}

// Outcome is how an activity or a child ended. Failure is nil for success; it is the raw cause, which package workflow
// wraps as the error of an activity or a child. Event is the event that told.
type Outcome struct {
	Result  *common.Payloads
	Failure *failure.Failure
	Event   history.Event
}

// Start is the run's start. It must not be changed.
func (e *Env) Start() *history.Start { return e.m.config.Start }

// Now is the time of the transition being processed.
func (e *Env) Now() time.Time { return e.m.now }

// Replaying says whether the code runs to repeat what is recorded; it is false in a query handler.
func (e *Env) Replaying() bool { return e.m.replaying }

// HistoryLength is the number of events before the decisions of the transition being processed.
func (e *Env) HistoryLength() int64 {
	if told := e.m.config.HistoryLength; told != nil {
		return told(e.m.length)
	}
	return e.m.length
}

// Suggested are the reasons to continue as new that a test pretends; ok is false where the truth is asked for.
func (e *Env) Suggested() (reasons []int, ok bool) {
	if e.m.config.Suggested == nil {
		return nil, false
	}
	return e.m.config.Suggested(e.m.length)
}

// HistorySize is the number of bytes of the run's start and its records before the transition being processed, 0 for
// unknown.
func (e *Env) HistorySize() int64 { return e.m.size }

// TargetChanged says whether new runs went to another build than this run's when the transition being processed was
// decided.
func (e *Env) TargetChanged() bool { return e.m.targetChanged }

// Go creates a coroutine that runs f, after those that exist, in the transition being processed. An empty name is
// replaced by the coroutine's number.
func (e *Env) Go(name string, f func()) {
	if e.m.deciding("Go") {
		e.m.create(name, f)
	}
}

// GoFirst is Go for a coroutine that runs before those that exist, and after others that it created in the transition
// being processed.
func (e *Env) GoFirst(name string, f func()) {
	if e.m.deciding("GoFirst") {
		e.m.createFirst(name, f)
	}
}

// Block suspends the calling coroutine until ready returns true. The scheduler calls ready, outside any coroutine and
// at least once; ready must neither block nor decide. Why says in a stack trace what is waited for.
//
// When the Machine is destroyed Block does not return: the coroutine's deferred calls run and it ends.
func (e *Env) Block(why string, ready func() bool) {
	e.m.block(why, ready)
}

// CoroutineName is the name of the calling coroutine, empty outside coroutines.
func (e *Env) CoroutineName() string {
	if e.m.phase != inCoroutine && e.m.phase != unwinding {
		return ""
	}
	return e.m.current.name
}

// Unwinding says whether the coroutines are being ended, and their deferred calls run for nobody.
func (e *Env) Unwinding() bool { return e.m.phase == unwinding }
