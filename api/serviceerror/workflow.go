package serviceerror

// NotFound says that no such run, activity, schedule or other object exists, or that it has closed already.
type NotFound struct {
	Message string
}

// NewNotFound returns a *NotFound.
func NewNotFound(message string) error { return &NotFound{Message: message} }

// Error returns the message.
func (e *NotFound) Error() string { return e.Message }

// QueryFailed says that the workflow's query handler returned an error or that no handler has the name.
type QueryFailed struct {
	Message string
}

// NewQueryFailed returns a *QueryFailed.
func NewQueryFailed(message string) error { return &QueryFailed{Message: message} }

// Error returns the message.
func (e *QueryFailed) Error() string { return e.Message }

// WorkflowNotReady says that the run cannot answer yet, for its first transition has not been made; asking again later helps.
type WorkflowNotReady struct {
	Message string
}

// NewWorkflowNotReady returns a *WorkflowNotReady.
func NewWorkflowNotReady(message string) error { return &WorkflowNotReady{Message: message} }

// Error returns the message.
func (e *WorkflowNotReady) Error() string { return e.Message }

// ActivityExecutionAlreadyStarted says that an activity was refused because of another one of the same ID.
type ActivityExecutionAlreadyStarted struct {
	Message string
	// StartRequestId is the request that started the other activity, RunId its run.
	StartRequestId string
	RunId          string
}

// NewActivityExecutionAlreadyStarted returns an *ActivityExecutionAlreadyStarted.
func NewActivityExecutionAlreadyStarted(message, startRequestId, runId string) error {
	return &ActivityExecutionAlreadyStarted{Message: message, StartRequestId: startRequestId, RunId: runId}
}

// Error returns the message.
func (e *ActivityExecutionAlreadyStarted) Error() string { return e.Message }

// WorkflowExecutionAlreadyStarted says that a start was refused because of another run of the same workflow ID.
type WorkflowExecutionAlreadyStarted struct {
	Message string
	// StartRequestId is the request that started the other run.
	StartRequestId string
	// RunId is the other run.
	RunId string
}

// NewWorkflowExecutionAlreadyStarted returns a *WorkflowExecutionAlreadyStarted.
func NewWorkflowExecutionAlreadyStarted(message, startRequestId, runId string) error {
	return &WorkflowExecutionAlreadyStarted{Message: message, StartRequestId: startRequestId, RunId: runId}
}

// Error returns the message.
func (e *WorkflowExecutionAlreadyStarted) Error() string { return e.Message }
