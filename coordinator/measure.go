package coordinator

import (
	"errors"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/internal/replay"
)

// measured returns the handler for what concerns runs of a type, nil when nobody wants to know.
func (c *Coordinator) measured(workflowType string) metrics.Handler {
	if c.cfg.Metrics == nil {
		return nil
	}
	return c.cfg.Metrics.WithTags(map[string]string{metrics.TagWorkflowType: workflowType})
}

// measureClose counts a run that the events closed, once they are stored.
func (c *Coordinator) measureClose(e *entry, events []history.Event) {
	if c.cfg.Metrics == nil || !isClosing(events) {
		return
	}
	last := events[len(events)-1]
	h := c.measured(e.start.Type)
	switch last.ClosedStatus() {
	case enums.WORKFLOW_EXECUTION_STATUS_COMPLETED:
		h.Counter(metrics.WorkflowCompleted).Inc(1)
	case enums.WORKFLOW_EXECUTION_STATUS_FAILED:
		if !isBenign(last) {
			h.Counter(metrics.WorkflowFailed).Inc(1)
		}
	case enums.WORKFLOW_EXECUTION_STATUS_CANCELED:
		h.Counter(metrics.WorkflowCanceled).Inc(1)
	case enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW:
		h.Counter(metrics.WorkflowContinueAsNew).Inc(1)
	default:
		return
	}
	h.Timer(metrics.WorkflowEndToEndLatency).Record(c.cfg.Now().Sub(e.start.Time))
}

func isBenign(e history.Event) bool {
	failed, ok := e.Attributes.(*history.WorkflowExecutionFailed)
	return ok && failed.Failure != nil && failed.Failure.ApplicationFailureInfo != nil &&
		failed.Failure.ApplicationFailureInfo.Category == enums.APPLICATION_ERROR_CATEGORY_BENIGN
}

// codeBegins is when the measured stretch begins, zero when nobody wants to know.
func (c *Coordinator) codeBegins() (t time.Time) {
	if c.cfg.Metrics != nil {
		t = c.cfg.Now()
	}
	return t
}

// measureCode measures one stretch of deciding, which began at the given time.
func (c *Coordinator) measureCode(e *entry, began time.Time) {
	if h := c.measured(e.start.Type); h != nil {
		h.Timer(metrics.WorkflowTaskExecutionLatency).Record(c.cfg.Now().Sub(began))
	}
}

// measureTrouble counts code that cannot go on.
func (c *Coordinator) measureTrouble(e *entry, err error) {
	if c.cfg.Metrics == nil || e == nil || e.start == nil {
		return
	}
	reason := metrics.ReasonWorkflowError
	if diverged := (*replay.NonDeterminismError)(nil); errors.As(err, &diverged) {
		reason = metrics.ReasonNonDeterminism
	}
	c.measured(e.start.Type).WithTags(map[string]string{metrics.TagFailureReason: reason}).
		Counter(metrics.WorkflowTaskExecutionFailed).Inc(1)
}
