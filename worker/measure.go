package worker

import (
	"errors"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/metrics"
)

// measured is the handler for what the worker tells of itself, nil when nobody wants to know.
func (w *worker) measured() metrics.Handler {
	h := metrics.OrNil(w.core.MetricsHandler)
	if h == nil {
		return nil
	}
	return h.WithTags(map[string]string{metrics.TagNamespace: w.core.Namespace, metrics.TagTaskQueue: w.queue})
}

// measure tells of an attempt whose function has returned.
func (x *execution) measure(r returned) {
	if metrics.OrNil(x.w.metrics) == nil {
		return
	}
	h, now := (&environment{x: x}).Metrics(), time.Now()
	h.Timer(metrics.ActivityExecutionLatency).Record(now.Sub(x.beat.Started))
	if x.number == 1 {
		h.Timer(metrics.ActivityScheduleToStartLatency).Record(max(x.beat.Started.Sub(x.task.Scheduled), 0)) // two clocks
	}
	switch {
	case r.err == nil:
		h.Timer(metrics.ActivitySucceedEndToEndLatency).Record(now.Sub(x.task.Scheduled))
	case errors.Is(r.err, activity.ErrResultPending), isBenign(r.err):
	case x.pulse.cancelRequested() && millrace.IsCanceledError(r.err):
	default:
		h.Counter(metrics.ActivityExecutionFailed).Inc(1)
	}
}

// measure tells of an attempt of a local activity that has an outcome, nil for none but success.
func (at *localAttempt) measure(f *failure.Failure) {
	if metrics.OrNil(at.metrics) == nil || at.started.IsZero() {
		return
	}
	h, now := (&localEnvironment{at}).Metrics(), time.Now()
	h.Counter(metrics.LocalActivityTotal).Inc(1)
	h.Timer(metrics.LocalActivityExecutionLatency).Record(now.Sub(at.started))
	switch {
	case f == nil:
		h.Timer(metrics.LocalActivitySucceedEndToEndLatency).Record(now.Sub(at.task.Scheduled))
	case f.CanceledFailureInfo != nil:
	case f.ApplicationFailureInfo != nil && f.ApplicationFailureInfo.Category == enums.APPLICATION_ERROR_CATEGORY_BENIGN:
	default:
		h.Counter(metrics.LocalActivityExecutionFailed).Inc(1)
	}
}

// isBenign looks at the error itself, as what is reported of it does.
func isBenign(err error) bool {
	app, ok := err.(*millrace.ApplicationError) //nolint:errorlint // what wraps one has a category of its own
	return ok && app.Category() == millrace.ApplicationErrorCategoryBenign
}
