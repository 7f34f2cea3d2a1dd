// Package gateway serves a namespace to processes that may not touch its streams: it answers requests to start, signal,
// cancel, terminate, query, update and look at runs, and hands the activity tasks of a queue to workers that ask for them.
//
// Roles. Tenants are processes of other accounts, which import the gateway's subjects and nothing else. Gateways, any
// number of them, run inside daemons, whose account holds the streams; each request reaches one. A lease is a task that a
// gateway has handed to a tenant's worker: the gateway holds it at the broker, as a worker does, for as long as the
// tenant's worker gives signs of life.
//
// Rule. The subject of a request says what its sender may do: namespace, verb and, where there is one, task queue. Bodies
// name neither a namespace nor another queue. A tenant's worker names its task by a token that only gateways can make; a
// token is good for one attempt of one activity, on one queue. Answers go to inboxes only.
//
// Safety. A tenant reaches nothing outside its namespace and the verbs and queues of its permissions: what it sends never
// becomes a subject, an address of another run's inbox, a reference to a stored payload, or a message to the engine's own
// workflows. Repeating a request has no second effect: it carries an ID of its sender's choice. A task's outcome is counted
// once, as that of any worker.
//
// Liveness. A request without an answer is repeated, and reaches another gateway. When a gateway dies, what it held is
// delivered again after the worker loss time-out; the outcome that a tenant's worker reports meanwhile is taken by any
// gateway, goes into the run's inbox and removes the task. A gateway that is told to stop leaves its leases as activities
// that are completed from outside.
//
// Window. An attempt whose gateway died may run again beside the first, and counts as lost, if it does not end within the
// worker loss time-out. Until then any gateway takes its heartbeats, but none of them keeps the task.
package gateway
