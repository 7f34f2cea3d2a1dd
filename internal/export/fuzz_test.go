package export

import (
	"encoding/json"
	"testing"

	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/history"
)

// FuzzTransitions reads histories from any JSON. What it accepts is a history: it can be exported and read again.
func FuzzTransitions(f *testing.F) {
	x, first := NewExporter(fullStart())
	events := []*apihistory.HistoryEvent{first}
	for i, a := range kinds() {
		filler := &filler{n: int64(i)}
		events = append(events, x.Add(&history.Transition{Number: uint64(i + 1), Events: []history.Event{history.NewEvent(int64(i+2), filler.attributes(a))}})...)
	}
	data, err := json.Marshal(&apihistory.History{Events: events})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"events": [null]}`))
	f.Add([]byte(`{"events": [{"eventId": "1", "eventType": "WorkflowExecutionStarted"}, null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var h apihistory.History
		if json.Unmarshal(data, &h) != nil {
			return
		}
		start, transitions, err := Transitions(h.Events)
		if err != nil {
			return
		}
		if _, _, err := Transitions(Events(start, transitions)); err != nil {
			t.Errorf("what was read cannot be read again: %v", err)
		}
	})
}
