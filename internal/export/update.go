package export

import (
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/api/update"
	"github.com/millrace-dev/millrace/internal/history"
)

func updateAttributes(e *history.Event) apihistory.EventAttributes {
	switch a := e.Attributes.(type) {
	case *history.WorkflowExecutionUpdateAccepted:
		return &apihistory.WorkflowExecutionUpdateAcceptedEventAttributes{ProtocolInstanceId: a.ID,
			AcceptedRequest: &update.Request{
				Meta:  &update.Meta{UpdateId: a.ID, Identity: a.Identity},
				Input: &update.Input{Header: a.Header, Name: a.Name, Args: a.Input},
			}}
	case *history.WorkflowExecutionUpdateCompleted:
		return &apihistory.WorkflowExecutionUpdateCompletedEventAttributes{Meta: &update.Meta{UpdateId: a.ID},
			AcceptedEventId: a.Accepted, Outcome: &update.Outcome{Success: a.Result, Failure: a.Failure}}
	}
	return nil
}

// storedUpdate is the inverse of updateAttributes. Who was told of the outcome is not exported.
func storedUpdate(e *apihistory.HistoryEvent) history.Attributes {
	switch a := e.Attributes.(type) {
	case *apihistory.WorkflowExecutionUpdateAcceptedEventAttributes:
		accepted := &history.WorkflowExecutionUpdateAccepted{}
		if r := a.AcceptedRequest; r != nil && r.Meta != nil {
			accepted.ID, accepted.Identity = r.Meta.UpdateId, r.Meta.Identity
		}
		if r := a.AcceptedRequest; r != nil && r.Input != nil {
			accepted.Name, accepted.Input, accepted.Header = r.Input.Name, r.Input.Args, r.Input.Header
		}
		return accepted
	case *apihistory.WorkflowExecutionUpdateCompletedEventAttributes:
		completed := &history.WorkflowExecutionUpdateCompleted{Accepted: a.AcceptedEventId}
		if a.Meta != nil {
			completed.ID = a.Meta.UpdateId
		}
		if a.Outcome != nil {
			completed.Result, completed.Failure = a.Outcome.Success, a.Outcome.Failure
		}
		return completed
	}
	return nil
}
