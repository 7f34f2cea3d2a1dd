package main

import apihistory "github.com/millrace-dev/millrace/api/history"

func (t *teller) updateDetail(e *apihistory.HistoryEvent) (string, bool) {
	switch a := e.Attributes.(type) {
	case *apihistory.WorkflowExecutionUpdateAcceptedEventAttributes:
		r := a.AcceptedRequest
		t.what[e.EventId] = r.Input.Name
		return words(r.Input.Name, values("input", r.Input.Args), labeled("id", r.Meta.UpdateId), labeled("by", r.Meta.Identity)), true
	case *apihistory.WorkflowExecutionUpdateCompletedEventAttributes:
		return words(t.name(a.AcceptedEventId, "update"), values("result", a.Outcome.Success), failureText(a.Outcome.Failure)), true
	}
	return "", false
}
