package client

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/internal/schedule"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/workflow"
)

// List is documented at ScheduleClient.
func (s scheduleClient) List(ctx context.Context, options ScheduleListOptions) (ScheduleListIterator, error) {
	if options.Query != "" {
		return nil, serviceerror.NewInvalidArgument(fmt.Sprintf("ScheduleListOptions.Query is %q: schedules cannot be searched yet", options.Query))
	}
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	system, err := c.system()
	if err != nil {
		return nil, err
	}
	ids, err := c.openSchedules(ctx)
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", serviceError(err))
	}
	return &scheduleIterator{ctx: ctx, client: system, ids: ids}, nil
}

// openSchedules are the IDs of the schedules, newest first.
func (c *workflowClient) openSchedules(ctx context.Context) (ids []string, err error) {
	prefix := schedule.WorkflowID("")
	for start, err := range c.ns.ListStarts(ctx, streams.StartFilter{Queue: schedule.TaskQueue}) {
		if err != nil {
			return nil, err
		}
		id, ours := strings.CutPrefix(start.Run.WorkflowID, prefix)
		if !ours || start.Type != schedule.WorkflowType || !start.Checked {
			continue
		}
		closed, err := streams.RunClosed(ctx, c.ns, start.Run.Run)
		if err != nil {
			return nil, err
		}
		if closed == nil {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// scheduleIterator is a ScheduleListIterator.
type scheduleIterator struct {
	ctx    context.Context // of the List that it belongs to
	client *workflowClient
	ids    []string
	// entry or err is what Next returns, once HasNext has looked.
	entry *ScheduleListEntry
	err   error
}

func (i *scheduleIterator) HasNext() bool {
	for i.entry == nil && i.err == nil && len(i.ids) > 0 {
		id := i.ids[0]
		i.ids = i.ids[1:]
		entry, err := i.client.scheduleEntry(i.ctx, id)
		var gone *serviceerror.NotFound
		if errors.As(err, &gone) {
			continue // deleted since
		}
		if err != nil {
			i.err, i.ids = fmt.Errorf("list schedules: schedule %q: %w", id, err), nil
			continue
		}
		i.entry = entry
	}
	return i.entry != nil || i.err != nil
}

func (i *scheduleIterator) Next() (*ScheduleListEntry, error) {
	if !i.HasNext() {
		return nil, serviceerror.NewNotFound("list schedules: there are no more")
	}
	entry, err := i.entry, i.err
	i.entry, i.err = nil, nil
	return entry, err
}

func (c *workflowClient) scheduleEntry(ctx context.Context, id string) (*ScheduleListEntry, error) {
	s, err := c.scheduleState(ctx, id)
	if err != nil {
		return nil, err
	}
	next, err := nextActions(s, 5)
	if err != nil {
		return nil, err
	}
	spec := publicSpec(s.Spec)
	return &ScheduleListEntry{ID: s.ID, Spec: &spec, Note: s.Note, Paused: s.Paused, WorkflowType: workflow.Type{Name: s.Action.Type},
		RecentActions: publicTaken(s.Recent[max(len(s.Recent)-5, 0):]), NextActionTimes: next, Memo: s.Memo, SearchAttributes: s.Search}, nil
}
