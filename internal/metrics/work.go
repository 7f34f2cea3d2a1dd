package metrics

// What workers tell of workflows and activities has the names of Temporal's SDK, so that dashboards stay as they are.
// Each metric has the tags namespace and task_queue, and the types that it is about.
const (
	// WorkflowCompleted and those after it count runs that this process closed, by the way they closed. Runs that others
	// terminate, and those that time out, are in none.
	WorkflowCompleted     = "temporal_workflow_completed"
	WorkflowFailed        = "temporal_workflow_failed"
	WorkflowCanceled      = "temporal_workflow_canceled"
	WorkflowContinueAsNew = "temporal_workflow_continue_as_new"
	// WorkflowEndToEndLatency is from the start of such a run to its end.
	WorkflowEndToEndLatency = "temporal_workflow_endtoend_latency"
	// WorkflowTaskExecutionFailed counts what cannot be decided because the code panics, blocks or differs from its history;
	// TagFailureReason says which. The run is tried again, and counts again.
	WorkflowTaskExecutionFailed = "temporal_workflow_task_execution_failed"
	// WorkflowTaskExecutionLatency is for how long workflow code ran for one transition, with its local activities.
	WorkflowTaskExecutionLatency = "temporal_workflow_task_execution_latency"

	// ActivityExecutionFailed counts attempts whose function returned an error that is neither benign nor a cancellation
	// that was asked for.
	ActivityExecutionFailed = "temporal_activity_execution_failed"
	// ActivityExecutionLatency is for how long the function of an attempt ran.
	ActivityExecutionLatency = "temporal_activity_execution_latency"
	// ActivityScheduleToStartLatency is from the call of an activity to its first attempt.
	ActivityScheduleToStartLatency = "temporal_activity_schedule_to_start_latency"
	// ActivitySucceedEndToEndLatency is from the call of an activity to its success.
	ActivitySucceedEndToEndLatency = "temporal_activity_succeed_endtoend_latency"

	// LocalActivityTotal counts attempts of local activities; the others are as those of activities.
	LocalActivityTotal                  = "temporal_local_activity_total"
	LocalActivityExecutionFailed        = "temporal_local_activity_execution_failed"
	LocalActivityExecutionLatency       = "temporal_local_activity_execution_latency"
	LocalActivitySucceedEndToEndLatency = "temporal_local_activity_succeed_endtoend_latency"

	// WorkerStart counts started workers.
	WorkerStart = "temporal_worker_start"
)

// The tags.
const (
	TagNamespace     = "namespace"
	TagTaskQueue     = "task_queue"
	TagWorkflowType  = "workflow_type"
	TagActivityType  = "activity_type"
	TagFailureReason = "failure_reason"
)

// The values of TagFailureReason.
const (
	ReasonNonDeterminism = "NonDeterminismError"
	ReasonWorkflowError  = "WorkflowError"
)

// OrNil is h, nil for one that discards everything.
func OrNil(h Handler) Handler {
	if _, off := h.(Nop); off {
		return nil
	}
	return h
}
