package opentelemetry

import (
	"context"
	"maps"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/millrace-dev/millrace/client"
)

// MetricsHandlerOptions are the options of NewMetricsHandler.
type MetricsHandlerOptions struct {
	// Meter makes the instruments. Default: that of the global provider, named like this package.
	Meter metric.Meter
	// InitialAttributes are added to all metrics.
	InitialAttributes attribute.Set
	// OnError is called for an instrument that cannot be made; what is recorded on it is lost then. Default: otel.Handle.
	OnError func(error)
}

// MetricsHandler hands metrics to OpenTelemetry: counters, gauges, and timers as histograms in seconds. It is safe for
// concurrent use.
type MetricsHandler struct {
	options    MetricsHandlerOptions
	attributes attribute.Set
}

var _ client.MetricsHandler = MetricsHandler{}

// NewMetricsHandler returns a handler for client.Options.MetricsHandler.
func NewMetricsHandler(options MetricsHandlerOptions) MetricsHandler {
	if options.Meter == nil {
		options.Meter = otel.GetMeterProvider().Meter(scope)
	}
	if options.OnError == nil {
		options.OnError = otel.Handle
	}
	return MetricsHandler{options: options, attributes: options.InitialAttributes}
}

const scope = "github.com/millrace-dev/millrace/contrib/opentelemetry"

// WithTags is documented at client.MetricsHandler, as are the other methods.
func (m MetricsHandler) WithTags(tags map[string]string) client.MetricsHandler {
	all := map[attribute.Key]attribute.Value{}
	for _, kv := range m.attributes.ToSlice() {
		all[kv.Key] = kv.Value
	}
	for key, value := range maps.All(tags) {
		all[attribute.Key(key)] = attribute.StringValue(value)
	}
	list := make([]attribute.KeyValue, 0, len(all))
	for key, value := range all {
		list = append(list, attribute.KeyValue{Key: key, Value: value})
	}
	m.attributes = attribute.NewSet(list...)
	return m
}

// Counter is documented at client.MetricsHandler.
func (m MetricsHandler) Counter(name string) client.MetricsCounter {
	c, err := m.options.Meter.Int64UpDownCounter(name)
	if err != nil {
		m.options.OnError(err)
		return client.MetricsNopHandler.Counter(name)
	}
	return counter{c, metric.WithAttributeSet(m.attributes)}
}

// Gauge is documented at client.MetricsHandler.
func (m MetricsHandler) Gauge(name string) client.MetricsGauge {
	g, err := m.options.Meter.Float64Gauge(name)
	if err != nil {
		m.options.OnError(err)
		return client.MetricsNopHandler.Gauge(name)
	}
	return gauge{g, metric.WithAttributeSet(m.attributes)}
}

// Timer is documented at client.MetricsHandler.
func (m MetricsHandler) Timer(name string) client.MetricsTimer {
	h, err := m.options.Meter.Float64Histogram(name, metric.WithUnit("s"))
	if err != nil {
		m.options.OnError(err)
		return client.MetricsNopHandler.Timer(name)
	}
	return timer{h, metric.WithAttributeSet(m.attributes)}
}

type counter struct {
	metric.Int64UpDownCounter
	attributes metric.MeasurementOption
}

func (c counter) Inc(incr int64) { c.Add(context.Background(), incr, c.attributes) }

type gauge struct {
	metric.Float64Gauge
	attributes metric.MeasurementOption
}

func (g gauge) Update(f float64) { g.Float64Gauge.Record(context.Background(), f, g.attributes) }

type timer struct {
	histogram  metric.Float64Histogram
	attributes metric.MeasurementOption
}

func (t timer) Record(d time.Duration) {
	t.histogram.Record(context.Background(), d.Seconds(), t.attributes)
}
