package replay

import (
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// QueryHandler answers a query. It must not change anything.
type QueryHandler func(name string, args *common.Payloads) (*common.Payloads, error)

// requests is what others asked of the run, and the code's callbacks for it.
type requests struct {
	onSignal func(*history.WorkflowExecutionSignaled)
	onCancel func(reason string)
	onQuery  QueryHandler
	// queryHeader came with the query that is being answered.
	queryHeader *common.Header
	onUpdate    Updates

	// unheard are the signals that came before onSignal was set.
	unheard []*history.WorkflowExecutionSignaled
	// cancel is the request that came before onCancel was set.
	cancel *history.WorkflowExecutionCancelRequested
}

// OnSignal sets what is called for each signal. Signals that came before are delivered at once, in order. The signal
// must not be changed.
func (e *Env) OnSignal(handle func(*history.WorkflowExecutionSignaled)) {
	if !e.m.deciding("OnSignal") {
		return
	}
	r := &e.m.requests
	r.onSignal = handle
	unheard := r.unheard
	r.unheard = nil
	for _, s := range unheard {
		handle(s)
	}
}

// OnCancel sets what is called when the run is asked to cancel; at once if it has been already.
func (e *Env) OnCancel(handle func(reason string)) {
	if !e.m.deciding("OnCancel") {
		return
	}
	r := &e.m.requests
	r.onCancel = handle
	if cancel := r.cancel; cancel != nil {
		r.cancel = nil
		handle(cancel.Reason)
	}
}

// OnQuery sets what answers queries.
func (e *Env) OnQuery(handle QueryHandler) {
	if e.m.deciding("OnQuery") {
		e.m.requests.onQuery = handle
	}
}

// QueryHeader is what came beside the arguments of the query that is being answered, nil for nothing.
func (e *Env) QueryHeader() *common.Header { return e.m.requests.queryHeader }

func (r *requests) signaled(a *history.WorkflowExecutionSignaled) {
	if r.onSignal == nil {
		r.unheard = append(r.unheard, a)
		return
	}
	r.onSignal(a)
}

func (r *requests) cancelRequested(a *history.WorkflowExecutionCancelRequested) {
	if r.onCancel == nil {
		r.cancel = a
		return
	}
	r.onCancel(a.Reason)
}
