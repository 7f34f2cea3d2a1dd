package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/api/enums"
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/export"
	"github.com/millrace-dev/millrace/streams"
)

// readHistory reads a run: the exact one, or with an empty run ID the newest.
func (c *workflowClient) readHistory(ctx context.Context, workflowID, runID string) (*streams.StoredRun, error) {
	found, err := c.find(ctx, workflowID, runID)
	if err != nil {
		return nil, err
	}
	return streams.ReadRun(ctx, c.ns, found)
}

// isClosed says whether the run's last transition ends it.
func isClosed(r *streams.StoredRun) bool {
	if len(r.Transitions) == 0 {
		return false
	}
	events := r.Transitions[len(r.Transitions)-1].Events
	return len(events) > 0 && events[len(events)-1].IsClosing()
}

// HistoryEventIterator yields the events of a run, in order.
type HistoryEventIterator interface {
	// HasNext says whether there is a next event, or an error to tell of; with isLongPoll it waits for one.
	HasNext() bool
	// Next returns the next event. It fails when there is none.
	Next() (*apihistory.HistoryEvent, error)
}

// GetWorkflowHistory is documented at Client.
func (c *workflowClient) GetWorkflowHistory(ctx context.Context, workflowID string, runID string, isLongPoll bool, filterType enums.HistoryEventFilterType) HistoryEventIterator {
	return &historyIterator{ctx: ctx, client: c, workflowID: workflowID, runID: runID, follow: isLongPoll,
		closeOnly: filterType == enums.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT}
}

// historyIterator reads what is there first, then follows the run. It holds a subscription only inside HasNext.
type historyIterator struct {
	// ctx is that of GetWorkflowHistory, whose signature is Temporal's: the iterator's calls take none.
	ctx               context.Context
	client            *workflowClient
	workflowID, runID string
	follow, closeOnly bool

	history  *streams.StoredRun
	exporter *export.Exporter
	ready    []*apihistory.HistoryEvent
	err      error
}

func (it *historyIterator) HasNext() bool {
	for len(it.ready) == 0 && it.err == nil {
		switch {
		case it.history == nil:
			it.err = it.begin()
		case isClosed(it.history) || !it.follow:
			return false
		default:
			it.err = it.awaitMore()
		}
	}
	return true
}

// begin reads what the run has so far.
func (it *historyIterator) begin() error {
	h, err := it.client.readHistory(it.ctx, it.workflowID, it.runID)
	if err != nil {
		return err
	}
	it.history = h
	exporter, started := export.NewExporter(h.Start)
	it.exporter = exporter
	events := []*apihistory.HistoryEvent{started}
	for _, t := range h.Transitions {
		events = append(events, exporter.Add(t)...)
	}
	it.offer(events)
	return nil
}

// offer keeps the events that the caller asked for: all of them, or the last one of a closed run.
func (it *historyIterator) offer(events []*apihistory.HistoryEvent) {
	if !it.closeOnly {
		it.ready = events
	} else if isClosed(it.history) {
		it.ready = events[len(events)-1:]
	}
}

// awaitMore waits for the next transition and offers its events.
func (it *historyIterator) awaitMore() error {
	known := uint64(len(it.history.Transitions))
	f, err := it.client.ns.Follow(it.ctx, it.history.Start.Run.Run, known)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only a subscription ends
	record, err := f.Next(it.ctx)
	if err != nil {
		return err
	}
	t, err := streams.TransitionOf(it.ctx, it.client.ns, record)
	if err != nil {
		return err
	}
	it.history.Transitions = append(it.history.Transitions, t)
	it.offer(it.exporter.Add(t))
	return nil
}

func (it *historyIterator) Next() (*apihistory.HistoryEvent, error) {
	if !it.HasNext() {
		return nil, errors.New("history has no further event")
	}
	if it.err != nil {
		return nil, fmt.Errorf("history of workflow %q: %w", it.workflowID, serviceError(it.err))
	}
	e := it.ready[0]
	it.ready = it.ready[1:]
	return e, nil
}
