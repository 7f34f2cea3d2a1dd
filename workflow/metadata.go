package workflow

import (
	"maps"
	"slices"

	"github.com/millrace-dev/millrace/api/sdk"
)

// The queries that every workflow answers itself, beside "__stack_trace".
const (
	metadataQuery     = "__temporal_workflow_metadata"
	openSessionsQuery = "__open_sessions"
)

// ownAnswer answers the queries that need no handler; nil for all others.
func (r *run) ownAnswer(name string) interface{} {
	switch name {
	case metadataQuery:
		return r.metadata()
	case openSessionsQuery:
		open := []*SessionInfo{} // an empty list, not null
		for _, s := range r.sessionsMade {
			if s.SessionState == SessionStateOpen {
				open = append(open, s)
			}
		}
		return open
	}
	return nil
}

func (r *run) metadata() *sdk.WorkflowMetadata {
	d := &sdk.WorkflowDefinition{Type: r.start().Type}
	for _, name := range slices.Sorted(maps.Keys(r.queries)) {
		d.QueryDefinitions = append(d.QueryDefinitions, &sdk.WorkflowInteractionDefinition{Name: name, Description: r.queries[name].options.Description})
	}
	for _, name := range slices.Sorted(maps.Keys(r.signals)) {
		d.SignalDefinitions = append(d.SignalDefinitions, &sdk.WorkflowInteractionDefinition{Name: name, Description: r.signalOptions[name].Description})
	}
	if r.updates != nil {
		for _, name := range slices.Sorted(maps.Keys(r.updates.handlers)) {
			d.UpdateDefinitions = append(d.UpdateDefinitions, &sdk.WorkflowInteractionDefinition{Name: name, Description: r.updates.handlers[name].options.Description})
		}
	}
	return &sdk.WorkflowMetadata{Definition: d, CurrentDetails: r.details}
}
