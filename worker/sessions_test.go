package worker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// where is an activity that says on which queue it runs.
func where(ctx context.Context) (string, error) { return activity.GetInfo(ctx).TaskQueue, nil }

func sessionOptions() *workflow.SessionOptions {
	return &workflow.SessionOptions{ExecutionTimeout: time.Minute, CreationTimeout: 20 * time.Second}
}

// together runs activities in a session, and in another one on the same worker.
func together(ctx workflow.Context, n int) ([]string, error) {
	ctx = workflow.WithStartToCloseTimeout(ctx, 20*time.Second)
	var queues []string
	run := func(ctx workflow.Context) error {
		for range n {
			var queue string
			if err := workflow.ExecuteActivity(ctx, where).Get(ctx, &queue); err != nil {
				return err
			}
			queues = append(queues, queue)
		}
		return nil
	}
	session, err := workflow.CreateSession(ctx, sessionOptions())
	if err != nil {
		return nil, err
	}
	if err := run(session); err != nil {
		return nil, err
	}
	token := workflow.GetSessionInfo(session).GetRecreateToken()
	workflow.CompleteSession(session)
	if state := workflow.GetSessionInfo(session).SessionState; state != workflow.SessionStateClosed {
		return nil, fmt.Errorf("state after the end is %v", state)
	}
	if session, err = workflow.RecreateSession(ctx, token, sessionOptions()); err != nil {
		return nil, err
	}
	defer workflow.CompleteSession(session)
	return queues, run(session)
}

func TestActivitiesOfASessionRunOnOneWorker(t *testing.T) {
	c := dial(t)
	for range 2 {
		w := worker.New(c, taskQueue, worker.Options{EnableSessionWorker: true, MaxConcurrentSessionExecutionSize: 4})
		w.RegisterWorkflow(together)
		w.RegisterActivity(where)
		startWorker(t, w)
	}
	for range 3 {
		run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, together, 3)
		var queues []string
		if err == nil {
			err = run.Get(t.Context(), &queues)
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(queues) != 6 || queues[0] == taskQueue {
			t.Fatalf("queues are %q", queues)
		}
		for _, q := range queues {
			if q != queues[0] {
				t.Errorf("queues are %q", queues)
			}
		}
	}
}

func TestSessionFailsWithItsWorkerAndCanBeMadeAgain(t *testing.T) {
	c := dial(t)
	var holder atomic.Pointer[worker.Worker]
	inSession := make(chan struct{}, 10)
	recover := func(ctx workflow.Context) (string, error) {
		ctx = workflow.WithStartToCloseTimeout(ctx, 20*time.Second)
		session, err := workflow.CreateSession(ctx, sessionOptions())
		if err != nil {
			return "", err
		}
		if err := workflow.ExecuteActivity(session, "announce").Get(session, nil); err != nil {
			return "", err
		}
		if err := workflow.Await(session, func() bool { return false }); err == nil {
			return "", errors.New("the session's context was not canceled")
		}
		if state := workflow.GetSessionInfo(session).SessionState; state != workflow.SessionStateFailed {
			return "", fmt.Errorf("state is %v", state)
		}
		if err := workflow.ExecuteActivity(session, "announce").Get(ctx, nil); !errors.Is(err, workflow.ErrSessionFailed) {
			return "", fmt.Errorf("activity in the failed session: %v", err)
		}
		if session, err = workflow.CreateSession(ctx, sessionOptions()); err != nil {
			return "", err
		}
		defer workflow.CompleteSession(session)
		return "recovered", workflow.ExecuteActivity(session, "announce").Get(session, nil)
	}
	for range 2 {
		w := worker.New(c, taskQueue, worker.Options{EnableSessionWorker: true, DisableWorkflowWorker: true})
		w.RegisterActivityWithOptions(func() error {
			holder.Store(&w)
			inSession <- struct{}{}
			return nil
		}, activity.RegisterOptions{Name: "announce"})
		startWorker(t, w)
	}
	deciding := worker.New(c, taskQueue, worker.Options{})
	deciding.RegisterWorkflowWithOptions(recover, workflow.RegisterOptions{Name: "recover"})
	startWorker(t, deciding)
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, "recover")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-inSession:
	case <-t.Context().Done():
		t.Fatal("no session")
	}
	answer, err := c.QueryWorkflow(t.Context(), run.GetID(), "", client.QueryTypeOpenSessions)
	var open []workflow.SessionInfo
	if err == nil {
		err = answer.Get(&open)
	}
	if err != nil || len(open) != 1 || open[0].SessionID == "" || open[0].HostName == "" {
		t.Errorf("open sessions are %+v, %v", open, err)
	}
	(*holder.Load()).Stop()
	var result string
	if err := run.Get(t.Context(), &result); err != nil || result != "recovered" {
		t.Errorf("result is %q, %v", result, err)
	}
}
