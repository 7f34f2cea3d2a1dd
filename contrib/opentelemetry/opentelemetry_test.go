package opentelemetry_test

import (
	"context"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/contrib/opentelemetry"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func work(ctx workflow.Context) (string, error) {
	var answer string
	err := workflow.ExecuteActivity(workflow.WithStartToCloseTimeout(ctx, time.Minute), do).Get(ctx, &answer)
	return answer, err
}

// do answers with the trace that it belongs to.
func do(ctx context.Context) (string, error) {
	return trace.SpanContextFromContext(ctx).TraceID().String(), nil
}

func TestOneTraceFromStartToActivity(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("test")
	tracing, err := opentelemetry.NewTracingInterceptor(opentelemetry.TracerOptions{Tracer: tracer})
	if err != nil {
		t.Fatal(err)
	}
	server, err := testsuite.StartDevServer(t.Context(), testsuite.DevServerOptions{
		ClientOptions: &client.Options{Interceptors: []interceptor.ClientInterceptor{tracing}}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	c := server.Client()
	w := worker.New(c, "queue", worker.Options{})
	w.RegisterWorkflow(work)
	w.RegisterActivity(do)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: "queue"}, work)
	var traced string
	if err == nil {
		err = run.Get(t.Context(), &traced)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.Stop()
	parents := map[string]string{"StartWorkflow:work": "", "RunWorkflow:work": "StartWorkflow:work",
		"StartActivity:do": "RunWorkflow:work", "RunActivity:do": "StartActivity:do"}
	names := map[trace.SpanID]string{}
	for _, s := range recorder.Ended() {
		names[s.SpanContext().SpanID()] = s.Name()
	}
	for _, s := range recorder.Ended() {
		want, known := parents[s.Name()]
		if got := names[s.Parent().SpanID()]; !known || got != want || s.SpanContext().TraceID().String() != traced {
			t.Errorf("span %s is below %q in trace %s, want %q in %s", s.Name(), got, s.SpanContext().TraceID(), want, traced)
		}
		delete(parents, s.Name())
	}
	if len(parents) > 0 {
		t.Errorf("spans are missing: %v", parents)
	}
}

func TestMetrics(t *testing.T) {
	reader := metric.NewManualReader()
	h := opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter: metric.NewMeterProvider(metric.WithReader(reader)).Meter("test")})
	tagged := h.WithTags(map[string]string{"queue": "a"}).WithTags(map[string]string{"queue": "b"})
	tagged.Counter("count").Inc(2)
	tagged.Gauge("gauge").Update(1.5)
	tagged.Timer("timer").Record(250 * time.Millisecond)
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	for _, m := range data.ScopeMetrics[0].Metrics {
		switch d := m.Data.(type) {
		case metricdata.Sum[int64]:
			if v, _ := d.DataPoints[0].Attributes.Value("queue"); d.DataPoints[0].Value != 2 || v.AsString() != "b" {
				t.Errorf("counter is %+v", d.DataPoints)
			}
		case metricdata.Gauge[float64]:
			if d.DataPoints[0].Value != 1.5 {
				t.Errorf("gauge is %+v", d.DataPoints)
			}
		case metricdata.Histogram[float64]:
			if d.DataPoints[0].Sum != 0.25 {
				t.Errorf("timer is %+v", d.DataPoints)
			}
		}
	}
	if n := len(data.ScopeMetrics[0].Metrics); n != 3 {
		t.Errorf("%d metrics, want 3", n)
	}
}
