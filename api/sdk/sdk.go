// Package sdk has what a run tells of its own code.
package sdk

// WorkflowMetadata is the answer to the query __temporal_workflow_metadata.
type WorkflowMetadata struct {
	Definition *WorkflowDefinition `json:"definition,omitempty"`
	// CurrentDetails are what workflow.SetCurrentDetails said last.
	CurrentDetails string `json:"currentDetails,omitempty"`
}

// WorkflowDefinition says what a workflow understands.
type WorkflowDefinition struct {
	// Type is the workflow's type.
	Type string `json:"type,omitempty"`
	// QueryDefinitions are the workflow's query handlers as they are now, SignalDefinitions the signals that it has asked
	// for or that have come, UpdateDefinitions its update handlers; each by name.
	QueryDefinitions  []*WorkflowInteractionDefinition `json:"queryDefinitions,omitempty"`
	SignalDefinitions []*WorkflowInteractionDefinition `json:"signalDefinitions,omitempty"`
	UpdateDefinitions []*WorkflowInteractionDefinition `json:"updateDefinitions,omitempty"`
}

// WorkflowInteractionDefinition is a query, a signal or an update.
type WorkflowInteractionDefinition struct {
	Name string `json:"name,omitempty"`
	// Description is what the workflow's author says about it.
	Description string `json:"description,omitempty"`
}
