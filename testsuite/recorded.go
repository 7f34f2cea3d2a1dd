package testsuite

import (
	"fmt"
	"reflect"

	"github.com/stretchr/testify/mock"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/workflow"
)

// The names by which the calls of package workflow that record something are mocked. Those of versions are followed by
// the change ID.
const (
	mockGetVersion        = "workflow.GetVersion "
	mockSideEffect        = "workflow.SideEffect"
	mockMutableSideEffect = "workflow.MutableSideEffect"
	mockUpsertSearch      = "workflow.UpsertSearchAttributes"
	mockUpsertTyped       = "workflow.UpsertTypedSearchAttributes"
	mockUpsertMemo        = "workflow.UpsertMemo"
)

// interceptors are those of the worker options, and behind them the mocks.
func (e *engine) interceptors() []interceptor.WorkerInterceptor {
	all := append([]interceptor.WorkerInterceptor{&returnsInterceptor{env: e}}, e.workerOptions.Interceptors...)
	if e.recording {
		all = append(all, &recordInterceptor{mocks: e.mocks})
	}
	return all
}

// recordInterceptor puts mocks behind what workflow code records of itself. What a mock says is recorded as if the code
// had found it out, and a replay does not ask again.
type recordInterceptor struct {
	interceptor.WorkerInterceptorBase
	mocks *mocks
}

// InterceptWorkflow puts the mocks in front of a run.
func (i *recordInterceptor) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &recordInbound{mocks: i.mocks}
	in.Next = next
	return in
}

type recordInbound struct {
	interceptor.WorkflowInboundInterceptorBase
	mocks *mocks
}

// Init puts the mocks behind the run's calls.
func (i *recordInbound) Init(outbound interceptor.WorkflowOutboundInterceptor) error {
	out := &recordOutbound{mocks: i.mocks}
	out.Next = outbound
	return i.Next.Init(out)
}

type recordOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
	mocks *mocks
	// upserts counts those that had a mock.
	upserts int
}

// GetVersion lets a run that is new to a change take the version that the mock says.
func (o *recordOutbound) GetVersion(ctx workflow.Context, changeID string, minSupported, maxSupported workflow.Version) workflow.Version {
	name := mockGetVersion + changeID
	if !o.mocks.has(&o.mocks.workflows, name) {
		name = mockGetVersion + mock.Anything
	}
	if workflow.IsReplaying(ctx) || !o.mocks.has(&o.mocks.workflows, name) {
		return o.Next.GetVersion(ctx, changeID, minSupported, maxSupported)
	}
	t := reflect.TypeFor[func(string, workflow.Version, workflow.Version) workflow.Version]()
	in := []reflect.Value{reflect.ValueOf(changeID), reflect.ValueOf(minSupported), reflect.ValueOf(maxSupported)}
	v := answer(&o.mocks.workflows, name, t, in)[0].Interface().(workflow.Version)
	return o.Next.GetVersion(ctx, changeID, v, v)
}

// find is the function of a side effect, or the mock's value.
func (o *recordOutbound) find(name string, f func(workflow.Context) interface{}, args ...interface{}) func(workflow.Context) interface{} {
	return func(ctx workflow.Context) interface{} {
		if !o.mocks.has(&o.mocks.workflows, name) || !expects(&o.mocks.workflows, name, args) {
			return f(ctx)
		}
		out := o.mocks.workflows.MethodCalled(name, args...)
		if len(out) != 1 {
			panic(fmt.Sprintf("the mock of %s returns %d values, must return one", name, len(out)))
		}
		return out[0]
	}
}

// expects says whether some mock takes the arguments.
func expects(m *mock.Mock, name string, args []interface{}) bool {
	for _, c := range m.ExpectedCalls {
		if c.Method != name || c.Repeatability < 0 {
			continue
		}
		if _, differences := c.Arguments.Diff(args); differences == 0 {
			return true
		}
	}
	return false
}

// SideEffect is documented at workflow.SideEffect.
func (o *recordOutbound) SideEffect(ctx workflow.Context, f func(workflow.Context) interface{}) converter.EncodedValue {
	return o.Next.SideEffect(ctx, o.find(mockSideEffect, f))
}

// SideEffectWithOptions is documented at workflow.SideEffectWithOptions.
func (o *recordOutbound) SideEffectWithOptions(ctx workflow.Context, options workflow.SideEffectOptions,
	f func(workflow.Context) interface{}) converter.EncodedValue {
	return o.Next.SideEffectWithOptions(ctx, options, o.find(mockSideEffect, f))
}

// MutableSideEffect is documented at workflow.MutableSideEffect.
func (o *recordOutbound) MutableSideEffect(ctx workflow.Context, id string,
	f func(workflow.Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue {
	return o.Next.MutableSideEffect(ctx, id, o.find(mockMutableSideEffect, f, id), equals)
}

// MutableSideEffectWithOptions is documented at workflow.MutableSideEffectWithOptions.
func (o *recordOutbound) MutableSideEffectWithOptions(ctx workflow.Context, id string, options workflow.MutableSideEffectOptions,
	f func(workflow.Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue {
	return o.Next.MutableSideEffectWithOptions(ctx, id, options, o.find(mockMutableSideEffect, f, id), equals)
}

// UpsertSearchAttributes is documented at workflow.UpsertSearchAttributes.
func (o *recordOutbound) UpsertSearchAttributes(ctx workflow.Context, attributes map[string]interface{}) error {
	if err := o.upsert(ctx, mockUpsertSearch, attributes); err != nil {
		return err
	}
	return o.Next.UpsertSearchAttributes(ctx, attributes)
}

// UpsertTypedSearchAttributes is documented at workflow.UpsertTypedSearchAttributes.
func (o *recordOutbound) UpsertTypedSearchAttributes(ctx workflow.Context, attributes ...millrace.SearchAttributeUpdate) error {
	if err := o.upsert(ctx, mockUpsertTyped, millrace.NewSearchAttributes(attributes...)); err != nil {
		return err
	}
	return o.Next.UpsertTypedSearchAttributes(ctx, attributes...)
}

// UpsertMemo is documented at workflow.UpsertMemo.
func (o *recordOutbound) UpsertMemo(ctx workflow.Context, memo map[string]interface{}) error {
	if err := o.upsert(ctx, mockUpsertMemo, memo); err != nil {
		return err
	}
	return o.Next.UpsertMemo(ctx, memo)
}

// upsert asks the mock of an upsert. What it refuses is recorded nowhere: a replay has the same answers, in their order.
func (o *recordOutbound) upsert(ctx workflow.Context, name string, arg any) error {
	if !o.mocks.has(&o.mocks.workflows, name) {
		return nil
	}
	run := workflow.GetInfo(ctx).WorkflowExecution.RunID
	n := o.upserts
	o.upserts++
	if workflow.IsReplaying(ctx) {
		return o.mocks.upsertAnswer(run, n)
	}
	out := o.mocks.workflows.MethodCalled(name, arg)
	if len(out) != 1 {
		panic(fmt.Sprintf("the mock of %s returns %d values, must return an error or nil", name, len(out)))
	}
	err, _ := out[0].(error)
	o.mocks.keepUpsertAnswer(run, err)
	return err
}

func (m *mocks) upsertAnswer(run string, n int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n >= len(m.upserts[run]) {
		return nil // the code diverges, which the replay will say
	}
	return m.upserts[run][n]
}

func (m *mocks) keepUpsertAnswer(run string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.upserts[run] = append(m.upserts[run], err)
}
