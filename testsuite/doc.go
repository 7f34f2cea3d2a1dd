// Package testsuite runs workflows and activities in unit tests, without a server and in virtual time: a workflow that
// sleeps for a month is tested in a millisecond.
//
// A TestWorkflowEnvironment runs workflow code by the same machine that workers use, on a history of its own: it makes
// the start, hands over the results of activities and children, signals and timers as the transitions of a run, and
// at the end replays that history through the code once more. Code that decides something else the second time fails
// the test, as it would block a run in production. Activities and child workflows are the registered functions, or
// what OnActivity and OnWorkflow say instead.
//
// # Time
//
// The clock stands still while workflow code runs, and jumps to the next deadline (a timer, a time-out, the wait before
// a retry, a delayed callback) when nothing is left to do. While functions of activities run it follows the wall clock
// to deadlines that pass meanwhile.
//
// # Goroutines
//
// Workflow code, callbacks and most listeners run in turn, in the goroutine of ExecuteWorkflow or while it waits.
// Functions of activities and their mocks run in goroutines of their own, as on a worker.
//
// StartDevServer starts a real server within the test's process instead.
package testsuite
