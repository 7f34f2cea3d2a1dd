package enums

// TaskQueueKind says what a task queue is for.
type TaskQueueKind int32

const (
	// TASK_QUEUE_KIND_UNSPECIFIED is the zero value.
	TASK_QUEUE_KIND_UNSPECIFIED TaskQueueKind = 0
	// TASK_QUEUE_KIND_NORMAL is a queue that any number of workers serve.
	TASK_QUEUE_KIND_NORMAL TaskQueueKind = 1
	// TASK_QUEUE_KIND_STICKY is a queue of one worker's own. Millrace has none.
	TASK_QUEUE_KIND_STICKY TaskQueueKind = 2
)
