package testsuite

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// TestWorkflowEnvironment executes one workflow, with its activities and children, in memory and in virtual time. What
// it needs is registered and set first; then ExecuteWorkflow runs it to its end, and the result is asked for.
type TestWorkflowEnvironment struct {
	engine *engine
	// start is what the workflow will start with, but for its type and input.
	start     *history.Start
	startTime time.Time
	callbacks []delayed
	executed  bool
}

// delayed is a callback that was registered before the workflow was started.
type delayed struct {
	call  func()
	after time.Duration
}

func newWorkflowEnvironment(s *WorkflowTestSuite) *TestWorkflowEnvironment {
	e := newEngine(newSettings(s))
	env := &TestWorkflowEnvironment{engine: e, start: e.newStart("", time.Time{})}
	env.start.Header = s.header
	return env
}

func newSettings(s *WorkflowTestSuite) settings {
	dc := converter.GetDefaultDataConverter()
	return settings{
		namespace:        defaultNamespace,
		identity:         defaultIdentity,
		logger:           s.GetLogger(),
		dataConverter:    dc,
		failureConverter: failureConverterFor(dc),
		disableAliasing:  s.disableAliasing,
		propagators:      s.propagators,
		metrics:          s.metrics,
		queues:           map[string]string{},
	}
}

func failureConverterFor(dc converter.DataConverter) converter.FailureConverter {
	return millrace.NewDefaultFailureConverter(millrace.DefaultFailureConverterOptions{DataConverter: dc})
}

// RegisterWorkflow registers a workflow function under its own name.
func (e *TestWorkflowEnvironment) RegisterWorkflow(w interface{}) {
	e.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{})
}

// RegisterWorkflowWithOptions registers a workflow function. It panics where a worker's does.
func (e *TestWorkflowEnvironment) RegisterWorkflowWithOptions(w interface{}, options workflow.RegisterOptions) {
	e.engine.registerWorkflow(w, options)
}

// RegisterActivity registers an activity function, or the methods of a struct.
func (e *TestWorkflowEnvironment) RegisterActivity(a interface{}) {
	e.RegisterActivityWithOptions(a, activity.RegisterOptions{})
}

// RegisterActivityWithOptions registers an activity function, or the methods of a struct. It panics where a worker's
// does.
func (e *TestWorkflowEnvironment) RegisterActivityWithOptions(a interface{}, options activity.RegisterOptions) {
	e.engine.registerActivity(a, options)
}

// RegisterDynamicWorkflow registers what runs workflows whose types are not registered.
func (e *TestWorkflowEnvironment) RegisterDynamicWorkflow(w interface{}, options workflow.DynamicRegisterOptions) {
	e.engine.register(func() { e.engine.functions.AddDynamicWorkflow(w, options) })
}

// RegisterDynamicActivity registers what runs activities whose types are not registered.
func (e *TestWorkflowEnvironment) RegisterDynamicActivity(a interface{}, options activity.DynamicRegisterOptions) {
	e.engine.register(func() { e.engine.functions.AddDynamicActivity(a, options) })
}

func (e *engine) registerWorkflow(w any, options workflow.RegisterOptions) {
	e.register(func() {
		e.functions.AddWorkflow(w, options)
		name := options.Name
		if name == "" {
			name = e.workflowName(w)
		}
		e.workflows[name] = reflect.ValueOf(w)
	})
}

func (e *engine) registerActivity(a any, options activity.RegisterOptions) {
	e.register(func() { e.functions.AddActivity(a, options) })
}

// register does a registration, and again when the converters change.
func (e *engine) register(do func()) {
	do()
	e.registrations = append(e.registrations, do)
}

// registerAgain registers everything once more, with what has been set since.
func (e *engine) registerAgain() {
	e.functions = worker.NewFunctions(e.definition(), e.interceptors())
	if e.disableAliasing {
		e.functions.DisableAliasing()
	}
	e.workflows = map[string]reflect.Value{}
	for _, do := range e.registrations {
		do()
	}
}

// ExecuteWorkflow runs a workflow, given by its function or its registered name, until it and its children have closed.
// A function that is not registered is registered first. Continue-as-new ends it, with a *workflow.ContinueAsNewError.
//
// It panics when nothing happens for the time of SetTestTimeout, when something is called that is neither registered
// nor mocked, and when the history of the workflow does not replay: its code is not deterministic. An environment
// executes one workflow.
func (e *TestWorkflowEnvironment) ExecuteWorkflow(workflowFn interface{}, args ...interface{}) {
	e.execute(defaultWorkflowID, workflowFn, args)
}

func (e *TestWorkflowEnvironment) execute(id string, workflowFn any, args []any) {
	if e.executed {
		panic("testsuite: ExecuteWorkflow was called before: make an environment for each execution")
	}
	e.executed = true
	x := e.engine
	name := x.workflowName(workflowFn)
	if _, known := x.functions.Workflow(name); !known && reflect.TypeOf(workflowFn).Kind() == reflect.Func {
		x.registerWorkflow(workflowFn, workflow.RegisterOptions{})
	}
	input, err := x.dataConverter.ToPayloads(args...)
	if err != nil {
		panic(fmt.Sprintf("testsuite: arguments of workflow %s have no encoding: %v", name, err))
	}
	start := e.start
	start.Type, start.Input = name, input
	if start.Run.WorkflowID == "" {
		start.Run.WorkflowID = id
	}
	start.Time = e.startTime
	if start.Time.IsZero() {
		start.Time = time.Now()
	}
	start.Time = start.Time.Round(0).UTC()
	if start.ExecutionTimeout > 0 {
		start.ExecutionExpiry = start.Time.Add(start.ExecutionTimeout.Duration())
	}
	x.execute(start, e.callbacks)
	if x.noReplay {
		return
	}
	if err := x.checkReplays(); err != nil {
		panic(fmt.Sprintf("testsuite: the workflow does not replay as it ran: %v", err))
	}
}

// IsWorkflowCompleted says whether the workflow has closed, with a result or an error.
func (e *TestWorkflowEnvironment) IsWorkflowCompleted() bool {
	root := e.engine.rootRun()
	return root != nil && root.over()
}

var errNotCompleted = errors.New("workflow is not completed")

// GetWorkflowResult decodes the workflow's result into what valuePtr points to, or returns its error.
func (e *TestWorkflowEnvironment) GetWorkflowResult(valuePtr interface{}) error {
	return e.engine.result(e.engine.rootRun(), valuePtr)
}

// GetWorkflowResultByID is GetWorkflowResult for the newest run of a workflow ID: a child's.
func (e *TestWorkflowEnvironment) GetWorkflowResultByID(workflowID string, valuePtr interface{}) error {
	r := e.engine.find(workflowID, "")
	if r == nil {
		return notFound(workflowID)
	}
	return e.engine.result(r, valuePtr)
}

// GetWorkflowError returns the workflow's error: a *millrace.WorkflowExecutionError, as a client gets it; nil for one
// that has succeeded or is not completed.
func (e *TestWorkflowEnvironment) GetWorkflowError() error {
	if root := e.engine.rootRun(); root != nil {
		return e.engine.outcome(root)
	}
	return nil
}

// GetWorkflowErrorByID is GetWorkflowError for the newest run of a workflow ID: a child's.
func (e *TestWorkflowEnvironment) GetWorkflowErrorByID(workflowID string) error {
	r := e.engine.find(workflowID, "")
	if r == nil {
		return notFound(workflowID)
	}
	return e.engine.outcome(r)
}

func (e *engine) result(r *run, valuePtr any) error {
	if r == nil || !r.over() {
		return errNotCompleted
	}
	if err := e.outcome(r); err != nil {
		return err
	}
	result, _, _ := r.state().Result()
	return e.decode(result, valuePtr)
}

func (e *engine) decode(p *common.Payloads, valuePtr any) error {
	if p == nil || valuePtr == nil {
		return nil
	}
	if err := e.dataConverter.FromPayloads(p, valuePtr); err != nil {
		return fmt.Errorf("decode workflow result: %w", err)
	}
	return nil
}

// Now returns the virtual time: what workflow.Now returns in workflow code that runs now.
func (e *TestWorkflowEnvironment) Now() time.Time {
	if now := e.engine.time(); !now.IsZero() {
		return now
	}
	if !e.startTime.IsZero() {
		return e.startTime
	}
	return time.Now()
}
