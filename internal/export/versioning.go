package export

import (
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/history"
)

func optionsUpdated(a *history.WorkflowExecutionOptionsUpdated) apihistory.EventAttributes {
	return &apihistory.WorkflowExecutionOptionsUpdatedEventAttributes{VersioningOverride: override(a.Versioning),
		UnsetVersioningOverride: a.Versioning == nil, Identity: a.Identity}
}

func storedOptions(a *apihistory.WorkflowExecutionOptionsUpdatedEventAttributes) history.Attributes {
	return &history.WorkflowExecutionOptionsUpdated{OptionsChange: history.OptionsChange{
		Versioning: storedOverride(a.VersioningOverride), Identity: a.Identity}}
}

func override(o *history.VersioningOverride) *apihistory.VersioningOverride {
	if o == nil {
		return nil
	}
	return &apihistory.VersioningOverride{DeploymentName: o.Deployment, BuildId: o.Build}
}

func storedOverride(o *apihistory.VersioningOverride) *history.VersioningOverride {
	if o == nil {
		return nil
	}
	return &history.VersioningOverride{Deployment: o.DeploymentName, Build: o.BuildId}
}

func binding(b *history.Binding) *apihistory.Binding {
	if b == nil {
		return nil
	}
	return &apihistory.Binding{Build: b.Build}
}

func storedBinding(b *apihistory.Binding) *history.Binding {
	if b == nil {
		return nil
	}
	return &history.Binding{Build: b.Build}
}

func priority(p *history.Priority) *apihistory.Priority {
	if p == nil {
		return nil
	}
	return &apihistory.Priority{PriorityKey: p.Key, FairnessKey: p.FairnessKey, FairnessWeight: p.FairnessWeight}
}

func storedPriority(p *apihistory.Priority) *history.Priority {
	if p == nil {
		return nil
	}
	return &history.Priority{Key: p.PriorityKey, FairnessKey: p.FairnessKey, FairnessWeight: p.FairnessWeight}
}
