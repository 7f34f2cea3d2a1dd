package history

import "github.com/millrace-dev/millrace/api/enums"

// Priority orders tasks that wait.
type Priority struct {
	PriorityKey    int32   `json:"priorityKey,omitempty"`
	FairnessKey    string  `json:"fairnessKey,omitempty"`
	FairnessWeight float64 `json:"fairnessWeight,omitempty"`
}

// VersioningOverride says which build decides for a run. Without a build it is the one that new runs go to.
type VersioningOverride struct {
	DeploymentName string `json:"deploymentName,omitempty"`
	BuildId        string `json:"buildId,omitempty"`
}

// Binding is the build that a run is bound to from its start on, empty for none. Temporal has no such thing.
type Binding struct {
	Build string `json:"build,omitempty"`
}

// WorkflowExecutionOptionsUpdatedEventAttributes bring new options for the run.
type WorkflowExecutionOptionsUpdatedEventAttributes struct {
	VersioningOverride *VersioningOverride `json:"versioningOverride,omitempty"`
	// UnsetVersioningOverride is set when there is no override any more.
	UnsetVersioningOverride bool   `json:"unsetVersioningOverride,omitempty"`
	Identity                string `json:"identity,omitempty"`
}

// EventType is WORKFLOW_EXECUTION_OPTIONS_UPDATED.
func (*WorkflowExecutionOptionsUpdatedEventAttributes) EventType() enums.EventType {
	return enums.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED
}

// GetWorkflowExecutionOptionsUpdatedEventAttributes returns the attributes of a WorkflowExecutionOptionsUpdated event, nil for any other.
func (e *HistoryEvent) GetWorkflowExecutionOptionsUpdatedEventAttributes() *WorkflowExecutionOptionsUpdatedEventAttributes {
	return attributes[WorkflowExecutionOptionsUpdatedEventAttributes](e)
}
