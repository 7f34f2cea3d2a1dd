package export

import (
	"github.com/millrace-dev/millrace/api/common"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/history"
)

// The keys of a marker's details, as Temporal has them.
const (
	detailData   = "data"
	detailResult = "result"
)

func detailKey(marker string) string {
	if marker == history.MarkerLocalActivity {
		return detailResult
	}
	return detailData
}

func markerAttributes(e *history.Event) apihistory.EventAttributes {
	switch a := e.Attributes.(type) {
	case *history.MarkerRecorded:
		out := &apihistory.MarkerRecordedEventAttributes{MarkerName: a.Name, Id: a.ID, Version: a.Version, Call: a.Call,
			Failure: a.Failure, Summary: a.Summary}
		if a.Result != nil {
			out.Details = map[string]*common.Payloads{detailKey(a.Name): a.Result}
		}
		if l := a.Local; l != nil {
			out.LocalActivity = &apihistory.LocalActivity{ActivityType: &common.ActivityType{Name: l.Type}, Attempt: l.Attempt,
				Time: l.Time, Backoff: duration(l.Backoff), RetryState: l.Retry}
		}
		return out
	case *history.UpsertWorkflowSearchAttributes:
		return &apihistory.UpsertWorkflowSearchAttributesEventAttributes{SearchAttributes: a.Search}
	case *history.WorkflowPropertiesModified:
		return &apihistory.WorkflowPropertiesModifiedEventAttributes{UpsertedMemo: a.Memo}
	}
	return nil
}

func storedMarker(e *apihistory.HistoryEvent) history.Attributes {
	switch a := e.Attributes.(type) {
	case *apihistory.MarkerRecordedEventAttributes:
		out := &history.MarkerRecorded{Name: a.MarkerName, ID: a.Id, Version: a.Version, Call: a.Call, Failure: a.Failure,
			Summary: a.Summary, Result: a.Details[detailKey(a.MarkerName)]}
		if l := a.LocalActivity; l != nil {
			out.Local = &history.LocalActivity{Type: l.ActivityType.GetName(), Attempt: l.Attempt, Time: l.Time.UTC(),
				Backoff: millis(l.Backoff), Retry: l.RetryState}
		}
		return out
	case *apihistory.UpsertWorkflowSearchAttributesEventAttributes:
		return &history.UpsertWorkflowSearchAttributes{Search: a.SearchAttributes}
	case *apihistory.WorkflowPropertiesModifiedEventAttributes:
		return &history.WorkflowPropertiesModified{Memo: a.UpsertedMemo}
	}
	return nil
}
