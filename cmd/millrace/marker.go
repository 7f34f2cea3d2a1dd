package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace-dev/millrace/api/common"
	apihistory "github.com/millrace-dev/millrace/api/history"
)

// markerDetail is detail for what workflow code recorded of itself.
func markerDetail(e *apihistory.HistoryEvent) (string, bool) {
	switch a := e.Attributes.(type) {
	case *apihistory.MarkerRecordedEventAttributes:
		text := words(a.MarkerName, a.Id)
		if a.MarkerName == "Version" {
			text = words(text, fmt.Sprintf("version %d", a.Version))
		}
		if l := a.LocalActivity; l != nil {
			text = words(a.MarkerName, fmt.Sprintf("%s (id %s)", l.ActivityType.GetName(), a.Id), retryText(l.RetryState),
				fmt.Sprintf("attempt %d", max(l.Attempt, 1)))
			if l.Backoff > 0 {
				text = words(text, "again after "+short(l.Backoff.AsDuration()))
			}
		}
		return words(text, values("value", a.Details["data"]), values("result", a.Details["result"]), failureText(a.Failure), a.Summary), true
	case *apihistory.UpsertWorkflowSearchAttributesEventAttributes:
		return fieldsText(a.SearchAttributes.GetIndexedFields()), true
	case *apihistory.WorkflowPropertiesModifiedEventAttributes:
		return fieldsText(a.UpsertedMemo.GetFields()), true
	}
	return "", false
}

// fieldsText is "name value" for each field, by name.
func fieldsText(fields map[string]*common.Payload) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, name+" "+payloadText(&common.Payloads{Payloads: []*common.Payload{fields[name]}}))
	}
	return strings.Join(parts, "  ")
}
