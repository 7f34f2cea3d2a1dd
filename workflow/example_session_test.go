package workflow_test

import (
	"time"

	"github.com/millrace-dev/millrace/workflow"
)

// Activities that share files run on one worker: it has EnableSessionWorker. When that worker is lost, the whole is done
// again on another.
func ExampleCreateSession() {
	process := func(ctx workflow.Context, url string) error {
		ctx = workflow.WithStartToCloseTimeout(ctx, time.Minute)
		session, err := workflow.CreateSession(ctx, &workflow.SessionOptions{
			CreationTimeout:  time.Minute,
			ExecutionTimeout: time.Hour,
		})
		if err != nil {
			return err
		}
		defer workflow.CompleteSession(session)
		var file string
		if err := workflow.ExecuteActivity(session, "download", url).Get(session, &file); err != nil {
			return err
		}
		return workflow.ExecuteActivity(session, "upload", file).Get(session, nil)
	}
	_ = func(ctx workflow.Context, url string) (err error) {
		for range 3 {
			if err = process(ctx, url); err == nil {
				return nil
			}
		}
		return err
	}
}
