package interceptor_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// baggage is an interceptor of everything: it passes a word along with every call, and notes where it has come.
type baggage struct {
	interceptor.InterceptorBase
	mu   sync.Mutex
	seen []string
}

func (b *baggage) note(place string, header map[string]*common.Payload) {
	b.mu.Lock()
	defer b.mu.Unlock()
	line := place
	if p := header["word"]; p != nil {
		line += " " + string(p.Data)
	}
	if !slices.Contains(b.seen, line) { // a replay passes the same places again
		b.seen = append(b.seen, line)
	}
}

func (b *baggage) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(slices.Values(b.seen))
}

func (b *baggage) InterceptClient(next interceptor.ClientOutboundInterceptor) interceptor.ClientOutboundInterceptor {
	return &baggageClient{ClientOutboundInterceptorBase: interceptor.ClientOutboundInterceptorBase{Next: next}, all: b}
}

type baggageClient struct {
	interceptor.ClientOutboundInterceptorBase
	all *baggage
}

func (c *baggageClient) ExecuteWorkflow(ctx context.Context, in *interceptor.ClientExecuteWorkflowInput) (client.WorkflowRun, error) {
	interceptor.Header(ctx)["word"] = &common.Payload{Data: []byte("start of " + in.WorkflowType)}
	return c.Next.ExecuteWorkflow(ctx, in)
}

func (c *baggageClient) SignalWorkflow(ctx context.Context, in *interceptor.ClientSignalWorkflowInput) error {
	interceptor.Header(ctx)["word"] = &common.Payload{Data: []byte("signal " + in.SignalName)}
	return c.Next.SignalWorkflow(ctx, in)
}

func (b *baggage) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &baggageWorkflow{WorkflowInboundInterceptorBase: interceptor.WorkflowInboundInterceptorBase{Next: next}, all: b}
}

type baggageWorkflow struct {
	interceptor.WorkflowInboundInterceptorBase
	all *baggage
}

func (w *baggageWorkflow) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	return w.Next.Init(&baggageCalls{interceptor.WorkflowOutboundInterceptorBase{Next: outbound}})
}

func (w *baggageWorkflow) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (interface{}, error) {
	w.all.note("workflow", interceptor.WorkflowHeader(ctx))
	return w.Next.ExecuteWorkflow(ctx, in)
}

func (w *baggageWorkflow) HandleSignal(ctx workflow.Context, in *interceptor.HandleSignalInput) error {
	w.all.note("signal", interceptor.WorkflowHeader(ctx))
	return w.Next.HandleSignal(ctx, in)
}

type baggageCalls struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (c *baggageCalls) ExecuteActivity(ctx workflow.Context, activityType string, args ...interface{}) workflow.Future {
	interceptor.WorkflowHeader(ctx)["word"] = &common.Payload{Data: []byte("call of " + activityType)}
	return c.Next.ExecuteActivity(ctx, activityType, args...)
}

func (b *baggage) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &baggageActivity{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, all: b}
}

type baggageActivity struct {
	interceptor.ActivityInboundInterceptorBase
	all *baggage
}

func (a *baggageActivity) Init(outbound interceptor.ActivityOutboundInterceptor) error {
	return a.Next.Init(&renamed{interceptor.ActivityOutboundInterceptorBase{Next: outbound}})
}

func (a *baggageActivity) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (interface{}, error) {
	a.all.note("activity", interceptor.Header(ctx))
	return a.Next.ExecuteActivity(ctx, in)
}

// renamed lets activities see another queue.
type renamed struct {
	interceptor.ActivityOutboundInterceptorBase
}

func (r *renamed) GetInfo(ctx context.Context) activity.Info {
	info := r.Next.GetInfo(ctx)
	info.TaskQueue = "renamed " + info.TaskQueue
	return info
}

type tenantKey struct{}

// tenants propagates the tenant.
type tenants struct{}

func (tenants) Inject(ctx context.Context, w workflow.HeaderWriter) error {
	if tenant, ok := ctx.Value(tenantKey{}).(string); ok {
		w.Set("tenant", &common.Payload{Data: []byte(tenant)})
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
		w.Set("tenant", &common.Payload{Data: []byte(tenant)})
	}
	return nil
}

func (tenants) ExtractToWorkflow(ctx workflow.Context, r workflow.HeaderReader) (workflow.Context, error) {
	if p, ok := r.Get("tenant"); ok {
		ctx = workflow.WithValue(ctx, tenantKey{}, string(p.Data))
	}
	return ctx, nil
}

// report is an activity that says what it sees.
func report(ctx context.Context, prefix string) (string, error) {
	tenant, _ := ctx.Value(tenantKey{}).(string)
	if activity.GetClient(ctx) == nil {
		tenant += " without a client"
	}
	return prefix + tenant + " on " + activity.GetInfo(ctx).TaskQueue, nil
}

func ask(ctx workflow.Context) (string, error) {
	var prefix, answer string
	workflow.GetSignalChannel(ctx, "prefix").Receive(ctx, &prefix)
	ctx = workflow.WithStartToCloseTimeout(ctx, time.Minute)
	err := workflow.ExecuteActivity(ctx, report, prefix).Get(ctx, &answer)
	return answer, err
}

func TestInterceptorsAndPropagatorsReachEverything(t *testing.T) {
	for name, options := range map[string]worker.Options{"eager": {}, "queued": {DisableEagerActivities: true}} {
		t.Run(name, func(t *testing.T) {
			server := devtest.Server(t)
			plan, err := streams.PlanNamespace(t.Context(), devtest.Conn(t, server), "default", streams.CreateOptions{Partitions: 1})
			if err == nil {
				err = plan.Apply(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			all := &baggage{}
			c, err := client.Dial(client.Options{
				HostPort:           server.ClientURL(),
				Interceptors:       []interceptor.ClientInterceptor{all}, // reaches the worker, too
				ContextPropagators: []workflow.ContextPropagator{tenants{}},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			w := worker.New(c, "queue", options)
			w.RegisterWorkflow(ask)
			w.RegisterActivity(report)
			if err := w.Start(); err != nil {
				t.Fatal(err)
			}
			defer w.Stop()

			ctx := context.WithValue(t.Context(), tenantKey{}, "acme")
			run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: "queue"}, ask)
			if err == nil {
				err = c.SignalWorkflow(ctx, run.GetID(), run.GetRunID(), "prefix", "this is ")
			}
			var answer string
			if err == nil {
				err = run.Get(ctx, &answer)
			}
			if want := "this is acme on renamed queue"; err != nil || answer != want {
				t.Errorf("result is %q, %v, want %q", answer, err, want)
			}
			want := []string{"activity call of report", "signal signal prefix", "workflow start of ask"}
			if d := cmp.Diff(want, all.lines()); d != "" {
				t.Errorf("places differ (-want +got):\n%s", d)
			}
		})
	}
}

// judge sees what comes along with queries.
type judge struct {
	interceptor.WorkerInterceptorBase
	seen chan string
}

func (j *judge) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	return &judgedWorkflow{interceptor.WorkflowInboundInterceptorBase{Next: next}, j}
}

type judgedWorkflow struct {
	interceptor.WorkflowInboundInterceptorBase
	judge *judge
}

func (w *judgedWorkflow) HandleQuery(ctx workflow.Context, in *interceptor.HandleQueryInput) (interface{}, error) {
	if p := interceptor.WorkflowHeader(ctx)["word"]; p != nil {
		w.judge.seen <- string(p.Data)
	}
	return w.Next.HandleQuery(ctx, in)
}

func TestAQueryTakesItsHeaderAlong(t *testing.T) {
	for name, own := range map[string][]interceptor.ClientInterceptor{"direct": nil, "intercepted": {&baggage{}}} {
		t.Run(name, func(t *testing.T) {
			server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{ClientOptions: &client.Options{Interceptors: own}})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Stop()
			c := server.Client()
			seen := &judge{seen: make(chan string, 1)}
			w := worker.New(c, "queue", worker.Options{Interceptors: []interceptor.WorkerInterceptor{seen}})
			w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
				return workflow.SetQueryHandler(ctx, "state", func() (int, error) { return 1, nil })
			}, workflow.RegisterOptions{Name: "asked"})
			if err := w.Start(); err != nil {
				t.Fatal(err)
			}
			defer w.Stop()
			run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "queue"}, "asked")
			if err == nil {
				err = run.Get(t.Context(), nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			header := &common.Header{Fields: map[string]*common.Payload{"word": {Data: []byte("please")}}}
			if _, err := c.QueryWorkflowWithOptions(t.Context(), &client.QueryWorkflowWithOptionsRequest{
				WorkflowID: run.GetID(), QueryType: "state", Header: header}); err != nil {
				t.Fatal(err)
			}
			if word := <-seen.seen; word != "please" {
				t.Errorf("header says %q", word)
			}
		})
	}
}
