package integration

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/converter/encryption"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// secret is in every payload of the test.
const secret = "plaintext-that-nobody-may-read"

// encrypted are client options with which nothing is accepted that is not encrypted for its place.
func encrypted(t *testing.T) client.Options {
	t.Helper()
	keys, err := encryption.NewKeyRing("k", map[string][]byte{"k": bytes.Repeat([]byte{7}, encryption.KeySize)})
	if err != nil {
		t.Fatal(err)
	}
	dc := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), encryption.NewCodec(keys, encryption.Options{}))
	return client.Options{DataConverter: dc, FailureConverter: millrace.NewDefaultFailureConverter(
		millrace.DefaultFailureConverterOptions{DataConverter: dc, EncodeCommonAttributes: true})}
}

// TestEveryPayloadIsEncryptedForItsPlace: a codec that binds payloads to whose they are reads, wherever payloads are
// read, what it wrote wherever they are written; and the streams hold none in the clear.
func TestEveryPayloadIsEncryptedForItsPlace(t *testing.T) {
	e := newEngine(t)
	o := encrypted(t)
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{DataConverter: o.DataConverter, FailureConverter: o.FailureConverter})
	if err != nil {
		t.Fatal(err)
	}
	e.replayer = replayer
	c := e.dialWith(o)
	tokens := make(chan []byte, 1)
	e.workOn(e.dialWith(o), queue, worker.Options{DisableEagerActivities: true}, func(w worker.Worker) {
		register(w, code{"everything": everyPayload, "child": secretChild}, code{
			"echo": func(_ context.Context, s string) (string, error) { return s, nil },
			"beats": func(ctx context.Context) (string, error) {
				if !activity.HasHeartbeatDetails(ctx) {
					activity.RecordHeartbeat(ctx, secret)
					return "", errors.New("again")
				}
				var s string
				return s, activity.GetHeartbeatDetails(ctx, &s)
			},
			"fails": func(context.Context) error {
				return millrace.NewNonRetryableApplicationError(secret, "kind", nil, secret)
			},
			"later": func(ctx context.Context) (string, error) {
				tokens <- activity.GetInfo(ctx).TaskToken
				return "", activity.ErrResultPending
			},
		})
	})
	run, err := c.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: "w", TaskQueue: queue, Memo: map[string]any{"note": secret}}, "everything", secret, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CompleteActivity(e.ctx, receive(e, tokens, "the activity"), secret, nil); err != nil {
		t.Fatal(err)
	}
	var got string
	if value, err := c.QueryWorkflow(e.ctx, "w", "", "ask", secret); err != nil {
		t.Error(err)
	} else if err := value.Get(&got); err != nil || got != secret {
		t.Errorf("query: %q, %v", got, err)
	}
	update, err := c.UpdateWorkflow(e.ctx, client.UpdateWorkflowOptions{WorkflowID: "w", UpdateName: "change", Args: []any{secret},
		WaitForStage: client.WorkflowUpdateStageCompleted})
	if err != nil {
		t.Fatal(err)
	}
	if err := update.Get(e.ctx, &got); err != nil || got != secret {
		t.Errorf("update: %q, %v", got, err)
	}
	if err := c.SignalWorkflow(e.ctx, "w", "", "go", secret); err != nil {
		t.Fatal(err)
	}
	if err := run.Get(e.ctx, &got); err != nil || got != secret {
		t.Fatalf("result: %q, %v", got, err)
	}
	failed, err := c.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: "f", TaskQueue: queue}, "child", secret, true)
	if err != nil {
		t.Fatal(err)
	}
	var app *millrace.ApplicationError
	if err := failed.Get(e.ctx, nil); !errors.As(err, &app) || app.Message() != secret {
		t.Errorf("failure: %v", err)
	}
	wantNowhere(e, secret)
}

// secretChild returns what it gets, or fails with it.
func secretChild(_ workflow.Context, s string, fail bool) (string, error) {
	if fail {
		return "", millrace.NewApplicationError(s, "kind", s)
	}
	return s, nil
}

// everyPayload passes the secret through everything that carries payloads, and fails where it comes back changed.
func everyPayload(ctx workflow.Context, s string, generation int) (string, error) {
	if generation > 0 {
		return s, nil
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second, HeartbeatTimeout: 5 * time.Second,
		RetryPolicy: &millrace.RetryPolicy{InitialInterval: time.Millisecond}})
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: 10 * time.Second})
	var seen []string
	keep := func(get func(any) error) error {
		var s string
		err := get(&s)
		seen = append(seen, s)
		return err
	}
	later := workflow.ExecuteActivity(ctx, "later")
	if err := workflow.SetQueryHandler(ctx, "ask", func(q string) (string, error) { return q, nil }); err != nil {
		return "", err
	}
	if err := workflow.SetUpdateHandler(ctx, "change", func(_ workflow.Context, u string) (string, error) { return u, nil }); err != nil {
		return "", err
	}
	if err := workflow.UpsertMemo(ctx, map[string]any{"more": s}); err != nil {
		return "", err
	}
	err := errors.Join(
		keep(func(v any) error { return workflow.ExecuteActivity(ctx, "echo", s).Get(ctx, v) }),
		keep(func(v any) error { return workflow.ExecuteActivity(ctx, "beats").Get(ctx, v) }),
		keep(func(v any) error { return workflow.ExecuteLocalActivity(ctx, "echo", s).Get(ctx, v) }),
		keep(func(v any) error { return later.Get(ctx, v) }),
		keep(workflow.SideEffect(ctx, func(workflow.Context) any { return s }).Get),
		keep(func(v any) error { return workflow.ExecuteChildWorkflow(ctx, "child", s, false).Get(ctx, v) }),
		keep(func(v any) error {
			named := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "c", Memo: map[string]any{"note": s}})
			return workflow.ExecuteChildWorkflow(named, "child", s, false).Get(ctx, v)
		}),
		keep(func(v any) error { workflow.GetSignalChannel(ctx, "go").Receive(ctx, v); return nil }),
	)
	if err != nil {
		return "", err
	}
	for i, got := range seen {
		if got != s {
			return "", millrace.NewApplicationError("changed", "Changed", i, got)
		}
	}
	var app *millrace.ApplicationError
	if err := workflow.ExecuteActivity(ctx, "fails").Get(ctx, nil); !errors.As(err, &app) || app.Message() != s {
		return "", millrace.NewApplicationError("failure of an activity", "Changed", err.Error())
	}
	if err := workflow.ExecuteChildWorkflow(ctx, "child", s, true).Get(ctx, nil); !errors.As(err, &app) || app.Message() != s {
		return "", millrace.NewApplicationError("failure of a child", "Changed", err.Error())
	}
	return "", workflow.NewContinueAsNewError(ctx, "everything", s, 1)
}

// wantNowhere looks for text in every message that the server stores.
func wantNowhere(e *engine, text string) {
	e.Helper()
	nc, err := nats.Connect(e.url)
	if err != nil {
		e.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		e.Fatal(err)
	}
	messages := 0
	for info := range js.ListStreams(e.ctx).Info() {
		s, err := js.Stream(e.ctx, info.Config.Name)
		if err != nil {
			e.Fatal(err)
		}
		for seq := max(info.State.FirstSeq, 1); seq <= info.State.LastSeq; seq++ {
			m, err := s.GetMsg(e.ctx, seq)
			if errors.Is(err, jetstream.ErrMsgNotFound) {
				continue
			}
			if err != nil {
				e.Fatal(err)
			}
			messages++
			if bytes.Contains(m.Data, []byte(text)) {
				e.Errorf("message %d of %s, on %s, has it in the clear", seq, info.Config.Name, m.Subject)
			}
		}
	}
	if messages < 20 {
		e.Errorf("%d messages are stored", messages)
	}
}
