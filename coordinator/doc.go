// Package coordinator decides what runs do next. It takes the messages that wait for a run, replays the run's history
// through its workflow function, appends one transition and sends what the transition asks for.
//
// # Roles
//
// A Coordinator serves one task queue. Any number of them, in any processes, may serve the same queue; none holds
// anything that cannot be rebuilt from the streams.
//
// # Rule
//
// For every message M of run R: load R; take all that waits for R; decide; append the transition under the
// expectation that nothing was appended since; send its effects; acknowledge M. A message is acknowledged without a
// record only when the loaded prefix of the history proves that it is settled.
//
// # Safety
//
// The conditional append lets at most one transition k exist. No effect leaves before its record is durable. Every
// record names its cover, the message that stays unacknowledged until the record's effects are sent, and a
// redelivered message re-sends the outstanding effects that it covers and no others, also when others come with it. The
// cover is a message that the record consumes: what was settled before, anyone may acknowledge at any time. What the
// clock alone led to is covered by the wake-up for its time and by those before it. What a run looks like in memory
// is a prefix of the truth: behind, never wrong; a refused append throws it away.
//
// # Liveness
//
// A message that leads to no outcome is delivered again, by the broker after AckWait or by us with a delay. A deadline
// is driven by the run's one wake-up, which is armed whenever the earliest deadline moves earlier and never canceled.
// Arming one does nothing while an earlier one is armed; so whoever gets a wake-up arms, before acknowledging it, what
// is due next and what the history holds to be armed.
//
// # What callers must tolerate
//
// An effect may be sent twice: tasks are unique by subject, wake-ups replace each other, child runs and signals have
// derived identities. Workflow code runs again on replay. A process that dies delays its runs by up to AckWait.
package coordinator
