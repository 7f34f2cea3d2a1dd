package workflow

import (
	"fmt"
	"runtime"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/log"
)

// run is what the coroutines of one run share.
type run struct {
	env  *replay.Env
	def  *Definition
	root *cancelContext
	// base is what the workflow function and its handlers are given: root, with what was propagated from the start.
	base Context
	// logger is made when the code first asks for it.
	logger log.Logger

	// inbound and outbound are the first of the interceptors, nil without any; the code is called, and calls, directly then.
	inbound  InboundInterceptor
	outbound OutboundInterceptor
	// headers is set where somebody reads or writes headers: interceptors or propagators. Aware is set when the data
	// converter depends on contexts.
	headers bool
	aware   ContextAware
	// rebased is set by WithDataConverter: contexts may have a converter of their own.
	rebased bool
	// values converts what does not depend on contexts.
	values watched
	// failures converts what fails the run itself.
	failures converter.FailureConverter

	// activityIDs are the IDs that the author gave to activities without an outcome.
	activityIDs map[string]struct{}

	signals map[string]*channel
	// signalOptions are those of the channels that were asked for with options, nil for none.
	signalOptions map[string]SignalChannelOptions

	queries map[string]*queryHandler
	updates *updates
	// reading names what runs now and must not change anything, a query handler for example; empty for nothing.
	reading string
	// random are the streams of GetRandomStream, details what SetCurrentDetails said last.
	random  map[string]*randomStream
	details string

	// cancelAsked is set from the request to cancel until the root context is canceled.
	cancelAsked bool

	// sessions counts the sessions that were asked for; sessionsMade are those that were made and may be open.
	sessions     int
	sessionsMade []*SessionInfo

	// named counts channels and selectors, which numbers those without a name.
	named int
}

func newRun(env *replay.Env, def *Definition) *run {
	r := &run{
		env:         env,
		def:         def,
		activityIDs: map[string]struct{}{},
		signals:     map[string]*channel{},
		queries:     map[string]*queryHandler{},
	}
	r.root = newCancelContext(&rootContext{run: r})
	r.base = r.root
	r.headers = def.options.Intercept != nil || len(def.options.ContextPropagators) > 0
	r.aware, _ = def.options.DataConverter.(ContextAware)
	r.values, r.failures = watched{r.bind(def.options.DataConverter, nil), env}, r.failuresOf(nil)
	return r
}

// execute runs the workflow function and closes the run with what it returns.
func (r *run) execute() {
	if r.headers {
		r.intercept()
	}
	r.env.OnQuery(r.query)
	r.env.OnSignal(r.signaled)
	r.env.OnCancel(r.cancelRequested)
	r.applyCancel()
	if r.def.options.FailOnPanic {
		defer r.failOnPanic()
	}
	result, err := r.callFunction()
	r.close(result, err)
}

// failOnPanic is deferred by the coroutines of the author's code where a panic fails the run.
func (r *run) failOnPanic() {
	if r.env.Unwinding() {
		return
	}
	if p := recover(); p != nil {
		stack := make([]byte, 16<<10)
		r.fail(millrace.NewPanicError(p, string(stack[:runtime.Stack(stack, false)])))
	}
}

// cancelRequested is called among the inputs of a transition. The root context is canceled only after all of them,
// since a later one may bring the outcome of what cancellation would otherwise cancel, but before the author's code
// goes on: by whichever coroutine runs first, at the latest by one made for it.
func (r *run) cancelRequested(string) {
	r.cancelAsked = true
	r.env.Go("cancel", r.applyCancel)
}

func (r *run) applyCancel() {
	if r.cancelAsked {
		r.cancelAsked = false
		r.root.cancel(ErrCanceled)
	}
}

// block suspends the calling coroutine until ready returns true.
func (r *run) block(why string, ready func() bool) {
	r.env.Block(why, ready)
	r.applyCancel()
}

// guard panics where a query handler or its like calls what may change the run.
func (r *run) guard(call string) {
	if r.reading != "" {
		panic(fmt.Sprintf("workflow: %s called from %s, which may only read", call, r.reading))
	}
}

// readOnly calls f, which must not change the run; what names it.
func (r *run) readOnly(what string, f func()) {
	before := r.reading
	r.reading = what
	defer func() { r.reading = before }()
	f()
}

// nextName names a channel or a selector that its author has not named.
func (r *run) nextName(kind string) string {
	r.named++
	return fmt.Sprintf("%s-%d", kind, r.named)
}

func (r *run) start() *history.Start { return r.env.Start() }

func (r *run) encode(values ...interface{}) (*common.Payloads, error) {
	return r.encodeIn(r.base, nil, values...)
}

// encodeIn encodes what is called with ctx and belongs to whose, nil for the run itself.
func (r *run) encodeIn(ctx Context, whose converter.SerializationContext, values ...interface{}) (*common.Payloads, error) {
	return r.converter(ctx, whose).ToPayloads(values...)
}

// converter is the data converter for what is called with ctx and belongs to whose, nil for the run itself.
func (r *run) converter(ctx Context, whose converter.SerializationContext) converter.DataConverter {
	if r.rebased && ctx != nil {
		if own, ok := ctx.Value(dataConverterKey{}).(converter.DataConverter); ok {
			if aware, ok := own.(ContextAware); ok {
				own = aware.WithWorkflowContext(ctx)
			}
			return &watched{r.bind(own, whose), r.env}
		}
	}
	return r.usualConverter(ctx, whose)
}

// usualConverter is converter for what WithDataConverter does not reach.
func (r *run) usualConverter(ctx Context, whose converter.SerializationContext) converter.DataConverter {
	dc := r.def.options.DataConverter
	switch {
	case r.aware != nil && ctx != nil:
		dc = r.aware.WithWorkflowContext(ctx)
	case whose == nil:
		return &r.values
	}
	return &watched{r.bind(dc, whose), r.env}
}
