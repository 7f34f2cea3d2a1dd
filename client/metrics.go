package client

import "github.com/millrace-dev/millrace/internal/metrics"

type (
	// MetricsHandler makes metrics. Package contrib/opentelemetry has one; a program may bring its own.
	MetricsHandler = metrics.Handler
	// MetricsCounter counts.
	MetricsCounter = metrics.Counter
	// MetricsGauge is a value that goes up and down.
	MetricsGauge = metrics.Gauge
	// MetricsTimer measures durations.
	MetricsTimer = metrics.Timer
)

// MetricsNopHandler discards everything.
var MetricsNopHandler MetricsHandler = metrics.Nop{}
