package testsuite

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// The names of an environment where the test says nothing.
const (
	defaultNamespace  = "default-test-namespace"
	defaultTaskQueue  = "default-test-taskqueue"
	defaultWorkflowID = "default-test-workflow-id"
	defaultIdentity   = "test-worker"
)

// engine is a coordinator and a worker in memory: it keeps the runs of one environment, decides their transitions and
// sees to the effects of these. Only the goroutine of its loop uses it, but where it says otherwise.
type engine struct {
	*loop
	settings

	mu    sync.Mutex // guards what is read from everywhere: runs, order, root and sessions
	runs  map[string][]*run
	order []*run
	root  *run
	// sessions are the open sessions: the events that their holding activities have in their runs.
	sessions map[string]int64

	// pretense is what workflow code is told of its history.
	pretense atomic.Pointer[pretense]

	functions *worker.Functions
	// workflows are the registered workflow functions by their types; registrations makes them and functions anew.
	workflows     map[string]reflect.Value
	registrations []func()
	mocks         *mocks
	listeners     listeners
	// ended is closed when ExecuteWorkflow has ended.
	ended chan struct{}
}

// settings are what a test sets before it executes anything.
type settings struct {
	namespace, identity string
	logger              log.Logger
	dataConverter       converter.DataConverter
	failureConverter    converter.FailureConverter
	ownFailures         bool
	propagators         []workflow.ContextPropagator
	metrics             metrics.Handler
	disableAliasing     bool
	workerOptions       worker.Options
	workerStop          <-chan struct{}
	// grace is how long an activity may go on when its time is over.
	grace time.Duration
	// recording says that there are mocks of what workflow code records of itself.
	recording bool
	// queues restricts activities, by their types, to a task queue.
	queues       map[string]string
	attachedOnly bool
	noReplay     bool
}

func newEngine(s settings) *engine {
	e := &engine{loop: newLoop(), settings: s, runs: map[string][]*run{}, mocks: newMocks(), sessions: map[string]int64{}, ended: make(chan struct{})}
	e.pretense.Store(&pretense{})
	e.registerAgain()
	return e
}

// pretense is what a test pretends of the history, where it is not zero.
type pretense struct {
	length, size int64
	// target says that new runs go to another version.
	target   bool
	suggests bool
	reasons  []int
}

// pretend changes what is pretended from now on.
func (e *engine) pretend(change func(p *pretense)) {
	next := *e.pretense.Load()
	change(&next)
	e.pretense.Store(&next)
}

func (e *engine) definition() workflow.DefinitionOptions {
	return workflow.DefinitionOptions{
		DataConverter:    e.dataConverter,
		FailureConverter: e.failureConverter,
		Logger:           e.logger,
		Namespace:        e.namespace,

		ContextPropagators:    e.propagators,
		MetricsHandler:        e.metrics,
		EnableLoggingInReplay: e.workerOptions.EnableLoggingInReplay,
	}
}

// find is the newest run of a workflow ID, or the one of the given run ID; nil for none. Everybody may call it.
func (e *engine) find(workflowID, runID string) *run {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.runs[workflowID]
	for i := len(all) - 1; i >= 0; i-- {
		if runID == "" || all[i].id().RunID == runID {
			return all[i]
		}
	}
	return nil
}

// all are the runs so far, in the order of their starts.
func (e *engine) all() []*run {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.order)
}

// rootRun is the newest run of the workflow that the test executes, nil before the first. Everybody may call it.
func (e *engine) rootRun() *run {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.root
}

// launch makes a run of a start, which begins after its delay.
func (e *engine) launch(start *history.Start, isRoot bool) *run {
	r := e.newRun(start)
	e.mu.Lock()
	e.runs[start.Run.WorkflowID] = append(e.runs[start.Run.WorkflowID], r)
	e.order = append(e.order, r)
	if isRoot {
		e.root = r
	}
	e.mu.Unlock()
	if start.Delay > 0 {
		r.startAlarm = e.at(start.Time.Add(start.Delay.Duration()), r.begin)
	} else {
		e.post(r.begin)
	}
	return r
}

// code is what a run executes: the registered function, or for a child also the mock that stands in for it.
func (e *engine) code(r *run) replay.Body {
	if r.hasParent() {
		if body := e.childCode(r); body != nil {
			return body
		}
	}
	body, ok := e.functions.Workflow(r.start.Type)
	if !ok {
		known, _ := e.functions.Types()
		panic(fmt.Sprintf("testsuite: workflow type %q is not registered with the test environment (registered are [%s]): "+
			"use RegisterWorkflow, or OnWorkflow for a mock", r.start.Type, strings.Join(known, ", ")))
	}
	return body
}

// execute starts the root run and goes on until it and its children have closed.
func (e *engine) execute(start *history.Start, callbacks []delayed) {
	e.set(start.Time)
	e.launch(start, true)
	for _, d := range callbacks {
		e.delay(d)
	}
	defer e.finish()
	e.run(e.isOver, e.stuck)
}

// isOver says whether there is nothing left to wait for.
func (e *engine) isOver() bool {
	if !e.rootRun().over() {
		return false
	}
	for _, r := range e.all() {
		if !r.over() && !(e.attachedOnly && e.detached(r)) {
			return false
		}
	}
	return true
}

// detached says whether a child, or an ancestor of it, goes on when its parent has closed.
func (e *engine) detached(r *run) bool {
	for r != nil && r.hasParent() {
		parent := e.find(r.start.Parent.WorkflowID, r.start.Parent.RunID)
		if parent == nil {
			return false
		}
		for _, t := range parent.transitions {
			for _, event := range t.Events {
				a, ok := event.Attributes.(*history.StartChildWorkflowExecutionInitiated)
				if ok && event.ID == r.start.Parent.Initiated && (a.ParentClose == enums.PARENT_CLOSE_POLICY_ABANDON ||
					a.ParentClose == enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL) {
					return true
				}
			}
		}
		r = parent
	}
	return false
}

// stuck tells what the open runs wait for.
func (e *engine) stuck() string {
	var text strings.Builder
	for _, r := range e.all() {
		if !r.over() && r.begun {
			fmt.Fprintf(&text, "workflow %s (%s) waits:\n%s\n", r.start.Type, r.id(), r.machine.StackTrace())
		}
	}
	return text.String()
}

// finish ends what still runs.
func (e *engine) finish() {
	close(e.ended)
	for _, r := range e.all() {
		for _, id := range slices.Sorted(maps.Keys(r.tasks)) {
			r.tasks[id].withdraw()
		}
		r.endStretch()
	}
	if !e.settle() {
		e.logger.Error("functions of activities ignore the end of their contexts and are left behind")
	}
	for _, r := range e.all() {
		r.release()
	}
}

// checkReplays replays what the runs have recorded.
func (e *engine) checkReplays() error {
	for _, r := range e.all() {
		if r.mocked || r.broken != nil {
			continue
		}
		if err := r.replay(); err != nil {
			return err
		}
	}
	return nil
}

// newStart is the start of a root run.
func (e *engine) newStart(workflowType string, now time.Time) *history.Start {
	return &history.Start{
		Run: history.Address{
			Run:   history.Run{WorkflowID: defaultWorkflowID, RunID: newRunID()},
			Queue: defaultTaskQueue,
		},
		Type:     workflowType,
		Time:     now.Round(0).UTC(),
		Attempt:  1,
		Identity: e.identity,
	}
}

func newRunID() string {
	id, err := uuid.NewV7()
	if err != nil {
		panic(fmt.Sprintf("testsuite: make a run ID: %v", err)) // the system has no random numbers
	}
	return id.String()
}

// workflowName is the type of a workflow that is given by its function or its name.
func (e *engine) workflowName(w any) string { return registeredName(w, e.functions.WorkflowName) }

// activityName is the type of an activity that is given by its function or its name.
func (e *engine) activityName(a any) string { return registeredName(a, e.functions.ActivityName) }

func registeredName(callee any, registered func(string) string) string {
	if v := reflect.ValueOf(callee); v.Kind() == reflect.String {
		return v.String()
	}
	own, err := workflow.FunctionName(callee)
	if err != nil {
		panic(fmt.Sprintf("testsuite: %v", err))
	}
	if name := registered(own); name != "" {
		return name
	}
	return own
}
