package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// Worker serves one task queue. Its methods are safe for concurrent use.
type Worker interface {
	Registry

	// Start begins to serve the queue and returns. What is registered later is served too, if something of its kind,
	// workflow or activity, was registered before Start. The error says what is wrong with the options or that the
	// broker cannot be used.
	Start() error
	// Run starts the worker, waits for something on interruptCh or for Stop, and stops it. It returns the error of
	// Start, or the one that made the worker stop by itself, or nil. A nil channel never interrupts.
	Run(interruptCh <-chan interface{}) error
	// Stop ends the worker as the package comment says under "Stopping". It may be called again, and before Start. A
	// worker that was stopped does not start again.
	Stop()
}

// Registry is where workflows and activities are registered. Its methods panic on what can never be run, and on a name
// that is registered already.
type Registry interface {
	WorkflowRegistry
	ActivityRegistry
}

// WorkflowRegistry is where workflows are registered.
type WorkflowRegistry interface {
	// RegisterWorkflow registers a workflow function under its own name.
	RegisterWorkflow(w interface{})
	// RegisterWorkflowWithOptions registers a workflow function.
	RegisterWorkflowWithOptions(w interface{}, options workflow.RegisterOptions)
	// RegisterDynamicWorkflow registers what runs workflows whose types are not registered: a function that takes a
	// workflow.Context and a converter.EncodedValues, the arguments. workflow.GetInfo tells the type. There can be one.
	RegisterDynamicWorkflow(w interface{}, options workflow.DynamicRegisterOptions)
}

// ActivityRegistry is where activities are registered.
type ActivityRegistry interface {
	// RegisterActivity registers an activity function under its own name, or all exported methods of a pointer to a
	// struct under theirs.
	RegisterActivity(a interface{})
	// RegisterActivityWithOptions registers an activity function, or the methods of a struct.
	RegisterActivityWithOptions(a interface{}, options activity.RegisterOptions)
	// RegisterDynamicActivity registers what runs activities whose types are not registered: a function that takes a
	// context.Context and a converter.EncodedValues, the arguments. activity.GetInfo tells the type. There can be one.
	RegisterDynamicActivity(a interface{}, options activity.DynamicRegisterOptions)
}

// New returns a worker for a task queue. Nothing happens until it is started, which is also when wrong arguments show.
// c must stay open until the worker has stopped.
func New(c client.Client, taskQueue string, options Options) Worker {
	core, refusal := coreOf(c)
	var ofClient []client.Plugin
	if core != nil {
		ofClient = core.Plugins
	}
	around, options, err := plug(taskQueue, plugins(ofClient, options.Plugins), options)
	w := newWorker(c, core, taskQueue, options)
	if refusal != nil {
		w.refusal = refusal
	}
	if around == nil {
		return w
	}
	w.refusal = errors.Join(w.refusal, err)
	around.worker = w
	return around
}

// newWorker returns a worker without plugins. Core is nil for a client that no worker can be made with.
func newWorker(c client.Client, core *client.Core, taskQueue string, options Options) *worker {
	w := &worker{queue: taskQueue, client: c, core: core, options: options.withDefaults(), ended: make(chan struct{})}
	w.refusal = errors.Join(w.options.validate(), streams.CheckTaskQueue(taskQueue))
	definition := workflow.DefinitionOptions{EnableLoggingInReplay: options.EnableLoggingInReplay}
	definition.FailOnPanic = options.WorkflowPanicPolicy == FailWorkflow
	definition.PreferredVersion = options.PreferredVersionProvider.preferredVersion()
	if w.core != nil {
		definition.DataConverter, definition.FailureConverter = w.core.DataConverter, w.core.FailureConverter
		definition.Logger, definition.Namespace = w.core.Logger, w.core.Namespace
		definition.ContextPropagators, definition.MetricsHandler = w.core.ContextPropagators, w.core.MetricsHandler
		w.interceptors = interceptors(w.core.Interceptors, options.Interceptors)
		definition.Intercept = interceptWorkflow(w.interceptors)
		w.options.Identity = orDefault(options.Identity, w.core.Identity)
	}
	w.registry, w.versions = newRegistry(definition), newVersions(taskQueue, options.DeploymentOptions)
	w.registry.unaliased = options.DisableRegistrationAliasing
	return w
}

func coreOf(c client.Client) (*client.Core, error) {
	if c == nil {
		return nil, fmt.Errorf("%w: the client is nil", ErrInvalidOptions)
	}
	return client.CoreOf(c)
}

// state is where a worker is in its life.
type state int

const (
	created state = iota
	running
	stopped
)

type worker struct {
	queue   string
	options Options // with defaults
	core    *client.Core
	// refusal is why the worker cannot start, nil if it can.
	refusal  error
	registry *registry
	client   client.Client
	versions *versions
	// interceptors see what the worker runs, the first one first.
	interceptors []interceptor.WorkerInterceptor

	// sides counts the goroutines of the workflow and the activity side.
	sides sync.WaitGroup
	// ended is closed by the first Stop, and by a failure.
	ended chan struct{}

	mu      sync.Mutex // guards the rest
	state   state
	stop    context.CancelFunc
	failure error
}

func (w *worker) RegisterWorkflow(f interface{}) {
	w.registry.addWorkflow(f, workflow.RegisterOptions{})
}

func (w *worker) RegisterWorkflowWithOptions(f interface{}, options workflow.RegisterOptions) {
	w.registry.addWorkflow(f, options)
}

func (w *worker) RegisterActivity(a interface{}) {
	w.registry.addActivity(a, activity.RegisterOptions{})
}

func (w *worker) RegisterActivityWithOptions(a interface{}, options activity.RegisterOptions) {
	w.registry.addActivity(a, options)
}

func (w *worker) RegisterDynamicWorkflow(f interface{}, options workflow.DynamicRegisterOptions) {
	w.registry.addDynamicWorkflow(f, options)
}

func (w *worker) RegisterDynamicActivity(a interface{}, options activity.DynamicRegisterOptions) {
	w.registry.addDynamicActivity(a, options)
}

func (w *worker) Start() error {
	if w.refusal != nil {
		return fmt.Errorf("start worker of task queue %q: %w", w.queue, w.refusal)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.state {
	case running:
		return nil
	case stopped:
		return fmt.Errorf("start worker of task queue %q: %w", w.queue, ErrWorkerShutdown)
	}
	sides, err := w.newSides()
	if err != nil {
		return fmt.Errorf("start worker of task queue %q: %w", w.queue, err)
	}
	// The worker outlives the call of Start: Stop ends it.
	ctx, stop := context.WithCancel(context.Background())
	w.stop, w.state = stop, running
	for _, run := range sides {
		w.sides.Go(func() {
			err := run(ctx)
			switch {
			case err == nil:
			case ctx.Err() == nil:
				w.fail(err)
			default: // told to stop, which interrupts what it was doing
				w.core.Logger.Warn("worker did not stop cleanly", "taskQueue", w.queue, "error", err)
			}
		})
	}
	return nil
}

// newSides are the loops of the sides that something is registered for.
func (w *worker) newSides() ([]func(context.Context) error, error) {
	logger := log.With(w.core.Logger, "taskQueue", w.queue, "identity", w.options.Identity)
	workflows, activityTypes := w.registry.types()
	var sides []func(context.Context) error
	var eager coordinator.EagerRunner
	// changed are told when the table of deployments is another.
	var changed []func()
	runsWorkflows, runsActivities := w.registry.serves()
	if err := w.checkGateway(runsWorkflows); err != nil {
		return nil, err
	}
	decides, acts := runsWorkflows && !w.options.DisableWorkflowWorker, runsActivities && !w.options.LocalActivityWorkerOnly
	if err := w.registerVersion(decides, acts); err != nil {
		return nil, err
	}
	if acts {
		a := w.newActivitiesOf(w.queue, logger)
		sides = append(sides, a.run)
		if w.options.DeploymentOptions.UseVersioning {
			a.lanes, changed = w.versions.lanes, append(changed, a.relane)
		}
		if !w.options.DisableEagerActivities && w.options.TaskQueueActivitiesPerSecond == 0 {
			eager = a
		}
	}
	if w.options.EnableSessionWorker {
		more, err := w.sessionSides(logger)
		if err != nil {
			return nil, err
		}
		sides = append(sides, more...)
	}
	if decides {
		h, err := w.newHomes(logger, eager)
		if err != nil {
			return nil, err
		}
		sides, changed = append(sides, h.run), append(changed, h.changed)
	}
	if len(changed) > 0 {
		sides = append(sides, func(ctx context.Context) error {
			w.versions.watch(ctx, w.core.Streams, logger, func() {
				for _, tell := range changed {
					tell()
				}
			})
			return nil
		})
	}
	if len(sides) == 0 {
		logger.Warn("worker has nothing to do: no workflow and no activity is registered")
	}
	if h := w.measured(); h != nil {
		h.Counter(metrics.WorkerStart).Inc(1)
	}
	logger.Info("worker started", "namespace", w.core.Namespace, "durability", w.durability(), "workflows", workflows, "activities", activityTypes)
	return sides, nil
}

// archivedPerRun is how many bytes of records of open runs that left the cache are kept, for each run that it has room for.
const archivedPerRun = 32 << 10

func (w *worker) coordinatorConfig(logger log.Logger, eager coordinator.EagerRunner) coordinator.Config {
	stopTimeout := max(w.options.WorkerStopTimeout, 1) // 0 would be its default
	if eager != nil {
		// It has to take note of what becomes of activities that are ended then.
		stopTimeout += returnGrace + reportGrace
	}
	return coordinator.Config{
		Queue:           w.queue,
		Definition:      w.registry.workflow,
		Local:           w.newLocalActivities(logger),
		MaxConcurrent:   w.options.MaxConcurrentWorkflowTaskExecutionSize,
		DeadlockTimeout: w.options.DeadlockDetectionTimeout,
		FailDiverged:    w.options.WorkflowPanicPolicy == FailWorkflow,
		CacheSize:       w.options.WorkflowCacheSize,
		ArchiveSize:     w.options.WorkflowCacheSize * archivedPerRun,
		StopTimeout:     stopTimeout,
		MaxPayload:      w.core.Payloads.MaxSize(),
		MaxAside:        w.core.Streams.Limits().MaxAside,
		MaxFailure:      w.core.Streams.Limits().MaxPayload,
		Payloads:        w.core.Payloads,
		Eager:           eager,
		MaxEager:        w.options.maxEager(),
		Gate:            w.core.Gate,
		Versions:        w.versions,
		Stuck: func(cause coordinator.Cause) {
			metrics.Stuck(w.core.MetricsHandler, w.core.Namespace, w.queue, string(cause)).Inc(1)
		},
		Metrics: w.measured(),
		Logger:  logger,
	}
}

func (w *worker) newActivitiesOf(queue string, logger log.Logger) *activities {
	var b broker
	if w.core.Gateway == nil {
		b = onStreams{w.core.Streams}
	} else {
		b = w.newThroughGateway(logger)
	}
	a := newActivities(b, queue, w.options, logger)
	a.borrows = w.core.Gateway != nil
	if w.core.Streams != nil {
		builds := []string{""}
		if own := w.versions.own.BuildID; own != "" {
			builds = append(builds, own)
		}
		a.used = newUsedLanes(w.core.Streams, queue, builds...)
		a.shared = newQueueRate(w.options.TaskQueueActivitiesPerSecond, func(ctx context.Context, turns int, length time.Duration) (time.Time, error) {
			return w.core.Streams.TakeTurns(ctx, queue, turns, length)
		}, logger)
	}
	a.namespace, a.find = w.core.Namespace, w.registry.activity
	a.dataConverter, a.failureConverter = w.core.DataConverter, w.core.FailureConverter
	_, a.aware = a.dataConverter.(workflow.ContextAware)
	a.contextual = contextual(w.core)
	if s := w.options.activitySupply; s != nil {
		s.queue, s.build, s.identity = w.queue, w.options.DeploymentOptions.Version.BuildID, w.options.Identity
		s.logger, s.metrics = logger, w.core.MetricsHandler
		a.slots.supply = s
	}
	a.client, a.metrics, a.gate = w.client, w.core.MetricsHandler, w.core.Gate
	a.propagators, a.intercept = w.core.ContextPropagators, interceptActivity(w.interceptors)
	a.payloads, a.maxPayload, a.maxFailure = w.core.Payloads, w.core.Payloads.MaxSize(), w.messageLimit()
	return a
}

// messageLimit is how large the failure of an activity may be.
func (w *worker) messageLimit() int {
	if w.core.Streams == nil {
		return maxPayload
	}
	return min(maxPayload, w.core.Streams.Limits().MaxFailure)
}

// fail stops a worker one of whose sides cannot go on, and tells whoever wants to know. The first failure counts.
func (w *worker) fail(err error) {
	w.mu.Lock()
	first := w.failure == nil
	if first {
		w.failure = fmt.Errorf("worker of task queue %q: %w", w.queue, err)
	}
	failure := w.failure
	w.mu.Unlock()
	if !first {
		return
	}
	w.core.Logger.Error("worker cannot go on and stops", "taskQueue", w.queue, "error", err)
	if w.options.OnFatalError != nil {
		w.options.OnFatalError(failure)
	}
	w.halt()
}

// halt tells everything to end.
func (w *worker) halt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != stopped {
		close(w.ended)
	}
	w.state = stopped
	if w.stop != nil {
		w.stop()
	}
}

func (w *worker) Run(interruptCh <-chan interface{}) error {
	return w.runUntil(interruptCh, w.Start, w.Stop)
}

func (w *worker) runUntil(interruptCh <-chan interface{}, start func() error, stop func()) error {
	if err := start(); err != nil {
		return err
	}
	select {
	case s := <-interruptCh:
		w.core.Logger.Info("worker is told to stop", "taskQueue", w.queue, "by", fmt.Sprint(s))
	case <-w.ended:
	}
	stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failure
}

func (w *worker) Stop() {
	w.halt()
	w.sides.Wait()
}
