package testsuite_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// inSessions runs an activity in each of two sessions, of which the second begins before the first ends if nested.
func inSessions(ctx workflow.Context, nested bool) (string, error) {
	ctx = options(ctx)
	o := &workflow.SessionOptions{CreationTimeout: time.Minute, ExecutionTimeout: time.Hour}
	all := ""
	var open []workflow.Context
	for range 2 {
		s, err := workflow.CreateSession(ctx, o)
		if err != nil {
			return all, err
		}
		var queue string
		if err := workflow.ExecuteActivity(s, "Queue").Get(s, &queue); err != nil {
			return all, err
		}
		all += fmt.Sprint(queue == workflow.GetInfo(ctx).TaskQueueName, " ")
		if open = append(open, s); nested {
			continue
		}
		workflow.CompleteSession(s)
	}
	for _, s := range open {
		workflow.CompleteSession(s)
	}
	return all, workflow.Sleep(ctx, 24*time.Hour)
}

func Queue(ctx context.Context) (string, error) { return activity.GetInfo(ctx).TaskQueue, nil }

func TestSessions(t *testing.T) {
	env := newEnv()
	env.SetWorkerOptions(worker.Options{EnableSessionWorker: true, MaxConcurrentSessionExecutionSize: 1})
	env.RegisterActivity(Queue)
	env.ExecuteWorkflow(inSessions, false)
	check(t, env, "false false ")

	env = newEnv()
	env.SetWorkerOptions(worker.Options{EnableSessionWorker: true, MaxConcurrentSessionExecutionSize: 1})
	env.RegisterActivity(Queue)
	env.ExecuteWorkflow(inSessions, true)
	if err := env.GetWorkflowError(); err == nil {
		t.Error("the worker takes more sessions than it may")
	}
}

// TestSessionEndsWithItsTime: a session that is not completed is lost when its time is over.
func TestSessionEndsWithItsTime(t *testing.T) {
	env := newEnv()
	env.RegisterActivity(Queue)
	env.ExecuteWorkflow(func(ctx workflow.Context) (bool, error) {
		s, err := workflow.CreateSession(options(ctx), &workflow.SessionOptions{CreationTimeout: time.Minute, ExecutionTimeout: time.Hour})
		if err != nil {
			return false, err
		}
		if err := workflow.Sleep(ctx, 2*time.Hour); err != nil {
			return false, err
		}
		return errors.Is(workflow.ExecuteActivity(s, "Queue").Get(s, nil), workflow.ErrSessionFailed), nil
	})
	check(t, env, true)
}
