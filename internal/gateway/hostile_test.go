package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/gateway"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
)

// request asks as another language would.
func (f *fixture) request(nc *nats.Conn, subject, body string) map[string]any {
	f.Helper()
	answer, err := nc.Request(subject, []byte(body), 10*time.Second)
	if err != nil {
		f.Fatalf("%s: %v", subject, err)
	}
	var reply map[string]any
	f.ok(json.Unmarshal(answer.Data, &reply))
	return reply
}

func codeOf(reply map[string]any) string {
	e, _ := reply["error"].(map[string]any)
	code, _ := e["code"].(string)
	return code
}

// reference is a payload that refers to one that is stored elsewhere.
var reference = func() string {
	data, err := json.Marshal(common.Payloads{Payloads: []*common.Payload{{Metadata: map[string][]byte{
		converter.MetadataEncoding: []byte("json/external-storage-reference")}}}})
	if err != nil {
		return err.Error()
	}
	return string(data)
}()

func TestRequestsRepeatedHaveNoSecondEffect(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serveWorkflows("acme")
	nc := f.server.Connect(alice, nil)
	runID := uuid.NewString()
	for range 3 {
		reply := f.request(nc, "millrace.acme.gateway.start.main", fmt.Sprintf(`{"workflowId": "w", "runId": %q, "type": "conversation"}`, runID))
		if reply["runId"] != runID {
			t.Errorf("start answers %v", reply)
		}
		if code := codeOf(f.request(nc, "millrace.acme.gateway.signal", `{"workflowId": "w", "id": "s1", "name": "hear",
			"input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "Im9uY2Ui"}]}}`)); code != "" {
			t.Errorf("signal: %s", code)
		}
	}
	v, err := f.tenant(alice).QueryWorkflow(f.ctx, "w", "", "said", "")
	f.ok(err)
	var said []string
	f.ok(v.Get(&said))
	if len(said) != 1 || said[0] != "once" {
		t.Errorf("said %v", said)
	}
	f.ok(f.tenant(alice).TerminateWorkflow(f.ctx, "w", "", ""))
}

func TestWhatMustNotComeFromOutsideIsRefused(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	nc := f.server.Connect(alice, nil)
	id := uuid.NewString()
	start := func(rest string) string {
		return fmt.Sprintf(`{"workflowId": "w", "runId": %q, "type": "T"%s}`, id, rest)
	}
	for _, x := range []struct{ subject, body, code string }{
		{"start.main", `{`, "invalid"},
		{"start.main", start("") + "{}", "invalid"},
		{"start.main", start(`, "namespace": "bolt"`), "invalid"},
		{"start.main", start(`, "queue": "other"`), "invalid"},
		{"start.main", start(`, "parent": {}`), "invalid"},
		{"start.main", start(`, "input": {"payloads": [null]}`), "invalid"},
		{"start.main", start(`, "memo": {"fields": {"a": null}}`), "invalid"},
		{"start.main", start(`, "executionTimeoutMillis": -1`), "invalid"},
		{"start.main", start(`, "executionTimeoutMillis": 9000000000000000000`), "invalid"},
		{"start.main", start(`, "retryPolicy": {"backoffCoefficient": 0.5}`), "invalid"},
		{"start.main", start(`, "cronSchedule": "often"`), "invalid"},
		{"start.main", `{"workflowId": "w", "runId": "r", "type": "T"}`, "invalid"},
		{"start.main", `{"workflowId": "", "runId": "` + id + `", "type": "T"}`, "invalid"},
		{"start.main", `{"workflowId": "w", "runId": "` + id + `"}`, "invalid"},
		{"start.main", start(`, "staticDetails": "` + strings.Repeat("x", 950<<10) + `"`), "invalid"},
		{"start.main", `{"workflowId": "millrace-schedule:s", "runId": "` + id + `", "type": "T"}`, "denied"},
		{"start.millrace-system", start(""), "denied"},
		{"signal", `{"workflowId": "millrace-schedule:s", "id": "1", "name": "x"}`, "denied"},
		{"signal", `{"workflowId": "w", "name": "x"}`, "invalid"},
		{"signal", `{"workflowId": "nobody", "id": "1", "name": "x"}`, "not_found"},
		{"update", `{"workflowId": "w", "id": "1", "name": "x", "stage": 7}`, "invalid"},
		{"terminate", `{"workflowId": "nobody", "id": "1"}`, "not_found"},
		{"result", `{"workflowId": "nobody"}`, "not_found"},
	} {
		if code := codeOf(f.request(nc, "millrace.acme.gateway."+x.subject, x.body)); code != x.code {
			t.Errorf("%s %.120s: %q, should be %q", x.subject, x.body, code, x.code)
		}
	}
	var r gatewire.SignalRequest
	if err := gatewire.Decode([]byte(`{"workflowId": "w", "id": "1", "name": "x", "input": `+reference+`}`), &r); err == nil {
		t.Error("a reference to a stored payload is taken")
	}
}

func TestATenantSeesNothingOfAnother(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	f.serve("bolt", gateway.Limits{})
	f.serveWorkflows("acme")
	g := newGate()
	run := f.order("secret")
	// Bob asks in his own namespace: nothing is there. In the other's he is not heard.
	c := f.tenant(bob)
	if _, err := c.DescribeWorkflow(f.ctx, "secret", run.GetRunID()); !isA[*serviceerror.NotFound](err) {
		t.Errorf("describe: %v", err)
	}
	if err := c.GetWorkflow(f.ctx, "secret", run.GetRunID()).Get(f.ctx, nil); !isA[*serviceerror.NotFound](err) {
		t.Errorf("get: %v", err)
	}
	other := f.dial(client.Options{Namespace: "acme", Gateway: &client.GatewayOptions{InboxPrefix: bob.InboxPrefix()}}, bob)
	if _, err := other.CheckHealth(f.ctx, nil); !isA[*serviceerror.PermissionDenied](err) {
		t.Errorf("health of another's gateway: %v", err)
	}
	// A worker of the other tenant waits on the queue of the same name, and gets nothing.
	nc := f.server.Connect(wendy, nil)
	if reply := f.request(nc, "millrace.bolt.gateway.poll.pay", `{"waitMillis": 1000}`); len(reply) != 0 {
		t.Errorf("another tenant's worker gets %v", reply)
	}
	f.serveActivity(g.pay)
	close(g.open)
	if got := f.result(run); got != "paid secret" {
		t.Errorf("result is %q", got)
	}
}

func TestATenantThatAsksForTooMuchIsTold(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{Requests: 2, Queues: 1})
	nc := f.server.Connect(walt, nil)
	var subs []*nats.Subscription
	for range 2 {
		inbox := nc.NewInbox()
		sub, err := nc.SubscribeSync(inbox)
		f.ok(err)
		subs = append(subs, sub)
		f.ok(nc.PublishRequest("millrace.acme.gateway.poll.pay", inbox, []byte(`{"waitMillis": 1000}`)))
	}
	if code := codeOf(f.request(nc, "millrace.acme.gateway.poll.pay", `{}`)); code != "busy" {
		t.Errorf("third request at a time: %q", code)
	}
	for _, sub := range subs {
		if _, err := sub.NextMsg(5 * time.Second); err != nil {
			t.Error(err)
		}
	}
	if code := codeOf(f.request(nc, "millrace.acme.gateway.poll.main", `{}`)); code != "busy" {
		t.Errorf("second queue: %q", code)
	}
	f.serve("bolt", gateway.Limits{RequestsPerSecond: 1})
	nc = f.server.Connect(bob, nil)
	f.request(nc, "millrace.bolt.gateway.info", "")
	if code := codeOf(f.request(nc, "millrace.bolt.gateway.info", "")); code != "busy" {
		t.Errorf("second request in a second: %q", code)
	}
}
