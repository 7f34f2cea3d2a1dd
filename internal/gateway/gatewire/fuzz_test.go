package gatewire

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

const someRun = "0191b0c0-0000-7000-8000-000000000001"

// requests are one of each type of request, as clients and workers send them.
func requests() []any {
	payloads := &common.Payloads{Payloads: []*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte("7")}}}
	header := &common.Header{Fields: map[string]*common.Payload{"trace": payloads.Payloads[0]}}
	run := Run{WorkflowID: "order-7", RunID: someRun}
	cancel := CancelRequest{Run: run, ID: "c", Reason: "late", FirstRunID: someRun}
	return []any{
		&StartRequest{Run: run, Type: "Order", Input: payloads, Header: header, Memo: &common.Memo{Fields: header.Fields},
			SearchAttributes: &common.SearchAttributes{IndexedFields: header.Fields}, ExecutionTimeoutMillis: 1, RunTimeoutMillis: 2, TaskTimeoutMillis: 3,
			RetryPolicy:  &RetryPolicy{InitialIntervalMillis: 1000, BackoffCoefficient: 2, MaximumAttempts: 3, NonRetryable: []string{"E"}},
			CronSchedule: "CRON_TZ=Asia/Tokyo 0 9 * * 1", ReusePolicy: 1, ConflictPolicy: 2, Signal: &SignalBody{ID: "s", Name: "n", Input: payloads}},
		&SignalRequest{Run: run, SignalBody: SignalBody{ID: "s", Name: "approve", Input: payloads, Header: header, Identity: "Ann"}},
		&cancel, &TerminateRequest{CancelRequest: cancel, Details: payloads},
		&QueryRequest{Run: run, Type: "status", Args: payloads, Header: header, Reject: 1},
		&UpdateRequest{Run: run, ID: "u", Name: "set", Input: payloads, Header: header, Stage: 3, WaitMillis: 1000},
		&OutcomeRequest{Run: run, ID: "u", WaitMillis: 1000}, &run, &ResultRequest{Run: run, WaitMillis: 1000},
		&PollRequest{Identity: "w", WaitMillis: 1000, LeaseMillis: 2000, Types: []string{"Pay"}},
		&CompleteRequest{Token: []byte("token"), Failure: &failure.Failure{Message: "m", Cause: &failure.Failure{
			ApplicationFailureInfo: &failure.ApplicationFailureInfo{Type: "T", Details: payloads}}}},
		&HeartbeatRequest{Token: []byte("token"), Details: payloads, Beat: true},
	}
}

// FuzzDecode reads any bytes as each request. What is taken can be sent again and means the same, and a start that is
// taken can be stored, or is refused in words.
func FuzzDecode(f *testing.F) {
	for _, r := range requests() {
		data, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{``, `{}`, `null`, `[]`, `{"input":{"payloads":[null]}}`, `{"failure":{"cause":{"cause":null}}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, r := range newRequests() {
			if Decode(data, r) != nil {
				continue
			}
			sent, err := json.Marshal(r)
			if err != nil {
				t.Fatalf("%T: what was taken cannot be sent: %v", r, err)
			}
			again := newRequestLike(r)
			if err := Decode(sent, again); err != nil {
				t.Fatalf("%T: what was taken is refused when it is sent again: %v\n%s", r, err, sent)
			}
			if twice, err := json.Marshal(again); err != nil || !bytes.Equal(twice, sent) {
				t.Fatalf("%T: %s becomes %s, %v", r, sent, twice, err)
			}
			use(t, r)
		}
	})
}

func newRequestLike(r any) any { return reflect.New(reflect.TypeOf(r).Elem()).Interface() }

func newRequests() (list []any) {
	for _, r := range requests() {
		list = append(list, newRequestLike(r))
	}
	return list
}

// use does with a request what a gateway does before it asks the broker for anything.
func use(t *testing.T, request any) {
	switch r := request.(type) {
	case *StartRequest:
		start, err := r.Start("main", time.UnixMilli(1_700_000_000_000))
		if err != nil {
			return
		}
		data, err := history.Encode(start)
		if err == nil {
			_, err = history.DecodeStart(data)
		}
		if err != nil {
			t.Fatalf("a start that was taken cannot be stored: %v", err)
		}
	case *PollRequest:
		if d := r.Lease(); d < MinLease || d > MaxLease {
			t.Errorf("lease of %v", d)
		}
	}
}

// FuzzReply reads any bytes as the task that a worker of an untrusted tenant is given.
func FuzzReply(f *testing.F) {
	data, err := json.Marshal(&PollReply{Token: []byte("t"), Run: Run{WorkflowID: "w", RunID: someRun}, ActivityType: "Pay", Attempt: 2,
		Scheduled: time.UnixMilli(1).UTC(), StartToCloseMillis: 1000, RetryPolicy: &RetryPolicy{MaximumAttempts: 3}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var r PollReply
		if json.Unmarshal(data, &r) != nil {
			return
		}
		task := r.Task("main")
		_ = PollReplyOf(task, r.Attempt)
		if _, err := history.Encode(task); err != nil {
			t.Error(err)
		}
	})
}

// FuzzOpen takes any bytes for a token. Only what the sealer has sealed is opened.
func FuzzOpen(f *testing.F) {
	sealer := NewSealer([]byte("key"))
	id := LeaseID{Gateway: uuid.MustParse(someRun), Lease: uuid.MustParse(someRun)}
	sealed, err := sealer.Seal(id, &history.TaskToken{Namespace: "acme", Queue: "main"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:headSize])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = Peek(data)
		if _, _, err := sealer.Open(data, "acme", "main"); (err == nil) != bytes.Equal(data, sealed) {
			t.Errorf("%x: %v", data, err)
		}
		// What the MAC protects must be safe to read as well: the key may be another's.
		own := append(sealer.mac(data), data...)
		_, _, _ = sealer.Open(own, "acme", "main")
	})
}
