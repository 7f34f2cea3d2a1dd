// Package daemon holds what the millrace daemon does beside workers: it takes starts and signals from anyone
// (Intake), puts right what was lost (Healer; Repair by hand), and finds out what the broker has lost for good (Audit).
//
// Of the intake:
//
// Roles. Senders publish JSON to the intake subjects, or ask by request. Daemons, any number of them, turn what was
// sent into starts and signals. Nobody else is needed: the broker keeps what was published until a daemon runs.
//
// Rule. A message is acknowledged after the start or signal that it asks for is durable, or after it was put among
// the dead letters with the reason.
//
// Safety. One message starts one run at most, however often it is delivered and by however many daemons: the run ID is
// derived from the message's own identity. A signal's ID is derived in the same way, and a run consumes one of each.
// Messages for one workflow ID that arrive together are handled in their order.
//
// Liveness. What the broker did not answer for is handed back with a growing delay and tried again for ever.
//
// Window. A signal whose acknowledgement was lost is sent again to the run that is open then, which may be another one
// when the first has closed in between.
//
// Of healing: it is no part of the protocol, which is live without it while nothing is lost. Safety. It reads in the
// direction in which results flow, and sends only what is absent, absent and still pending, by writes that the broker
// refuses when somebody was faster. Liveness. Every open run and every consumer is looked at again and again. Window. An
// activity whose result was lost with an inbox runs again.
package daemon
