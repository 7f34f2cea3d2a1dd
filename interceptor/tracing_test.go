package interceptor_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// notebook is a tracer that notes finished spans: "name < name of the parent".
type notebook struct {
	interceptor.BaseTracer
	options interceptor.TracerOptions
	mu      sync.Mutex
	lines   []string
	keys    map[string]string
}

// noted is a span of a notebook, notedRef one that came along.
type (
	noted struct {
		book         *notebook
		name, parent string
	}
	notedRef   string
	notedKey   struct{}
	contextKey struct{}
)

func (s *noted) Finish(o *interceptor.TracerFinishSpanOptions) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	line := s.name
	if s.parent != "" {
		line += " < " + s.parent
	}
	if o.Error != nil {
		line += " failed"
	}
	s.book.lines = append(s.book.lines, line)
}

func newNotebook() *notebook {
	return &notebook{keys: map[string]string{}, options: interceptor.TracerOptions{SpanContextKey: notedKey{}, HeaderKey: "span"}}
}

func (b *notebook) Options() interceptor.TracerOptions { return b.options }

func (b *notebook) UnmarshalSpan(data map[string]string) (interceptor.TracerSpanRef, error) {
	if data["name"] == "" {
		return nil, errors.New("no name")
	}
	return notedRef(data["name"]), nil
}

func (b *notebook) MarshalSpan(s interceptor.TracerSpan) (map[string]string, error) {
	return map[string]string{"name": s.(*noted).name}, nil
}

func (b *notebook) SpanFromContext(ctx context.Context) interceptor.TracerSpan {
	if s, ok := ctx.Value(contextKey{}).(*noted); ok {
		return s
	}
	return nil
}

func (b *notebook) ContextWithSpan(ctx context.Context, s interceptor.TracerSpan) context.Context {
	return context.WithValue(ctx, contextKey{}, s)
}

func (b *notebook) StartSpan(o *interceptor.TracerStartSpanOptions) (interceptor.TracerSpan, error) {
	s := &noted{book: b, name: b.SpanName(o)}
	switch p := o.Parent.(type) {
	case *noted:
		s.parent = p.name
	case notedRef:
		s.parent = string(p)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if other := b.keys[o.IdempotencyKey]; o.IdempotencyKey != "" && other != "" && other != s.name {
		return nil, errors.New("spans " + other + " and " + s.name + " have the same key")
	}
	b.keys[o.IdempotencyKey] = s.name
	return s, nil
}

func (b *notebook) GetLogger(logger log.Logger, ref interceptor.TracerSpanRef) log.Logger {
	return log.With(logger, "span", ref.(*noted).name)
}

func (b *notebook) sorted() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(slices.Values(b.lines))
}

func traced(ctx workflow.Context, last bool) (string, error) {
	if last {
		return "done", nil
	}
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: time.Minute})
	err := workflow.SetQueryHandler(ctx, "state", func() (string, error) { return "waiting", nil })
	if err == nil {
		err = workflow.SetUpdateHandlerWithOptions(ctx, "work", func(ctx workflow.Context) error {
			return workflow.ExecuteActivity(workflow.WithStartToCloseTimeout(ctx, time.Minute), step).Get(ctx, nil)
		}, workflow.UpdateHandlerOptions{Validator: func(workflow.Context) error { return nil }})
	}
	if err == nil {
		err = workflow.ExecuteLocalActivity(ctx, step).Get(ctx, nil)
	}
	if err == nil {
		err = workflow.ExecuteChildWorkflow(workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: "child"}), traced, true).Get(ctx, nil)
	}
	if err != nil {
		return "", err
	}
	workflow.GetSignalChannel(ctx, "go").Receive(ctx, nil)
	return "", workflow.NewContinueAsNewError(ctx, traced, true)
}

func step(context.Context) error { return nil }

// The worker keeps no run in memory, so that each step of a run replays the steps before it.
func TestSpansAreBelowWhatLedToThem(t *testing.T) {
	book := newNotebook()
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{
		ClientOptions: &client.Options{Interceptors: []interceptor.ClientInterceptor{interceptor.NewTracingInterceptor(book)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	c := server.Client()
	w := worker.New(c, "queue", worker.Options{WorkflowCacheSize: 1, DisableEagerActivities: true})
	w.RegisterWorkflow(traced)
	w.RegisterActivity(step)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	ctx := context.WithValue(t.Context(), contextKey{}, &noted{book: book, name: "test"})
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "traced", TaskQueue: "queue"}, traced, false)
	if err == nil {
		_, err = c.QueryWorkflow(ctx, run.GetID(), "", "state")
	}
	var h client.WorkflowUpdateHandle
	if err == nil {
		h, err = c.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{WorkflowID: run.GetID(), UpdateName: "work", WaitForStage: client.WorkflowUpdateStageCompleted})
	}
	if err == nil {
		err = h.Get(ctx, nil)
	}
	if err == nil {
		err = c.SignalWorkflow(ctx, run.GetID(), "", "go", nil)
	}
	if err == nil {
		err = run.Get(ctx, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.Stop()
	want := []string{
		"HandleQuery:state < QueryWorkflow:state",
		"HandleSignal:go < SignalWorkflow:go",
		"HandleUpdate:work < UpdateWorkflow:work",
		"QueryWorkflow:state < test",
		"RunActivity:step < StartActivity:step", // local
		"RunActivity:step < StartActivity:step",
		"RunWorkflow:traced < RunWorkflow:traced", // the successor
		"RunWorkflow:traced < StartChildWorkflow:traced",
		"RunWorkflow:traced < StartWorkflow:traced",
		"SignalWorkflow:go < test",
		"StartActivity:step < HandleUpdate:work",
		"StartActivity:step < RunWorkflow:traced",
		"StartChildWorkflow:traced < RunWorkflow:traced",
		"StartWorkflow:traced < test",
		"UpdateWorkflow:work < test",
		"ValidateUpdate:work < UpdateWorkflow:work",
	}
	slices.Sort(want)
	if d := cmp.Diff(want, book.sorted()); d != "" {
		t.Errorf("spans differ (-want +got):\n%s", d)
	}
}

func TestTracingCanLeaveThingsOut(t *testing.T) {
	t.Parallel()
	book := newNotebook()
	book.options.DisableSignalTracing, book.options.DisableQueryTracing, book.options.DisableUpdateTracing = true, true, true
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{interceptor.NewTracingInterceptor(book)}})
	env.RegisterActivity(step)
	env.RegisterWorkflow(traced)
	env.RegisterDelayedCallback(func() { env.SignalWorkflow("go", nil) }, time.Second)
	env.ExecuteWorkflow(traced, false)
	if err := env.GetWorkflowError(); !workflow.IsContinueAsNewError(err) {
		t.Fatal(err)
	}
	want := []string{
		"RunActivity:step < StartActivity:step",
		"RunWorkflow:traced", // the parent's, which nobody has traced
		"RunWorkflow:traced < StartChildWorkflow:traced",
		"StartActivity:step < RunWorkflow:traced",
		"StartChildWorkflow:traced < RunWorkflow:traced",
	}
	if d := cmp.Diff(want, book.sorted()); d != "" {
		t.Errorf("spans differ (-want +got):\n%s", d)
	}
}

func TestATracerNeedsItsKeys(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a tracer without a header key is taken")
		}
	}()
	interceptor.NewTracingInterceptor(&notebook{options: interceptor.TracerOptions{SpanContextKey: notedKey{}}})
}
