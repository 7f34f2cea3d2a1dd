package gateway_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/internal/gateway"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/security"
)

// FuzzRequests sends any body under any verb to a gateway. Each gets an answer: it is carried out, or refused in words and
// under a code.
func FuzzRequests(f *testing.F) {
	const id = "0191b0c0-0000-7000-8000-000000000001"
	seeds := map[gatewire.Verb]string{
		gatewire.Start:           `{"workflowId":"w","runId":"` + id + `","type":"T","retryPolicy":{},"memo":{"fields":{}}}`,
		gatewire.SignalWithStart: `{"workflowId":"w","runId":"` + id + `","type":"T","signal":{"id":"s","name":"n"}}`,
		gatewire.Signal:          `{"workflowId":"w","id":"s","name":"n","input":{"payloads":[{"data":"Nw=="}]}}`,
		gatewire.Cancel:          `{"workflowId":"w","runId":"` + id + `","id":"c","firstRunId":"` + id + `"}`,
		gatewire.Terminate:       `{"workflowId":"w","id":"t","details":{}}`,
		gatewire.Update:          `{"workflowId":"w","id":"u","name":"n","stage":1}`,
		gatewire.Outcome:         `{"workflowId":"w","id":"u"}`,
		gatewire.Describe:        `{"workflowId":"w"}`,
		gatewire.Result:          `{"workflowId":"w"}`,
		gatewire.Poll:            `{"types":["T"],"leaseMillis":1000}`,
		gatewire.Complete:        `{"token":"` + id + `","failure":{"message":"m"}}`,
		gatewire.Heartbeat:       `{"token":"AAAA","details":{"payloads":[]}}`,
	}
	for i, verb := range gatewire.Verbs() {
		f.Add(uint8(i), []byte(seeds[verb]))
		f.Add(uint8(i), []byte("{"))
	}
	x := setup(f)
	x.serve("acme", gateway.Limits{RequestsPerSecond: 1e9})
	users := map[bool]security.User{false: alice, true: walt}
	connected := map[bool]func(subject string, body []byte) ([]byte, error){}
	for worker, user := range users {
		nc := x.server.Connect(user, nil)
		connected[worker] = func(subject string, body []byte) ([]byte, error) {
			// A request may be to wait for half a minute.
			answer, err := nc.Request(subject, body, time.Minute)
			if err != nil {
				return nil, err
			}
			return answer.Data, nil
		}
	}
	f.Fuzz(func(t *testing.T, number uint8, body []byte) {
		verbs := gatewire.Verbs()
		verb := verbs[int(number)%len(verbs)]
		subject := "millrace.acme.gateway." + string(verb)
		if verb.Queued() {
			subject += ".pay"
		}
		if verb == gatewire.Query {
			return // with no worker there is nobody who answers
		}
		ofWorker := verb == gatewire.Poll || verb == gatewire.Complete || verb == gatewire.Heartbeat
		answer, err := connected[ofWorker](subject, body)
		if err != nil {
			t.Fatalf("%s %q: %v", verb, body, err)
		}
		var reply struct{ Error *gatewire.Error }
		if err := json.Unmarshal(answer, &reply); err != nil {
			t.Fatalf("%s %q is answered with %q: %v", verb, body, answer, err)
		}
		if e := reply.Error; e != nil && (e.Message == "" || fmt.Sprint(e.Code) == "" || e.Code == gatewire.Unavailable || e.Code == gatewire.Unimplemented) {
			t.Errorf("%s %q: %+v", verb, body, e)
		}
	})
}
