// Package workflow is what authors of workflows import: contexts, coroutines, channels, selectors, futures, timers,
// activities, child workflows, signals and queries, under the names of Temporal's Go SDK.
//
// A workflow is an ordinary function whose first parameter is a Context. It may be stopped between any two of its
// steps and run again from the beginning, in another process, against the history of what it did before. So it must
// decide the same again: time comes from Now, waiting from Sleep, NewTimer and Await, concurrency from Go and Channel,
// and everything that touches the world is an activity. Maps are iterated in sorted order, or not at all.
//
// All functions of this package but the With* ones that only make contexts may be called from the workflow's own
// coroutines only. Coroutines run one at a time, so plain variables need no lock. A query handler may read, and panics
// when it tries more.
//
// Misuse (a foreign context, setting a future twice, sending on a closed channel) panics. A panic does not fail the
// run: the run waits, visibly, until corrected code is deployed. Every other error comes from the returned Future.
package workflow
