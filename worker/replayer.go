package worker

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/activity"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/internal/payloads"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

// WorkflowReplayer runs histories through local workflow code, without a broker's help, and says where the two
// diverge: a change of code can be tried on the histories of real runs before it is deployed. It is safe for
// concurrent use once everything is registered.
type WorkflowReplayer interface {
	// RegisterWorkflow registers a workflow function under its own name, as a worker does.
	RegisterWorkflow(w interface{})
	// RegisterWorkflowWithOptions registers a workflow function.
	RegisterWorkflowWithOptions(w interface{}, options workflow.RegisterOptions)
	// RegisterActivity registers an activity function, or the methods of a struct. A replay runs none; it is needed
	// only for workflow code that calls, by its function, an activity which workers register under another name.
	RegisterActivity(a interface{})
	// RegisterActivityWithOptions registers an activity function, or the methods of a struct.
	RegisterActivityWithOptions(a interface{}, options activity.RegisterOptions)
	// RegisterDynamicWorkflow registers what runs workflows whose types are not registered, as a worker does.
	RegisterDynamicWorkflow(w interface{}, options workflow.DynamicRegisterOptions)
	// ReplayWorkflowHistory replays a history from its first event. The error names the first event that differs, what
	// is recorded and what the code decides now; or it is a panic of the code. A history that refers to payloads which are
	// stored outside it cannot be replayed by itself.
	ReplayWorkflowHistory(logger log.Logger, history *apihistory.History) error
	// ReplayWorkflowHistoryFromJSONFile replays a history that `millrace workflow show -o json` has written.
	ReplayWorkflowHistoryFromJSONFile(logger log.Logger, jsonfileName string) error
	// ReplayWorkflowHistoryWithOptions is ReplayWorkflowHistory with options.
	ReplayWorkflowHistoryWithOptions(logger log.Logger, history *apihistory.History, options ReplayWorkflowHistoryOptions) error
	// ReplayPartialWorkflowHistoryFromJSONFile is ReplayWorkflowHistoryFromJSONFile up to the event lastEventID, which is
	// replayed, too; 0 means all. What was decided together is replayed together: events that were appended along with one
	// after lastEventID are left out.
	ReplayPartialWorkflowHistoryFromJSONFile(logger log.Logger, jsonfileName string, lastEventID int64) error
	// ReplayWorkflowRun reads a run, open or closed, and replays it. An empty runID is the workflow ID's newest run. It
	// stands for Temporal's ReplayWorkflowExecution, which takes a gRPC client.
	ReplayWorkflowRun(ctx context.Context, c client.Client, logger log.Logger, workflowID, runID string) error
}

// WorkflowReplayerOptions configure a replayer. The zero value fits histories written with the default converter.
type WorkflowReplayerOptions struct {
	// DataConverter decodes what the history holds. Default converter.GetDefaultDataConverter().
	DataConverter converter.DataConverter
	// FailureConverter decodes errors. Default: millrace's, with DataConverter.
	FailureConverter converter.FailureConverter
	// ContextPropagators are those of the client with which the run was made. Default: none.
	ContextPropagators []workflow.ContextPropagator
	// Interceptors see what the workflows do; the first one sees it first. Those that call the workflow API must be those
	// of the workers. Default: none.
	Interceptors []interceptor.WorkerInterceptor
	// DisableRegistrationAliasing is that of the worker's Options.
	DisableRegistrationAliasing bool
	// EnableLoggingInReplay lets workflow.GetLogger write; all of a replay is replay.
	EnableLoggingInReplay bool
	// DisableDeadlockDetection lets workflow code take its time, for example in a debugger. Otherwise a replay fails when the
	// code runs for a second without a call of package workflow.
	DisableDeadlockDetection bool
	// Plugins set the replayer up and surround each replay; the first one is the outermost. Default: none.
	Plugins []Plugin
	// ExternalStorage has the drivers by which payloads that are stored outside the history are fetched. What is stored
	// in NATS only ReplayWorkflowRun can fetch. Default: none.
	ExternalStorage converter.ExternalStorage
}

// ReplayWorkflowHistoryOptions are options of WorkflowReplayer.ReplayWorkflowHistoryWithOptions.
type ReplayWorkflowHistoryOptions struct {
	// OriginalExecution is the run that the code is told it is, where a field is not empty. Default: that of the history.
	OriginalExecution workflow.Execution
}

// NewWorkflowReplayer returns a replayer with default options.
func NewWorkflowReplayer() WorkflowReplayer {
	return newReplayer(WorkflowReplayerOptions{})
}

// NewWorkflowReplayerWithOptions returns a replayer. It fails with what a plugin has to say, and for storage drivers that
// cannot be told apart.
func NewWorkflowReplayerWithOptions(options WorkflowReplayerOptions) (WorkflowReplayer, error) {
	key := uuid.NewString()
	options, hooks, err := configureReplayer(key, options)
	if err != nil {
		return nil, fmt.Errorf("make workflow replayer: %w", err)
	}
	r := newReplayer(options)
	r.key, r.hooks = key, hooks
	if len(options.ExternalStorage.Drivers) > 0 {
		if r.stored, err = payloads.New(payloads.NoBackend{}, payloads.Options{External: options.ExternalStorage}); err != nil {
			return nil, fmt.Errorf("make workflow replayer: WorkflowReplayerOptions.ExternalStorage: %w", err)
		}
	}
	return r, nil
}

func newReplayer(options WorkflowReplayerOptions) *replayer {
	r := &replayer{options: options, registry: newRegistry(workflow.DefinitionOptions{
		DataConverter:         options.DataConverter,
		FailureConverter:      options.FailureConverter,
		ContextPropagators:    options.ContextPropagators,
		Intercept:             interceptWorkflow(options.Interceptors),
		EnableLoggingInReplay: options.EnableLoggingInReplay,
	})}
	r.registry.unaliased = options.DisableRegistrationAliasing
	return r
}

type replayer struct {
	options  WorkflowReplayerOptions
	registry *registry
	// key and hooks are for the plugins.
	key   string
	hooks []PluginConfigureWorkflowReplayerRegistryOptions
	// stored fetches payloads from the drivers of the options, nil without any.
	stored *payloads.Store
}

func (r *replayer) RegisterWorkflow(w interface{}) {
	r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{})
}

func (r *replayer) RegisterWorkflowWithOptions(w interface{}, options workflow.RegisterOptions) {
	r.registry.addWorkflow(w, options)
	for _, h := range r.hooks {
		if h.OnRegisterWorkflow != nil {
			h.OnRegisterWorkflow(w, options)
		}
	}
}

func (r *replayer) RegisterDynamicWorkflow(w interface{}, options workflow.DynamicRegisterOptions) {
	r.registry.addDynamicWorkflow(w, options)
	for _, h := range r.hooks {
		if h.OnRegisterDynamicWorkflow != nil {
			h.OnRegisterDynamicWorkflow(w, options)
		}
	}
}

func (r *replayer) RegisterActivity(a interface{}) {
	r.RegisterActivityWithOptions(a, activity.RegisterOptions{})
}

func (r *replayer) RegisterActivityWithOptions(a interface{}, options activity.RegisterOptions) {
	r.registry.addActivity(a, options)
}
