package testsuite_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/mock"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/interceptor"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func versions(ctx workflow.Context) (string, error) {
	a := workflow.GetVersion(ctx, "a", workflow.DefaultVersion, 2)
	b := workflow.GetVersion(ctx, "b", workflow.DefaultVersion, 5)
	return fmt.Sprint(a, " ", b), nil
}

func TestVersionsAreTheNewestUnlessMocked(t *testing.T) {
	env := newEnv()
	env.ExecuteWorkflow(versions)
	check(t, env, "2 5")

	env = newEnv()
	env.OnGetVersion("a", workflow.DefaultVersion, workflow.Version(2)).Return(workflow.DefaultVersion)
	env.OnGetVersion(mock.Anything, workflow.DefaultVersion, workflow.Version(5)).Return(func(id string, low, high workflow.Version) workflow.Version {
		return high - 1
	})
	env.ExecuteWorkflow(versions)
	check(t, env, "-1 4")
	env.AssertExpectations(t)
}

func TestSideEffectsAreMocked(t *testing.T) {
	env := newEnv()
	env.OnSideEffect().Return(7).Once()
	env.OnMutableSideEffect("m").Return(8)
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		all := ""
		for i := range 2 {
			var n, m int
			err := workflow.SideEffect(ctx, func(workflow.Context) interface{} { return i }).Get(&n)
			if err == nil {
				err = workflow.MutableSideEffect(ctx, "m", func(workflow.Context) interface{} { return i },
					func(a, b interface{}) bool { return a == b }).Get(&m)
			}
			if err != nil {
				return "", err
			}
			all += fmt.Sprint(n, m, ";")
		}
		return all, nil
	})
	check(t, env, "7 8;1 8;")
	env.AssertExpectations(t)
}

func TestUpsertsAreMocked(t *testing.T) {
	env := newEnv()
	env.OnUpsertMemo(map[string]interface{}{"note": 1}).Return(errors.New("refused")).Once()
	env.OnUpsertMemo(mock.Anything).Return(nil)
	env.OnUpsertTypedSearchAttributes(mock.Anything).Return(nil)
	env.OnUpsertSearchAttributes(map[string]interface{}{"k": "v"}).Return(nil)
	env.ExecuteWorkflow(func(ctx workflow.Context) (string, error) {
		refused := workflow.UpsertMemo(ctx, map[string]interface{}{"note": 1})
		if err := workflow.UpsertMemo(ctx, map[string]interface{}{"note": 2}); err != nil {
			return "", err
		}
		if err := workflow.UpsertTypedSearchAttributes(ctx, millrace.NewSearchAttributeKeyInt64("n").ValueSet(3)); err != nil {
			return "", err
		}
		if err := workflow.UpsertSearchAttributes(ctx, map[string]interface{}{"k": "v"}); err != nil {
			return "", err
		}
		return fmt.Sprint(refused), nil
	})
	check(t, env, "refused")
	env.AssertExpectations(t)
}

// shouting changes what activities are called with, and what workflows return.
type shouting struct {
	interceptor.WorkerInterceptorBase
}

func (*shouting) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	in := &shoutingInbound{}
	in.Next = next
	return in
}

type shoutingInbound struct {
	interceptor.WorkflowInboundInterceptorBase
}

func (i *shoutingInbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (interface{}, error) {
	v, err := i.Next.ExecuteWorkflow(ctx, in)
	return fmt.Sprint(v, "!"), err
}

func TestInterceptorsOfTheWorkerSeeTheWorkflow(t *testing.T) {
	env := newEnv()
	env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&shouting{}}})
	env.RegisterActivity(Upper)
	env.ExecuteWorkflow(Greet, "ann")
	check(t, env, "hello ANN!")
}
