package history

import "strconv"

// Run names one execution of a workflow.
type Run struct {
	WorkflowID string `msgpack:"w" json:"workflowId"`
	RunID      string `msgpack:"r" json:"runId"`
}

// String is "workflowID/runID", for logs and errors.
func (r Run) String() string { return r.WorkflowID + "/" + r.RunID }

// Address is where a run's inbox is: the run, the task queue that its coordinators serve and the build that it is
// pinned to (empty for none).
type Address struct {
	Run   `msgpack:",inline"`
	Queue string `msgpack:"q" json:"taskQueue"`
	Build string `msgpack:"b,omitempty" json:"build,omitempty"`
}

// Source is the part of an inbox lane that says what a message is about: "a7" for activity 7, "c7" for child 7,
// "e7" for an external call, "s" for signals, cancel and terminate requests, "w" for the wake-up.
type Source string

// The sources that do not depend on an event number.
const (
	SourceSignals Source = "s"
	SourceWakeUp  Source = "w"
)

// ActivitySource is the source of the results of the activity that event id scheduled.
func ActivitySource(id int64) Source { return numbered("a", id) }

// ChildSource is the source of what happens to the child that event id initiated.
func ChildSource(id int64) Source { return numbered("c", id) }

// ExternalSource is the source of the outcome of the external call that event id initiated.
func ExternalSource(id int64) Source { return numbered("e", id) }

func numbered(kind string, id int64) Source { return Source(kind + strconv.FormatInt(id, 10)) }
