package workflow_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// diary is an interceptor that writes down what it sees, and marks what goes out.
type diary struct {
	workflow.InboundInterceptorBase
	lines *[]string
}

func (d *diary) note(format string, args ...any) {
	*d.lines = append(*d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) Init(outbound workflow.OutboundInterceptor) error {
	return d.Next.Init(&diaryOut{OutboundInterceptorBase: workflow.OutboundInterceptorBase{Next: outbound}, diary: d})
}

func (d *diary) ExecuteWorkflow(ctx workflow.Context, in *workflow.ExecuteWorkflowInput) (interface{}, error) {
	d.note("execute %v %s", in.Args, text(workflow.Header(ctx)["trace"]))
	in.Args[0] = "changed " + in.Args[0].(string)
	result, err := d.Next.ExecuteWorkflow(ctx, in)
	d.note("executed %v %v", result, err)
	return result, err
}

func (d *diary) HandleSignal(ctx workflow.Context, in *workflow.HandleSignalInput) error {
	d.note("signal %s %s", in.SignalName, text(workflow.Header(ctx)["trace"]))
	return d.Next.HandleSignal(ctx, in)
}

func (d *diary) HandleQuery(ctx workflow.Context, in *workflow.HandleQueryInput) (interface{}, error) {
	answer, err := d.Next.HandleQuery(ctx, in)
	d.note("query %s %v %s", in.QueryType, in.Args, text(workflow.Header(ctx)["trace"]))
	return answer, err
}

type diaryOut struct {
	workflow.OutboundInterceptorBase
	diary *diary
}

func (d *diaryOut) ExecuteActivity(ctx workflow.Context, activityType string, args ...interface{}) workflow.Future {
	d.diary.note("activity %s %v", activityType, args)
	workflow.Header(ctx).Set("trace", payload("from workflow"))
	return d.Next.ExecuteActivity(ctx, activityType, args...)
}

func (d *diaryOut) Sleep(ctx workflow.Context, duration time.Duration) error {
	d.diary.note("sleep %v", duration)
	return d.Next.Sleep(ctx, duration)
}

func payload(s string) *common.Payload { return &common.Payload{Data: []byte(s)} }

func text(p *common.Payload) string {
	if p == nil {
		return "nothing"
	}
	return string(p.Data)
}

func intercepted(lines *[]string) option {
	return func(_ *harness, o *workflow.DefinitionOptions) {
		o.Intercept = func(_ workflow.Context, next workflow.InboundInterceptor) workflow.InboundInterceptor {
			return &diary{InboundInterceptorBase: workflow.InboundInterceptorBase{Next: next}, lines: lines}
		}
	}
}

func marked(h *harness, _ *workflow.DefinitionOptions) {
	h.start.Header = &common.Header{Fields: map[string]*common.Payload{"trace": payload("from start")}}
}

func TestInterceptorsSeeWhatComesInAndGoesOut(t *testing.T) {
	var lines []string
	h := newHarness(t, func(ctx workflow.Context, name string) (string, error) {
		if err := workflow.SetQueryHandler(ctx, "name", func(prefix string) (string, error) { return prefix + name, nil }); err != nil {
			return "", err
		}
		var greeting, from string
		if err := workflow.ExecuteActivity(withActivities(ctx), "greet", name).Get(ctx, &greeting); err != nil {
			return "", err
		}
		workflow.GetSignalChannel(ctx, "from").Receive(ctx, &from)
		if err := workflow.Sleep(ctx, time.Minute); err != nil {
			return "", err
		}
		return greeting + " from " + from, nil
	}, []any{"Ann"}, marked, intercepted(&lines))
	h.step()
	signal := h.signal("from", "Bob")
	signal.Signal.Header = &common.Header{Fields: map[string]*common.Payload{"trace": payload("from signal")}}
	h.step(h.completed("greet", "hello"), signal)
	if _, err := h.m.QueryWithHeader("name", payloads(t, "my "),
		&common.Header{Fields: map[string]*common.Payload{"trace": payload("from query")}}); err != nil {
		t.Fatal(err)
	}
	h.advance(time.Minute)
	wantResult(h, "hello from Bob")
	if d := cmp.Diff(strings.Join([]string{
		"execute [Ann] from start",
		"activity greet [changed Ann]",
		"signal from from signal",
		"sleep 1m0s",
		"query name [my ] from query",
		"executed hello from Bob <nil>",
	}, "\n"), strings.Join(lines, "\n")); d != "" {
		t.Errorf("diary differs (-want +got):\n%s", d)
	}
	_, scheduled := last[*history.ActivityTaskScheduled](h)
	if got := text(scheduled.Header.GetFields()["trace"]); got != "from workflow" {
		t.Errorf("the activity's header says %q", got)
	}
}

func TestInterceptorThatPassesWrongArgumentsFailsTheWorkflow(t *testing.T) {
	h := newHarness(t, func(workflow.Context, string) error { return nil }, []any{"Ann"},
		func(_ *harness, o *workflow.DefinitionOptions) {
			o.Intercept = func(_ workflow.Context, next workflow.InboundInterceptor) workflow.InboundInterceptor {
				return &careless{workflow.InboundInterceptorBase{Next: next}}
			}
		})
	h.step()
	if err := h.err(); err == nil || !strings.Contains(err.Error(), "passes a int as argument 1") {
		t.Errorf("error is %v", err)
	}
}

type careless struct {
	workflow.InboundInterceptorBase
}

func (c *careless) ExecuteWorkflow(ctx workflow.Context, _ *workflow.ExecuteWorkflowInput) (interface{}, error) {
	return c.Next.ExecuteWorkflow(ctx, &workflow.ExecuteWorkflowInput{Args: []interface{}{7}})
}

// tenantKey is what tenants propagates.
type tenantKey struct{}

type tenants struct{}

func (tenants) Inject(ctx context.Context, w workflow.HeaderWriter) error {
	if tenant, ok := ctx.Value(tenantKey{}).(string); ok {
		w.Set("tenant", payload(tenant))
	}
	return nil
}

func (tenants) Extract(ctx context.Context, r workflow.HeaderReader) (context.Context, error) {
	if p, ok := r.Get("tenant"); ok {
		ctx = context.WithValue(ctx, tenantKey{}, string(p.Data))
	}
	return ctx, nil
}

func (tenants) InjectFromWorkflow(ctx workflow.Context, w workflow.HeaderWriter) error {
	if tenant, ok := ctx.Value(tenantKey{}).(string); ok {
		w.Set("tenant", payload(tenant))
	}
	return nil
}

func (tenants) ExtractToWorkflow(ctx workflow.Context, r workflow.HeaderReader) (workflow.Context, error) {
	if p, ok := r.Get("tenant"); ok {
		ctx = workflow.WithValue(ctx, tenantKey{}, string(p.Data))
	}
	return ctx, nil
}

func TestPropagatedValuesReachTheCodeAndWhatItCalls(t *testing.T) {
	h := newHarness(t, func(ctx workflow.Context) (string, error) {
		tenant, _ := ctx.Value(tenantKey{}).(string)
		workflow.ExecuteActivity(withActivities(ctx), "bill")
		workflow.ExecuteChildWorkflow(workflow.WithValue(ctx, tenantKey{}, "other"), "child")
		workflow.SignalExternalWorkflow(ctx, "elsewhere", "", "hello", nil)
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return "", err
		}
		return tenant, nil
	}, nil, func(h *harness, o *workflow.DefinitionOptions) {
		o.ContextPropagators = []workflow.ContextPropagator{tenants{}}
		h.start.Header = &common.Header{Fields: map[string]*common.Payload{"tenant": payload("acme"), "other": payload("x")}}
	})
	h.step()
	_, activity := last[*history.ActivityTaskScheduled](h)
	_, child := last[*history.StartChildWorkflowExecutionInitiated](h)
	_, signal := last[*history.SignalExternalWorkflowExecutionInitiated](h)
	for what, header := range map[string]*common.Header{"acme": activity.Header, "other": child.Header, "acme ": signal.Header} {
		if got := text(header.GetFields()["tenant"]); got != strings.TrimSpace(what) || len(header.Fields) != 1 {
			t.Errorf("header is %v, want only tenant %q", header.GetFields(), what)
		}
	}
	h.advance(time.Second)
	wantResult(h, "acme")
}

// shouting is a data converter that depends on the context.
type shouting struct {
	converter.DataConverter
	suffix string
}

func (s shouting) ToPayload(v interface{}) (*common.Payload, error) {
	if t, ok := v.(string); ok {
		v = t + s.suffix
	}
	return s.DataConverter.ToPayload(v)
}

func (s shouting) ToPayloads(values ...interface{}) (*common.Payloads, error) {
	for i := range values {
		if t, ok := values[i].(string); ok {
			values[i] = t + s.suffix
		}
	}
	return s.DataConverter.ToPayloads(values...)
}

func (s shouting) WithWorkflowContext(ctx workflow.Context) converter.DataConverter {
	s.suffix, _ = ctx.Value(tenantKey{}).(string)
	return s
}

func (s shouting) WithContext(context.Context) converter.DataConverter { return s }

func TestContextAwareConverterKnowsTheContextOfTheCall(t *testing.T) {
	h := newHarness(t, func(ctx workflow.Context) error {
		ctx = workflow.WithValue(withActivities(ctx), tenantKey{}, "!")
		return workflow.ExecuteActivity(ctx, "say", "hello").Get(ctx, nil)
	}, nil, func(_ *harness, o *workflow.DefinitionOptions) {
		o.DataConverter = shouting{DataConverter: converter.GetDefaultDataConverter()}
	})
	h.step()
	_, a := last[*history.ActivityTaskScheduled](h)
	if got := string(a.Input.Payloads[0].Data); got != `"hello!"` {
		t.Errorf("argument is %s", got)
	}
	h.step(h.completed("say", nil))
}
