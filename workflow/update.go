package workflow

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// HandlerUnfinishedPolicy says what is done about an update whose handler runs when the workflow closes. The update
// fails either way.
type HandlerUnfinishedPolicy int

const (
	// HandlerUnfinishedPolicyWarnAndAbandon writes a warning to the workflow's log. It is the default.
	HandlerUnfinishedPolicyWarnAndAbandon HandlerUnfinishedPolicy = iota
	// HandlerUnfinishedPolicyAbandon writes nothing.
	HandlerUnfinishedPolicyAbandon
)

// UpdateHandlerOptions are the options of SetUpdateHandlerWithOptions.
type UpdateHandlerOptions struct {
	// Validator is a function with the parameters of the handler that returns an error: not nil to reject the update,
	// which then leaves no trace in the history. It must neither change anything nor block. It sees the workflow as it is
	// after everything that was sent before the update. A panic of it rejects the update as well. Nil accepts all.
	Validator interface{}
	// UnfinishedPolicy applies when the workflow closes while the handler runs.
	UnfinishedPolicy HandlerUnfinishedPolicy
	// Description says for people what the update is for.
	Description string
}

// UpdateInfo says which update a handler runs for.
type UpdateInfo struct {
	// ID is the sender's choice, Name the handler's.
	ID   string
	Name string
}

type updateKey struct{}

// SetUpdateHandler is SetUpdateHandlerWithOptions without options.
func SetUpdateHandler(ctx Context, updateName string, handler interface{}) error {
	return SetUpdateHandlerWithOptions(ctx, updateName, handler, UpdateHandlerOptions{})
}

// SetUpdateHandlerWithOptions lets a function handle the updates with the given name. Its first parameter may be a
// Context, the others are the update's arguments; it returns an error, or a value and an error, which the sender gets.
// It is workflow code: it runs in a coroutine of its own, and may wait for activities and the like. Its context is
// canceled with the workflow. A later handler with the same name replaces it for later updates.
//
// An update for which no handler is set is rejected, so set handlers before the workflow first waits for anything.
func SetUpdateHandlerWithOptions(ctx Context, updateName string, handler interface{}, opts UpdateHandlerOptions) error {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.SetUpdateHandler(ctx, updateName, handler, opts)
	}
	return r.setUpdateHandler(updateName, handler, opts)
}

func (r *run) setUpdateHandler(name string, handler interface{}, opts UpdateHandlerOptions) error {
	r.guard("SetUpdateHandler")
	if name == "" || strings.HasPrefix(name, reservedQueries) {
		return fmt.Errorf("update handler: name %q is reserved: it is empty or begins with %q", name, reservedQueries)
	}
	h, err := newUpdateHandler(handler, opts)
	if err != nil {
		return fmt.Errorf("update handler %q: %w", name, err)
	}
	if r.updates == nil {
		r.updates = &updates{run: r, handlers: map[string]*updateHandler{}}
		r.env.OnUpdate(r.updates)
	}
	r.updates.handlers[name] = h
	return nil
}

// GetCurrentUpdateInfo says which update the context belongs to, nil outside update handlers.
func GetCurrentUpdateInfo(ctx Context) *UpdateInfo {
	r := runOf(ctx)
	if r.outbound != nil {
		return r.outbound.GetCurrentUpdateInfo(ctx)
	}
	return currentUpdate(ctx)
}

func currentUpdate(ctx Context) *UpdateInfo {
	info, _ := ctx.Value(updateKey{}).(*UpdateInfo)
	return info
}

// AllHandlersFinished says whether no update handler is running. Workflows await it before they close, so that every
// update that they have accepted gets its result:
//
//	workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
func AllHandlersFinished(ctx Context) bool {
	u := runOf(ctx).updates
	return u == nil || len(u.running) == 0
}

// updates are the update handlers of a run, nil until the first is set.
type updates struct {
	run      *run
	handlers map[string]*updateHandler
	// running are the updates whose handlers have not returned, in the order of their acceptance.
	running []*runningUpdate
}

type runningUpdate struct {
	event   int64
	request *history.UpdateRequest
	handler *updateHandler
}

type updateHandler struct {
	fn reflect.Value
	// from is the number of parameters before the arguments.
	from int
	// validator is not valid where there is none; validatorFrom is its from.
	validator     reflect.Value
	validatorFrom int
	options       UpdateHandlerOptions
}

func newUpdateHandler(handler interface{}, opts UpdateHandlerOptions) (*updateHandler, error) {
	h := &updateHandler{options: opts}
	var err error
	if h.fn, h.from, err = updateFunction(handler); err != nil {
		return nil, err
	}
	t := h.fn.Type()
	if t.NumOut() < 1 || t.NumOut() > 2 || t.Out(t.NumOut()-1) != reflect.TypeFor[error]() {
		return nil, fmt.Errorf("%v: the results must be an error, or a value and an error", t)
	}
	if opts.Validator == nil {
		return h, nil
	}
	if h.validator, h.validatorFrom, err = updateFunction(opts.Validator); err != nil {
		return nil, fmt.Errorf("validator: %w", err)
	}
	v := h.validator.Type()
	if v.NumOut() != 1 || v.Out(0) != reflect.TypeFor[error]() {
		return nil, fmt.Errorf("validator %v: the result must be an error", v)
	}
	same := v.NumIn()-h.validatorFrom == t.NumIn()-h.from
	for i := 0; same && i < v.NumIn()-h.validatorFrom; i++ {
		same = v.In(h.validatorFrom+i) == t.In(h.from+i)
	}
	if !same {
		return nil, fmt.Errorf("validator %v: the parameters must be those of the handler, %v", v, t)
	}
	return h, nil
}

// updateFunction checks a handler's or validator's parameters, and says how many are before its arguments.
func updateFunction(f interface{}) (fn reflect.Value, from int, err error) {
	fn = reflect.ValueOf(f)
	if fn.Kind() != reflect.Func || fn.IsNil() {
		return fn, 0, fmt.Errorf("a function is needed, not a %T", f)
	}
	t := fn.Type()
	if t.IsVariadic() {
		return fn, 0, fmt.Errorf("%v: variadic functions are not supported", t)
	}
	if t.NumIn() > 0 && t.In(0) == reflect.TypeFor[Context]() {
		from = 1
	}
	return fn, from, nil
}

// Judges says whether what Validate says depends on what the run has come to.
func (u *updates) Judges(name string) bool {
	h, ok := u.handlers[name]
	return !ok || h.validator.IsValid() || u.run.inbound != nil
}

// Validate asks the author's validator.
func (u *updates) Validate(request *history.UpdateRequest) *failure.Failure {
	if err := u.validate(request); err != nil {
		return u.run.failures.ErrorToFailure(err)
	}
	return nil
}

func (u *updates) validate(request *history.UpdateRequest) error {
	h, ok := u.handlers[request.Name]
	if !ok {
		known := slices.Sorted(maps.Keys(u.handlers))
		return fmt.Errorf("unknown update %q: the workflow knows [%s]", request.Name, strings.Join(known, ", "))
	}
	args, err := u.arguments(h, request)
	if err != nil {
		return err
	}
	if !h.validator.IsValid() && u.run.inbound == nil {
		return nil
	}
	ctx, err := u.context(request)
	if err != nil {
		return err
	}
	u.run.readOnly("an update validator", func() {
		if in := u.run.inbound; in != nil {
			err = in.ValidateUpdate(ctx, &UpdateInput{Name: request.Name, Args: args})
		} else {
			err = h.validate(ctx, args)
		}
	})
	return err
}

// Accepted runs the author's handler in a coroutine of its own.
func (u *updates) Accepted(event int64, request *history.UpdateRequest) {
	h, ok := u.handlers[request.Name]
	if !ok {
		panic(fmt.Sprintf("workflow: update %q (id %s) was accepted, and has no handler now", request.Name, request.ID))
	}
	running := &runningUpdate{event: event, request: request, handler: h}
	u.running = append(u.running, running)
	// Ahead of the workflow's own coroutines: one of them may close the run because of what came with the update.
	u.run.env.GoFirst("update "+request.Name+" "+request.ID, func() {
		u.run.applyCancel()
		result, f := u.handle(running)
		u.running = slices.DeleteFunc(u.running, func(other *runningUpdate) bool { return other == running })
		u.run.env.CompleteUpdate(event, request.ID, result, f)
	})
}

// handle calls the handler and encodes what it returns.
func (u *updates) handle(running *runningUpdate) (*common.Payloads, *failure.Failure) {
	value, err := u.call(running)
	var result *common.Payloads
	if err == nil && running.handler.fn.Type().NumOut() == 2 {
		if result, err = u.run.encode(value); err != nil {
			err = fmt.Errorf("update %q: encode result: %w", running.request.Name, err)
		}
	}
	if err != nil {
		return nil, u.run.failures.ErrorToFailure(err)
	}
	return result, nil
}

func (u *updates) call(running *runningUpdate) (interface{}, error) {
	args, err := u.arguments(running.handler, running.request)
	if err != nil {
		return nil, err
	}
	ctx, err := u.context(running.request)
	if err != nil {
		return nil, err
	}
	if in := u.run.inbound; in != nil {
		return in.ExecuteUpdate(ctx, &UpdateInput{Name: running.request.Name, Args: args})
	}
	return running.handler.call(ctx, args)
}

func (u *updates) context(request *history.UpdateRequest) (Context, error) {
	ctx, err := u.run.received(u.run.base, request.Header)
	if err != nil {
		return nil, fmt.Errorf("update %q: %w", request.Name, err)
	}
	return WithValue(ctx, updateKey{}, &UpdateInfo{ID: request.ID, Name: request.Name}), nil
}

func (u *updates) arguments(h *updateHandler, request *history.UpdateRequest) ([]interface{}, error) {
	in, err := decodeParameters(u.run, h.fn.Type(), h.from, request.Input)
	if err != nil {
		return nil, fmt.Errorf("update %q: %w", request.Name, err)
	}
	return values(in, h.from), nil
}

func (h *updateHandler) call(ctx Context, args []interface{}) (result interface{}, err error) {
	out, err := callUpdate(h.fn, h.from, ctx, args)
	if err != nil {
		return nil, err
	}
	if len(out) == 2 {
		result = out[0].Interface()
	}
	err, _ = out[len(out)-1].Interface().(error)
	return result, err
}

func (h *updateHandler) validate(ctx Context, args []interface{}) error {
	if !h.validator.IsValid() {
		return nil
	}
	out, err := callUpdate(h.validator, h.validatorFrom, ctx, args)
	if err != nil {
		return err
	}
	err, _ = out[0].Interface().(error)
	return err
}

func callUpdate(fn reflect.Value, from int, ctx Context, args []interface{}) ([]reflect.Value, error) {
	in, err := parameters(fn.Type(), from, args)
	if err != nil {
		return nil, err
	}
	if from > 0 {
		in[0] = reflect.ValueOf(ctx)
	}
	return fn.Call(in), nil
}

// warnUnfinished writes the names of the handlers that are running although the workflow closes.
func (r *run) warnUnfinished() {
	if r.updates == nil {
		return
	}
	for _, u := range r.updates.running {
		if u.handler.options.UnfinishedPolicy == HandlerUnfinishedPolicyWarnAndAbandon {
			r.log().Warn("workflow closes while an update handler runs: await AllHandlersFinished before, or set "+
				"UnfinishedPolicy to Abandon", "UpdateName", u.request.Name, "UpdateID", u.request.ID)
		}
	}
}
