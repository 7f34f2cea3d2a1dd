package history

import (
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/common"
)

// benchRecords are the records of a run with one activity, with names and values as long as they usually are.
func benchRecords() map[string]record {
	payloads := func(text string) *common.Payloads {
		return &common.Payloads{Payloads: []*common.Payload{
			{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(text)},
		}}
	}
	const identity = "4711@host@orders"
	run := Run{WorkflowID: "order-7c9e6679-7425-40de", RunID: "01912d68-783e-7a3c-8467-6cb9c5ac1f9c"}
	address := Address{Run: run, Queue: "orders"}
	now := time.Date(2030, 5, 6, 7, 8, 9, 123456789, time.UTC)
	policy := &RetryPolicy{InitialInterval: 1000, BackoffCoefficient: 2, MaximumInterval: 100000}
	return map[string]record{
		"start": &Start{
			Run: address, Type: "ProcessOrder", Input: payloads(`{"customer":17,"items":["a","b"]}`), Time: now,
			TaskTimeout: 10000, Attempt: 1, Identity: identity, RequestID: "9b2d7c1e-8e0b-4a6e-bb62-0d5c5ad4f6a1",
		},
		"transition": &Transition{
			RunID: run.RunID, Number: 2, CommitID: "c0ffee00c0ffee00", Previous: 81234, PreviousHash: []byte("8bytes!!"),
			Cover: "a2:1", Time: now, Consumed: []string{"a2:1"},
			Events: []Event{
				NewEvent(3, &ActivityTaskCompleted{
					ActivityEnd: ActivityEnd{Scheduled: 2, Attempt: 1, Identity: identity, Started: now}, Result: payloads(`"ok"`),
				}),
				NewEvent(4, &ActivityTaskScheduled{
					ActivityID: "4", Type: "Charge", Queue: "orders", Input: payloads(`17`), StartToClose: 60000, RetryPolicy: policy,
				}),
				NewEvent(5, &TimerStarted{Timeout: 60000, Due: now.Add(time.Minute)}),
			},
		},
		"task": &Task{
			Run: address, WorkflowType: "ProcessOrder", Event: 4, ActivityID: "4", Type: "Charge", Queue: "orders",
			Input: payloads(`17`), Scheduled: now, StartToClose: 60000, RetryPolicy: policy, FirstAttempt: 1,
		},
		"message": &Message{ID: "1", Activity: &ActivityResult{
			Scheduled: 4, Attempt: 1, Result: payloads(`"ok"`), Identity: identity, Started: now,
		}},
	}
}

func BenchmarkEncode(b *testing.B) {
	for kind, r := range benchRecords() {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				data, err := Encode(r)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(data)))
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for kind, r := range benchRecords() {
		_, decode := newRecords[kind]()
		data := encode(b, r)
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A failure is what nests and what is read least often.
func BenchmarkDecodeEveryEvent(b *testing.B) {
	data := encode(b, sampleRecord("transition"))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeTransition(data); err != nil {
			b.Fatal(err)
		}
	}
}
