package testsuite

import (
	"fmt"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// SetStartTime sets the time at which the workflow starts. It starts now by default.
func (e *TestWorkflowEnvironment) SetStartTime(startTime time.Time) { e.startTime = startTime }

// SetTestTimeout sets how long, by the wall clock, nothing may happen before ExecuteWorkflow gives up. Default 3 s.
func (e *TestWorkflowEnvironment) SetTestTimeout(idleTimeout time.Duration) *TestWorkflowEnvironment {
	e.engine.patience = idleTimeout
	return e
}

// SetWorkflowRunTimeout sets the workflow's run time-out, in virtual time. There is none by default.
func (e *TestWorkflowEnvironment) SetWorkflowRunTimeout(runTimeout time.Duration) *TestWorkflowEnvironment {
	e.start.RunTimeout = history.MillisOf(runTimeout)
	return e
}

// SetStartWorkflowOptions sets the options that the workflow is started with: workflow ID, task queue, time-outs, retry
// policy, cron schedule, memo, start delay, summary and details. The first run begins at once, whatever the schedule. The policies about other runs of its ID have no meaning here.
func (e *TestWorkflowEnvironment) SetStartWorkflowOptions(options client.StartWorkflowOptions) *TestWorkflowEnvironment {
	s := e.start
	if options.ID != "" {
		s.Run.WorkflowID = options.ID
	}
	if options.TaskQueue != "" {
		s.Run.Queue = options.TaskQueue
	}
	s.ExecutionTimeout = history.MillisOf(options.WorkflowExecutionTimeout)
	s.RunTimeout = history.MillisOf(options.WorkflowRunTimeout)
	s.TaskTimeout = history.MillisOf(options.WorkflowTaskTimeout)
	s.RetryPolicy = history.RetryPolicyOf(options.RetryPolicy)
	s.Delay, s.CronSchedule = history.MillisOf(options.StartDelay), options.CronSchedule
	s.StaticSummary, s.StaticDetails = options.StaticSummary, options.StaticDetails
	if options.Memo != nil {
		if err := e.SetMemoOnStart(options.Memo); err != nil {
			panic(fmt.Sprintf("testsuite: SetStartWorkflowOptions: %v", err))
		}
	}
	return e
}

// SetWorkerOptions sets the options of the worker that the environment takes the place of. BackgroundActivityContext,
// Interceptors and EnableLoggingInReplay count; what bounds a worker's resources does not.
func (e *TestWorkflowEnvironment) SetWorkerOptions(options worker.Options) *TestWorkflowEnvironment {
	e.engine.workerOptions = options
	e.engine.registerAgain()
	return e
}

// SetWorkerStopChannel sets what activity.GetWorkerStopChannel returns.
func (e *TestWorkflowEnvironment) SetWorkerStopChannel(c chan struct{}) { e.engine.workerStop = c }

// SetDataConverter sets what encodes arguments and results. A converter that works differently for each run or activity
// is not told whose payloads it converts here, as nothing leaves the environment.
func (e *TestWorkflowEnvironment) SetDataConverter(dataConverter converter.DataConverter) *TestWorkflowEnvironment {
	e.engine.setDataConverter(dataConverter)
	return e
}

// setDataConverter changes the failure converter too, unless the test has set its own.
func (e *engine) setDataConverter(dc converter.DataConverter) {
	e.dataConverter = withoutContexts(dc)
	if !e.ownFailures {
		e.failureConverter = failureConverterFor(e.dataConverter)
	}
	e.registerAgain()
}

// withoutContexts returns dc, which is not told whose payloads it converts.
func withoutContexts(dc converter.DataConverter) converter.DataConverter {
	c := contextless{dc}
	if aware, ok := dc.(workflow.ContextAware); ok {
		return &contextlessAware{c, aware}
	}
	return &c
}

type contextless struct{ converter.DataConverter }

// DependsOnSerializationContext is documented at converter.DependsOnSerializationContext.
func (*contextless) DependsOnSerializationContext() bool { return false }

type contextlessAware struct {
	contextless
	workflow.ContextAware
}

// SetFailureConverter sets what encodes errors.
func (e *TestWorkflowEnvironment) SetFailureConverter(failureConverter converter.FailureConverter) *TestWorkflowEnvironment {
	e.engine.setFailureConverter(failureConverter)
	return e
}

func (e *engine) setFailureConverter(fc converter.FailureConverter) {
	e.failureConverter, e.ownFailures = fc, true
	e.registerAgain()
}

// SetIdentity sets how the environment's worker signs what it does.
func (e *TestWorkflowEnvironment) SetIdentity(identity string) *TestWorkflowEnvironment {
	e.engine.identity, e.start.Identity = identity, identity
	return e
}

// SetHeader sets the header that the workflow starts with.
func (e *TestWorkflowEnvironment) SetHeader(header *common.Header) { e.start.Header = header }

// SetMemoOnStart sets the memo that the workflow starts with.
func (e *TestWorkflowEnvironment) SetMemoOnStart(memo map[string]interface{}) error {
	fields := make(map[string]*common.Payload, len(memo))
	for key, value := range memo {
		p, err := e.engine.dataConverter.ToPayload(value)
		if err != nil {
			return fmt.Errorf("memo %q: %w", key, err)
		}
		fields[key] = p
	}
	e.start.Memo = &common.Memo{Fields: fields}
	return nil
}

// SetTypedSearchAttributesOnStart sets the search attributes that the workflow starts with.
func (e *TestWorkflowEnvironment) SetTypedSearchAttributesOnStart(searchAttributes millrace.SearchAttributes) error {
	encoded, err := history.EncodeSearch(searchAttributes)
	if err != nil {
		return err
	}
	e.start.Search = encoded
	return nil
}

// SetSearchAttributesOnStart sets the search attributes that the workflow starts with, their types being those of the
// values.
//
// Deprecated: use SetTypedSearchAttributesOnStart.
func (e *TestWorkflowEnvironment) SetSearchAttributesOnStart(searchAttributes map[string]interface{}) error {
	encoded, err := history.EncodeUntypedSearch(searchAttributes)
	if err != nil {
		return err
	}
	e.start.Search = encoded
	return nil
}

// SetContextPropagators sets what carries values of contexts into workflows and activities, by the header.
func (e *TestWorkflowEnvironment) SetContextPropagators(contextPropagators []workflow.ContextPropagator) *TestWorkflowEnvironment {
	e.engine.propagators = contextPropagators
	e.engine.registerAgain()
	return e
}

// SetLastCompletionResult sets the result of the run before the workflow.
func (e *TestWorkflowEnvironment) SetLastCompletionResult(result interface{}) {
	p, err := e.engine.dataConverter.ToPayloads(result)
	if err != nil {
		panic(fmt.Sprintf("testsuite: SetLastCompletionResult: %v", err))
	}
	e.start.LastCompletionResult = p
}

// SetLastError sets the error of the run before the workflow.
func (e *TestWorkflowEnvironment) SetLastError(err error) {
	e.start.ContinuedFailure = e.engine.failureConverter.ErrorToFailure(err)
}

// SetContinuedExecutionRunID sets the run ID of the run before the workflow.
func (e *TestWorkflowEnvironment) SetContinuedExecutionRunID(rid string) {
	e.start.ContinuedRunID = rid
}

// SetCurrentHistoryLength sets what workflow.Info.GetCurrentHistoryLength returns from now on; 0 is the actual length.
func (e *TestWorkflowEnvironment) SetCurrentHistoryLength(length int) {
	e.engine.pretend(func(p *pretense) { p.length = int64(length) })
}

// SetCurrentHistorySize sets what workflow.Info.GetCurrentHistorySize returns from now on; 0 is the actual size.
func (e *TestWorkflowEnvironment) SetCurrentHistorySize(length int) {
	e.engine.pretend(func(p *pretense) { p.size = int64(length) })
}

// SetTargetWorkerDeploymentVersionChanged sets what workflow.Info.GetTargetWorkerDeploymentVersionChanged returns in what is
// decided from now on.
func (e *TestWorkflowEnvironment) SetTargetWorkerDeploymentVersionChanged(changed bool) {
	e.engine.pretend(func(p *pretense) { p.target = changed })
}

// SetContinueAsNewSuggested sets what workflow.Info.GetContinueAsNewSuggested returns from now on.
func (e *TestWorkflowEnvironment) SetContinueAsNewSuggested(suggest bool) {
	e.engine.pretend(func(p *pretense) {
		p.suggests, p.reasons = true, nil
		if suggest {
			p.reasons = []int{int(workflow.ContinueAsNewSuggestedReasonUnspecified)}
		}
	})
}

// SetContinueAsNewSuggestedReasons sets what workflow.Info.GetContinueAsNewSuggestedReasons returns from now on.
func (e *TestWorkflowEnvironment) SetContinueAsNewSuggestedReasons(reasons []workflow.ContinueAsNewSuggestedReason) {
	e.engine.pretend(func(p *pretense) {
		p.suggests, p.reasons = true, nil
		for _, reason := range reasons {
			p.reasons = append(p.reasons, int(reason))
		}
	})
}

// SetActivityTimeoutGracePeriod sets how long an activity may go on when its StartToClose time-out has ended its context: what
// it returns within that time counts, unless it is an error. Default 0.
func (e *TestWorkflowEnvironment) SetActivityTimeoutGracePeriod(gracePeriod time.Duration) *TestWorkflowEnvironment {
	e.engine.grace = gracePeriod
	return e
}

// SetActivityTaskQueue lets the given activities run on one task queue only: scheduling them on another panics. An
// activity runs on every queue by default.
func (e *TestWorkflowEnvironment) SetActivityTaskQueue(taskqueue string, activityFn ...interface{}) {
	for _, a := range activityFn {
		e.engine.queues[e.engine.activityName(a)] = taskqueue
	}
}

// SetDetachedChildWait says whether ExecuteWorkflow waits for children that go on when their parent has closed, because
// their parent close policy is to abandon them or to ask them to cancel. Default true.
func (e *TestWorkflowEnvironment) SetDetachedChildWait(detachedChildWait bool) *TestWorkflowEnvironment {
	e.engine.attachedOnly = !detachedChildWait
	return e
}

// SetReplayCheck says whether ExecuteWorkflow replays, at its end, what the workflow and its children have recorded.
// Default true. A workflow function that changes variables of its test does so once more in the replay; such a test can
// turn it off. Temporal has no such check.
func (e *TestWorkflowEnvironment) SetReplayCheck(check bool) *TestWorkflowEnvironment {
	e.engine.noReplay = !check
	return e
}
