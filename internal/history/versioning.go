package history

import "github.com/millrace-dev/millrace/api/enums"

// VersioningOverride says which build decides for a run, whatever its type was registered with.
type VersioningOverride struct {
	// Build pins the run to a build of Deployment. Empty: the build decides that new runs go to, too.
	Deployment string `msgpack:"d,omitempty"`
	Build      string `msgpack:"b,omitempty"`
}

// OptionsChange replaces the options of an open run that can be changed.
type OptionsChange struct {
	// Versioning is the override from now on, nil for none.
	Versioning *VersioningOverride `msgpack:"v,omitempty"`
	Identity   string              `msgpack:"i,omitempty"`
}

// WorkflowExecutionOptionsUpdated brings a change of options.
type WorkflowExecutionOptionsUpdated struct {
	OptionsChange `msgpack:",inline"`
}

// EventType is WORKFLOW_EXECUTION_OPTIONS_UPDATED.
func (*WorkflowExecutionOptionsUpdated) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED
}

// Binding is the build that a successor is bound to, empty for none. It was chosen when its predecessor closed, and is
// stored so that everyone who derives the successor's start derives the same.
type Binding struct {
	Build string `msgpack:"b,omitempty"`
}

// Bound is the build that alone decides for the run; empty for the one that new runs of its task queue go to.
func (s *State) Bound() string {
	if s.Versioning != nil {
		return s.Versioning.Build
	}
	return s.Start.Run.Build
}

func versioningAttributes() []Attributes {
	return []Attributes{&WorkflowExecutionOptionsUpdated{}}
}
