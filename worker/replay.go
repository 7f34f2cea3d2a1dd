package worker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/coordinator"
	"github.com/millrace-dev/millrace/internal/export"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/payloads"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/workflow"
)

func (r *replayer) ReplayWorkflowHistoryFromJSONFile(logger log.Logger, jsonfileName string) error {
	return r.ReplayPartialWorkflowHistoryFromJSONFile(logger, jsonfileName, 0)
}

func (r *replayer) ReplayPartialWorkflowHistoryFromJSONFile(logger log.Logger, jsonfileName string, lastEventID int64) error {
	data, err := os.ReadFile(jsonfileName)
	if err != nil {
		return fmt.Errorf("replay history: %w", err)
	}
	var h apihistory.History
	if err := json.Unmarshal(data, &h); err != nil {
		return fmt.Errorf("replay history %s: %w", jsonfileName, err)
	}
	if err := cut(&h, lastEventID); err != nil {
		return fmt.Errorf("replay history %s: %w", jsonfileName, err)
	}
	if err := r.ReplayWorkflowHistory(logger, &h); err != nil {
		return fmt.Errorf("%s: %w", jsonfileName, err)
	}
	return nil
}

// cut leaves of a history the transitions that have nothing after the event last, 0 for all of them.
func cut(h *apihistory.History, last int64) error {
	if last == 0 || last >= int64(len(h.Events)) {
		return nil
	}
	if last < 1 {
		return fmt.Errorf("the last event is %d: it must be 0, for all, or at least 1", last)
	}
	n, torn := int(last), h.Events[last].TransitionNumber
	for n > 1 && h.Events[n-1].TransitionNumber == torn {
		n--
	}
	h.Events = h.Events[:n]
	return nil
}

func (r *replayer) ReplayWorkflowHistory(logger log.Logger, h *apihistory.History) error {
	return r.ReplayWorkflowHistoryWithOptions(logger, h, ReplayWorkflowHistoryOptions{})
}

func (r *replayer) ReplayWorkflowHistoryWithOptions(logger log.Logger, h *apihistory.History, options ReplayWorkflowHistoryOptions) error {
	o := PluginReplayWorkflowOptions{History: h, Logger: logger, OriginalExecution: options.OriginalExecution}
	return r.surrounded(context.Background(), o, func(ctx context.Context, o PluginReplayWorkflowOptions) error {
		start, transitions, err := export.Transitions(o.History.GetEvents())
		if err != nil {
			return fmt.Errorf("replay history: %w", err)
		}
		rename(start, transitions, o.OriginalExecution)
		if payloads.Refer(start, transitions) {
			if r.stored == nil {
				return fmt.Errorf("replay run %s: its history refers to payloads that are stored outside it: use ReplayWorkflowRun, or "+
					"WorkflowReplayerOptions.ExternalStorage", start.Run.Run)
			}
			if start, err = r.stored.Restore(ctx, start, transitions); err != nil {
				return fmt.Errorf("replay run %s: %w", start.Run.Run, err)
			}
		}
		return r.replay(o, start, transitions, payloads.DefaultMaxSize)
	})
}

// rename lets a history be that of another run, as far as the other is given.
func rename(start *history.Start, transitions []*history.Transition, as workflow.Execution) {
	if as.ID != "" {
		start.Run.WorkflowID = as.ID
	}
	if as.RunID == "" {
		return
	}
	start.Run.RunID = as.RunID
	for _, t := range transitions {
		t.RunID = as.RunID
	}
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
	o := PluginReplayWorkflowOptions{History: &h, Logger: logger}
	core, err := client.CoreOf(c)
	if err == nil {
		o.Namespace = core.Namespace
	}
	return r.surrounded(ctx, o, func(ctx context.Context, o PluginReplayWorkflowOptions) error {
		start, transitions, err := export.Transitions(o.History.GetEvents())
		if err != nil {
			return fmt.Errorf("replay workflow %q: %w", workflowID, err)
		}
		limit := payloads.DefaultMaxSize
		if core != nil {
			limit = core.Payloads.MaxSize()
			if start, err = core.Payloads.Restore(ctx, start, transitions); err != nil {
				return fmt.Errorf("replay run %s: %w", start.Run.Run, err)
			}
		}
		return r.replay(o, start, transitions, limit)
	})
}

func (r *replayer) replay(o PluginReplayWorkflowOptions, start *history.Start, transitions []*history.Transition, maxPayload int) error {
	definition, known := r.registry.workflowDefinition(start.Type)
	if !known {
		return fmt.Errorf("replay run %s: workflow type %q is not registered with the replayer", start.Run.Run, start.Type)
	}
	logger, body := o.Logger, definition.In(cmp.Or(o.Namespace, client.DefaultNamespace)).Body()
	m := replay.New(replay.Config{Start: start, Body: body, MaxPayload: maxPayload})
	if err := r.apply(m, transitions); err != nil {
		var panicked *replay.PanicError
		if errors.As(err, &panicked) && logger != nil {
			logger.Error("workflow code panicked", "run", start.Run.Run.String(), "stack", panicked.Stack)
		}
		return fmt.Errorf("replay history: %w", err)
	}
	if logger != nil {
		logger.Info("history replayed", "run", start.Run.Run.String(), "type", start.Type, "transitions", len(transitions))
	}
	return nil
}

// apply runs the transitions through the machine and destroys it. It gives up on code that blocks: the goroutine that the
// code is in then stays behind with the machine, since nobody can end it.
func (r *replayer) apply(m *replay.Machine, transitions []*history.Transition) error {
	var progress atomic.Int64 // transitions that have begun
	all := func() error {
		defer m.Destroy()
		for _, t := range transitions {
			progress.Add(1)
			if err := m.Apply(t); err != nil {
				return err
			}
		}
		return nil
	}
	if r.options.DisableDeadlockDetection {
		return all()
	}
	done := make(chan error, 1)
	go func() { done <- all() }()
	tick := time.NewTicker(defaultDeadlock)
	defer tick.Stop()
	for seen := int64(-1); ; {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			at := progress.Load()
			if at == seen && !m.Converting() {
				return coordinator.NewBlockedError(m, defaultDeadlock)
			}
			seen = at
		}
	}
}
