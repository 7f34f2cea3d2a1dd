// Package millrace holds the words that every author of workflows and activities shares: retry policies, priorities,
// and the errors that cross from an activity to a workflow, from a child to its parent and from a run to its client.
// Import it under the name temporal and code written for Temporal's Go SDK keeps its look.
//
// An error does not cross as it is: a failure converter describes it as an api/failure.Failure and rebuilds it on the
// other side. The types here survive that with all their fields and their chain of causes, so errors.As works on
// both sides. Every other error arrives as an *ApplicationError whose Type is the name of its Go type.
//
// What a workflow gets from a failed activity is an *ActivityError, and from a failed child a
// *ChildWorkflowExecutionError; what a client gets from a failed run is a *WorkflowExecutionError. Each wraps the
// reason: *ApplicationError, *TimeoutError, *CanceledError, *TerminatedError, *PanicError or *ServerError.
package millrace
