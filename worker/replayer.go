package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/enums"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/export"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/payloads"
	"github.com/millrace-dev/millrace/internal/replay"
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
	// ReplayWorkflowRun reads a run, open or closed, and replays it. An empty runID is the workflow ID's newest run.
	ReplayWorkflowRun(ctx context.Context, c client.Client, logger log.Logger, workflowID, runID string) error
}

// WorkflowReplayerOptions configure a replayer. The zero value fits histories written with the default converter.
type WorkflowReplayerOptions struct {
	// DataConverter decodes what the history holds. Default converter.GetDefaultDataConverter().
	DataConverter converter.DataConverter
	// FailureConverter decodes errors. Default: millrace's, with DataConverter.
	FailureConverter converter.FailureConverter
	// EnableLoggingInReplay lets workflow.GetLogger write; all of a replay is replay.
	EnableLoggingInReplay bool
}

// NewWorkflowReplayer returns a replayer with default options.
func NewWorkflowReplayer() WorkflowReplayer {
	return NewWorkflowReplayerWithOptions(WorkflowReplayerOptions{})
}

// NewWorkflowReplayerWithOptions returns a replayer.
func NewWorkflowReplayerWithOptions(options WorkflowReplayerOptions) WorkflowReplayer {
	return &replayer{newRegistry(workflow.DefinitionOptions{
		DataConverter:         options.DataConverter,
		FailureConverter:      options.FailureConverter,
		EnableLoggingInReplay: options.EnableLoggingInReplay,
	})}
}

type replayer struct{ registry *registry }

func (r *replayer) RegisterWorkflow(w interface{}) {
	r.RegisterWorkflowWithOptions(w, workflow.RegisterOptions{})
}

func (r *replayer) RegisterWorkflowWithOptions(w interface{}, options workflow.RegisterOptions) {
	r.registry.addWorkflow(w, options)
}

func (r *replayer) RegisterDynamicWorkflow(w interface{}, options workflow.DynamicRegisterOptions) {
	r.registry.addDynamicWorkflow(w, options)
}

func (r *replayer) RegisterActivity(a interface{}) {
	r.RegisterActivityWithOptions(a, activity.RegisterOptions{})
}

func (r *replayer) RegisterActivityWithOptions(a interface{}, options activity.RegisterOptions) {
	r.registry.addActivity(a, options)
}

func (r *replayer) ReplayWorkflowHistoryFromJSONFile(logger log.Logger, jsonfileName string) error {
	data, err := os.ReadFile(jsonfileName)
	if err != nil {
		return fmt.Errorf("replay history: %w", err)
	}
	var h apihistory.History
	if err := json.Unmarshal(data, &h); err != nil {
		return fmt.Errorf("replay history %s: %w", jsonfileName, err)
	}
	if err := r.ReplayWorkflowHistory(logger, &h); err != nil {
		return fmt.Errorf("%s: %w", jsonfileName, err)
	}
	return nil
}

func (r *replayer) ReplayWorkflowRun(ctx context.Context, c client.Client, logger log.Logger, workflowID, runID string) error {
	var h apihistory.History
	events := c.GetWorkflowHistory(ctx, workflowID, runID, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return fmt.Errorf("replay workflow %q: %w", workflowID, err)
		}
		h.Events = append(h.Events, e)
	}
	start, transitions, err := export.Transitions(h.Events)
	if err != nil {
		return fmt.Errorf("replay workflow %q: %w", workflowID, err)
	}
	limit := payloads.DefaultMaxSize
	if core, err := client.CoreOf(c); err == nil {
		limit = core.Payloads.MaxSize()
		if start, err = core.Payloads.Restore(ctx, start, transitions); err != nil {
			return fmt.Errorf("replay run %s: %w", start.Run.Run, err)
		}
	}
	return r.replay(logger, start, transitions, limit)
}

func (r *replayer) ReplayWorkflowHistory(logger log.Logger, h *apihistory.History) error {
	start, transitions, err := export.Transitions(h.Events)
	if err != nil {
		return fmt.Errorf("replay history: %w", err)
	}
	if payloads.Refer(start, transitions) {
		return fmt.Errorf("replay run %s: its history refers to payloads that are stored outside it: use ReplayWorkflowRun", start.Run.Run)
	}
	return r.replay(logger, start, transitions, payloads.DefaultMaxSize)
}

func (r *replayer) replay(logger log.Logger, start *history.Start, transitions []*history.Transition, maxPayload int) error {
	body, known := r.registry.workflow(start.Type)
	if !known {
		return fmt.Errorf("replay run %s: workflow type %q is not registered with the replayer", start.Run.Run, start.Type)
	}
	m := replay.New(replay.Config{Start: start, Body: body, MaxPayload: maxPayload})
	defer m.Destroy()
	for _, t := range transitions {
		if err := m.Apply(t); err != nil {
			var panicked *replay.PanicError
			if errors.As(err, &panicked) && logger != nil {
				logger.Error("workflow code panicked", "run", start.Run.Run.String(), "stack", panicked.Stack)
			}
			return fmt.Errorf("replay history: %w", err)
		}
	}
	if logger != nil {
		logger.Info("history replayed", "run", start.Run.Run.String(), "type", start.Type, "transitions", len(transitions))
	}
	return nil
}
