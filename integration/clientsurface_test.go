package integration

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// waiting returns when it is canceled.
func waiting(ctx workflow.Context) error { ctx.Done().Receive(ctx, nil); return ctx.Err() }

func TestALazyClientConnectsWhenItIsUsed(t *testing.T) {
	e := newEngine(t)
	nowhere, err := client.NewLazyClient(client.Options{HostPort: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nowhere.CheckHealth(e.ctx, &client.CheckHealthRequest{}); err == nil {
		t.Error("a server that does not exist is healthy")
	}
	nowhere.Close()
	_, err = nowhere.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{}, "W")
	as[*serviceerror.Unavailable](e, err)

	lazy, err := client.NewLazyClient(client.Options{HostPort: e.url})
	if err != nil {
		t.Fatal(err)
	}
	defer lazy.Close()
	e.workOn(lazy, queue, worker.Options{}, func(w worker.Worker) { register(w, code{"Cart": cart}, nil) })
	run, err := lazy.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: "cart", TaskQueue: queue}, "Cart")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := client.NewLazyClient(client.Options{HostPort: e.url})
	defer again.Close()
	h := again.GetWorkflowUpdateHandle(client.GetWorkflowUpdateHandleOptions{WorkflowID: "cart", UpdateID: "u"})
	as[*serviceerror.NotFound](e, h.Get(e.ctx, nil))
	handle := again.GetWorkflow(e.ctx, "cart", "")
	if handle.GetRunID() != "" || handle.GetFirstExecutionRunID() != "" {
		t.Errorf("run %q before it was looked for", handle.GetRunID())
	}
	e.signal("cart", "checkout", nil)
	if err := handle.Get(e.ctx, nil); err != nil || handle.GetRunID() != run.GetRunID() {
		t.Errorf("run %q, %v", handle.GetRunID(), err)
	}
	third, err := client.NewClientFromExisting(again, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if it := third.GetWorkflowHistory(e.ctx, "cart", "", false, enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT); !it.HasNext() {
		t.Error("no closing event")
	}
}

func TestRequestsToAChainOfRuns(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"Waiting": waiting}, nil)
	run := e.execute("w", "Waiting")
	err := e.client.CancelWorkflowWithOptions(e.ctx, client.CancelWorkflowOptions{WorkflowID: "w", FirstExecutionRunID: "other", Reason: "no"})
	as[*serviceerror.NotFound](e, err)
	if err := e.client.CancelWorkflowWithOptions(e.ctx, client.CancelWorkflowOptions{WorkflowID: "w", RunID: "not used",
		FirstExecutionRunID: run.GetFirstExecutionRunID(), Reason: "enough"}); err != nil {
		t.Fatal(err)
	}
	as[*millrace.CanceledError](e, e.failure(run))
	reason := ""
	for _, ev := range e.history("w") {
		if a := ev.GetWorkflowExecutionCancelRequestedEventAttributes(); a != nil {
			reason = a.Cause
		}
	}
	if reason != "enough" {
		t.Errorf("reason %q", reason)
	}
}

func TestActivitiesAreCompletedWithOptions(t *testing.T) {
	e := newEngine(t)
	tokens := make(chan []byte, 2)
	wf := func(ctx workflow.Context) ([]string, error) {
		var one, two string
		a := workflow.ExecuteActivity(quick(ctx), "Later")
		if err := a.Get(ctx, &one); err != nil {
			return nil, err
		}
		o := workflow.GetActivityOptions(quick(ctx))
		o.ActivityID = "second"
		err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), "Later").Get(ctx, &two)
		return []string{one, two}, err
	}
	e.serve(code{"W": wf}, code{"Later": func(ctx context.Context) (string, error) {
		tokens <- activity.GetInfo(ctx).TaskToken
		return "", activity.ErrResultPending
	}})
	run := e.execute("w", "W")
	token := receive(e, tokens, "the first activity")
	if err := e.client.RecordActivityHeartbeatWithOptions(e.ctx, client.RecordActivityHeartbeatOptions{TaskToken: token, Details: []any{1}}); err != nil {
		t.Error(err)
	}
	if err := e.client.CompleteActivityWithOptions(e.ctx, client.CompleteActivityOptions{TaskToken: token, Result: "a"}); err != nil {
		t.Fatal(err)
	}
	receive(e, tokens, "the second activity")
	if err := e.client.RecordActivityHeartbeatByIDWithOptions(e.ctx, client.RecordActivityHeartbeatByIDOptions{WorkflowID: "w", ActivityID: "second"}); err != nil {
		t.Error(err)
	}
	if err := e.client.CompleteActivityByIDWithOptions(e.ctx, client.CompleteActivityByIDOptions{WorkflowID: "w", ActivityID: "second", Result: "b"}); err != nil {
		t.Fatal(err)
	}
	if got := result[[]string](e, run); strings.Join(got, "") != "ab" {
		t.Errorf("results %v", got)
	}
}

func TestAPIKeysAreTokensOfNATS(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: "secret", JetStream: true, StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("no server")
	}
	for name, test := range map[string]struct {
		credentials client.Credentials
		reaches     bool
	}{
		"none":    {nil, false},
		"wrong":   {client.NewAPIKeyStaticCredentials("guess"), false},
		"static":  {client.NewAPIKeyStaticCredentials("secret"), true},
		"dynamic": {client.NewAPIKeyDynamicCredentials(func(context.Context) (string, error) { return "secret", nil }), true},
		"failing": {client.NewAPIKeyDynamicCredentials(func(context.Context) (string, error) { return "secret", context.Canceled }), false},
	} {
		_, err := client.Dial(client.Options{HostPort: s.ClientURL(), Credentials: test.credentials})
		var missing *serviceerror.NamespaceNotFound // whoever is let in is told that there is none
		if reaches := errors.As(err, &missing); reaches != test.reaches {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = client.Dial(client.Options{HostPort: s.ClientURL(), Credentials: client.NewMTLSCredentials(tls.Certificate{}),
		ConnectionOptions: client.ConnectionOptions{TLS: &tls.Config{Certificates: []tls.Certificate{{}}}}})
	var invalid *serviceerror.InvalidArgument
	if !errors.As(err, &invalid) {
		t.Errorf("two client certificates: %v", err)
	}
}

func TestHistoryFromJSON(t *testing.T) {
	e := newEngine(t)
	e.serve(code{"Cart": cart}, nil)
	run := e.execute("cart", "Cart")
	e.update(client.UpdateWorkflowOptions{WorkflowID: "cart", UpdateName: "add", Args: []any{"hat"}})
	e.signal("cart", "checkout", nil)
	result[[]string](e, run)
	data, err := json.Marshal(&apihistory.History{Events: e.history("cart")})
	if err != nil {
		t.Fatal(err)
	}
	h, err := client.HistoryFromJSON(strings.NewReader(string(data)), client.HistoryJSONOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.replayer.ReplayWorkflowHistory(testLog{t}, h); err != nil {
		t.Error(err)
	}
	h, err = client.HistoryFromJSON(strings.NewReader(string(data)), client.HistoryJSONOptions{LastEventID: 2})
	if err != nil || len(h.Events) != 2 {
		t.Fatalf("%d events, %v", len(h.Events), err)
	}
	a := h.Events[1].GetWorkflowExecutionUpdateAcceptedEventAttributes()
	if a == nil {
		t.Fatalf("event 2 is %v", h.Events[1].EventType)
	}
	var item string
	if err := client.NewValue(a.AcceptedRequest.Input.Args).Get(&item); err != nil || item != "hat" {
		t.Errorf("%q, %v", item, err)
	}
	if err := client.NewValues(a.AcceptedRequest.Input.Args).Get(&item); err != nil || item != "hat" {
		t.Errorf("%q, %v", item, err)
	}
	if _, err := client.HistoryFromJSON(strings.NewReader("no"), client.HistoryJSONOptions{}); err == nil {
		t.Error("no history is one")
	}
}
