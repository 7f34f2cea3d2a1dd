package verify

import (
	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/internal/export"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/worker"
)

// ReplayWith makes Options.Replay of a replayer with which everything is registered that the runs need.
func ReplayWith(r worker.WorkflowReplayer) func(*history.Start, []*history.Transition) error {
	return func(start *history.Start, transitions []*history.Transition) error {
		return r.ReplayWorkflowHistory(nil, &apihistory.History{Events: export.Events(start, transitions)})
	}
}
