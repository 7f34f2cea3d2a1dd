package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/schedule"
)

// scheduleTimeout bounds what is asked of a schedule when the caller's context has no deadline.
const scheduleTimeout = 10 * time.Second

// scheduleClient is a ScheduleClient of a client that may not be connected.
type scheduleClient struct {
	connect func(context.Context) (*workflowClient, error)
}

// ScheduleClient is documented at Client.
func (c *workflowClient) ScheduleClient() ScheduleClient {
	return scheduleClient{func(context.Context) (*workflowClient, error) { return c, nil }}
}

// ScheduleClient is documented at Client.
func (l *lazyClient) ScheduleClient() ScheduleClient {
	return scheduleClient{func(ctx context.Context) (*workflowClient, error) { return unwrap(ctx, l) }}
}

// system is a client for what daemons have to understand: it has the default data converter, and no interceptors.
func (c *workflowClient) system() (*workflowClient, error) {
	s := &workflowClient{conn: c.conn, ns: c.ns, options: Options{Namespace: c.options.Namespace, Identity: c.options.Identity,
		Logger: c.options.Logger, ConnectionOptions: ConnectionOptions{Conn: c.conn}}.withDefaults()}
	return s, s.openPayloads(false)
}

// Create is documented at ScheduleClient.
func (s scheduleClient) Create(ctx context.Context, options ScheduleOptions) (ScheduleHandle, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("create schedule %q: %w", options.ID, err)
	}
	if c.interceptor != nil {
		return c.interceptor.CreateSchedule(outgoing(ctx), &CreateScheduleInput{Options: &options})
	}
	return c.createSchedule(ctx, options)
}

func (c *workflowClient) createSchedule(ctx context.Context, o ScheduleOptions) (ScheduleHandle, error) {
	if err := c.startSchedule(ctx, o); err != nil {
		return nil, fmt.Errorf("create schedule %q: %w", o.ID, err)
	}
	return c.ScheduleClient().GetHandle(ctx, o.ID), nil
}

func (c *workflowClient) startSchedule(ctx context.Context, o ScheduleOptions) error {
	state, err := c.newSchedule(ctx, o)
	if err != nil {
		return err
	}
	system, err := c.system()
	if err != nil {
		return err
	}
	_, err = system.ExecuteWorkflow(ctx, StartWorkflowOptions{ID: schedule.WorkflowID(o.ID), TaskQueue: schedule.TaskQueue,
		WorkflowExecutionErrorWhenAlreadyStarted: true}, schedule.WorkflowType, state)
	if millrace.IsWorkflowExecutionAlreadyStartedError(err) {
		return millrace.ErrScheduleAlreadyRunning
	}
	return err
}

// GetHandle is documented at ScheduleClient.
func (s scheduleClient) GetHandle(_ context.Context, scheduleID string) ScheduleHandle {
	return &scheduleHandle{id: scheduleID, connect: s.connect}
}

// scheduleHandle is a ScheduleHandle.
type scheduleHandle struct {
	id      string
	connect func(context.Context) (*workflowClient, error)
}

func (h *scheduleHandle) GetID() string { return h.id }

// Delete is documented at ScheduleHandle.
func (h *scheduleHandle) Delete(ctx context.Context) error {
	return h.do(ctx, "delete", func(ctx context.Context, _, system *workflowClient) error {
		return system.TerminateWorkflow(ctx, schedule.WorkflowID(h.id), "", "schedule deleted")
	})
}

// Pause is documented at ScheduleHandle.
func (h *scheduleHandle) Pause(ctx context.Context, options SchedulePauseOptions) error {
	if options.Note == "" {
		options.Note = "paused by a client"
	}
	return h.update(ctx, schedule.UpdatePause, schedule.Pause{Paused: true, Note: options.Note})
}

// Unpause is documented at ScheduleHandle.
func (h *scheduleHandle) Unpause(ctx context.Context, options ScheduleUnpauseOptions) error {
	if options.Note == "" {
		options.Note = "unpaused by a client"
	}
	return h.update(ctx, schedule.UpdatePause, schedule.Pause{Note: options.Note})
}

// Trigger is documented at ScheduleHandle.
func (h *scheduleHandle) Trigger(ctx context.Context, options ScheduleTriggerOptions) error {
	if err := schedule.CheckOverlap(options.Overlap); err != nil {
		return serviceerror.NewInvalidArgument("ScheduleTriggerOptions.Overlap: " + err.Error())
	}
	return h.update(ctx, schedule.UpdateTrigger, schedule.Trigger{Overlap: options.Overlap})
}

// Backfill is documented at ScheduleHandle.
func (h *scheduleHandle) Backfill(ctx context.Context, options ScheduleBackfillOptions) error {
	list, err := backfills(options.Backfill)
	if err != nil {
		return serviceerror.NewInvalidArgument("ScheduleBackfillOptions." + err.Error())
	}
	return h.update(ctx, schedule.UpdateBackfill, list)
}

// Update is documented at ScheduleHandle.
func (h *scheduleHandle) Update(ctx context.Context, options ScheduleUpdateOptions) error {
	if options.DoUpdate == nil {
		return serviceerror.NewInvalidArgument("ScheduleUpdateOptions.DoUpdate is nil")
	}
	c, err := h.connect(ctx)
	if err != nil {
		return err
	}
	description, err := h.Describe(ctx)
	if err != nil {
		return err
	}
	update, err := options.DoUpdate(ScheduleUpdateInput{Description: *description})
	if errors.Is(err, millrace.ErrSkipScheduleUpdate) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("update schedule %q: %w", h.id, err)
	}
	change, err := c.scheduleChange(ctx, &description.Schedule, update)
	if err != nil {
		return fmt.Errorf("update schedule %q: %w", h.id, err)
	}
	return h.update(ctx, schedule.UpdateChange, change)
}

// Describe is documented at ScheduleHandle.
func (h *scheduleHandle) Describe(ctx context.Context) (d *ScheduleDescription, err error) {
	err = h.do(ctx, "describe", func(ctx context.Context, c, system *workflowClient) error {
		state, err := system.scheduleState(ctx, h.id)
		if err == nil {
			d, err = c.describeSchedule(ctx, state)
		}
		return err
	})
	return d, err
}

// update has the schedule's run change its state, and returns when it has.
func (h *scheduleHandle) update(ctx context.Context, name string, arg any) error {
	return h.do(ctx, name, func(ctx context.Context, _, system *workflowClient) error {
		u, err := system.UpdateWorkflow(ctx, UpdateWorkflowOptions{WorkflowID: schedule.WorkflowID(h.id), UpdateName: name,
			UpdateID: uuid.NewString(), Args: []any{arg}, WaitForStage: WorkflowUpdateStageCompleted})
		if err == nil {
			err = u.Get(ctx, nil)
		}
		var late *WorkflowUpdateServiceTimeoutOrCanceledError
		if errors.As(err, &late) {
			return fmt.Errorf("no answer, and it may still be done: is `millrace daemon` running? %w", err)
		}
		return err
	})
}

func (h *scheduleHandle) do(ctx context.Context, what string, f func(ctx context.Context, c, system *workflowClient) error) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, scheduleTimeout)
		defer cancel()
	}
	c, err := h.connect(ctx)
	var system *workflowClient
	if err == nil {
		system, err = c.system()
	}
	if err == nil {
		err = f(ctx, c, system)
	}
	if err != nil {
		return fmt.Errorf("%s schedule %q: %w", what, h.id, err)
	}
	return nil
}

// scheduleState asks a schedule's run, or the one that has taken over in the meantime.
func (c *workflowClient) scheduleState(ctx context.Context, id string) (*schedule.State, error) {
	for {
		response, err := c.QueryWorkflowWithOptions(ctx, &QueryWorkflowWithOptionsRequest{WorkflowID: schedule.WorkflowID(id),
			QueryType: schedule.QueryDescribe, QueryRejectCondition: enums.QUERY_REJECT_CONDITION_NOT_OPEN})
		if err != nil {
			return nil, err
		}
		if response.QueryRejected == nil {
			state := new(schedule.State)
			return state, response.QueryResult.Get(state)
		}
		if response.QueryRejected.Status != enums.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW {
			return nil, serviceerror.NewNotFound(fmt.Sprintf("there is no schedule %q in namespace %q", id, c.ns.Name()))
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond): // the successor is about to be started
		}
	}
}

// stillRunning leaves out the runs that have closed since the schedule last looked.
func (c *workflowClient) stillRunning(ctx context.Context, runs []schedule.Run) (open []ScheduleWorkflowExecution, err error) {
	for _, r := range runs {
		end, err := c.scheduledOutcome(ctx, r)
		if err != nil {
			return nil, err
		}
		if end == nil {
			open = append(open, ScheduleWorkflowExecution{WorkflowID: r.WorkflowID, FirstExecutionRunID: r.RunID})
		}
	}
	return open, nil
}
