package workflow

import (
	"time"

	"github.com/millrace-dev/millrace/internal/metrics"
)

// GetMetricsHandler returns the handler for the workflow's own metrics. It carries the tags namespace, task_queue and
// workflow_type, and discards what is recorded while the code only repeats what its history records.
func GetMetricsHandler(ctx Context) metrics.Handler {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetMetricsHandler(ctx)
	}
	return r.metricsHandler()
}

func (r *run) metricsHandler() metrics.Handler {
	if _, off := r.def.options.MetricsHandler.(metrics.Nop); off {
		return metrics.Nop{}
	}
	return &liveMetrics{run: r, next: r.def.options.MetricsHandler.WithTags(map[string]string{
		"namespace":     r.def.options.Namespace,
		"task_queue":    r.start().Run.Queue,
		"workflow_type": r.start().Type,
	})}
}

// liveMetrics drops what is recorded in replay.
type liveMetrics struct {
	run  *run
	next metrics.Handler
}

func (m *liveMetrics) WithTags(tags map[string]string) metrics.Handler {
	return &liveMetrics{run: m.run, next: m.next.WithTags(tags)}
}

func (m *liveMetrics) Counter(name string) metrics.Counter {
	return &liveMetric{run: m.run, counter: m.next.Counter(name)}
}

func (m *liveMetrics) Gauge(name string) metrics.Gauge {
	return &liveMetric{run: m.run, gauge: m.next.Gauge(name)}
}

func (m *liveMetrics) Timer(name string) metrics.Timer {
	return &liveMetric{run: m.run, timer: m.next.Timer(name)}
}

// liveMetric is one of a counter, a gauge and a timer.
type liveMetric struct {
	run     *run
	counter metrics.Counter
	gauge   metrics.Gauge
	timer   metrics.Timer
}

func (m *liveMetric) Inc(incr int64) {
	if !m.run.env.Replaying() {
		m.counter.Inc(incr)
	}
}

func (m *liveMetric) Update(f float64) {
	if !m.run.env.Replaying() {
		m.gauge.Update(f)
	}
}

func (m *liveMetric) Record(d time.Duration) {
	if !m.run.env.Replaying() {
		m.timer.Record(d)
	}
}
