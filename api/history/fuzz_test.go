package history

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"
)

// FuzzHistory reads any JSON as a history. What is read can be written, and reads as the same.
func FuzzHistory(f *testing.F) {
	var all History
	for kind := range constructors() {
		all.Events = append(all.Events, &HistoryEvent{EventId: int64(kind), EventType: kind, EventTime: time.UnixMilli(1).UTC(), Attributes: newAttributes(kind)})
	}
	data, err := json.Marshal(&all)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for _, text := range []string{
		`{"events":[{"eventId":1,"eventType":"EVENT_TYPE_TIMER_STARTED","timerStartedEventAttributes":{"startToFireTimeout":"1m0.5s"}},null]}`,
		`{"events":[{"eventType":"TimerFired","timerFiredEventAttributes":null,"emptyTransitions":[{}]}]}`,
		`{"events":[{"eventType":"WorkflowExecutionFailed","workflowExecutionFailedEventAttributes":{"failure":{"cause":{"cause":{}}}}}]}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second History
		if json.Unmarshal(data, &first) != nil {
			return
		}
		stored, err := json.Marshal(&first)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if err := json.Unmarshal(stored, &second); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if again, err := json.Marshal(&second); err != nil || !bytes.Equal(again, stored) {
			t.Fatalf("%s became %s, %v", stored, again, err)
		}
	})
}
