// Package fileprocessing keeps activities that share a disk on one worker by a session.
package fileprocessing

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

// Disk is the directory of a worker.
type Disk struct{ Dir string }

// Download is an activity: it writes a file that only this worker has.
func (d *Disk) Download(_ context.Context, name string) (string, error) {
	file := filepath.Join(d.Dir, name)
	return file, os.WriteFile(file, []byte("content of "+name), 0o600)
}

// Process is an activity.
func (d *Disk) Process(_ context.Context, file string) (string, error) {
	if filepath.Dir(file) != filepath.Clean(d.Dir) {
		return "", fmt.Errorf("%s is on another worker", file)
	}
	content, err := os.ReadFile(file)
	return strings.ToUpper(string(content)), err
}

// Workflow downloads and processes in a session.
func Workflow(ctx workflow.Context, name string) (result string, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Second, HeartbeatTimeout: 5 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{MaximumAttempts: 3},
	})
	session, err := workflow.CreateSession(ctx, &workflow.SessionOptions{CreationTimeout: 20 * time.Second, ExecutionTimeout: time.Minute})
	if err != nil {
		return "", err
	}
	defer workflow.CompleteSession(session)
	var d *Disk
	var file string
	if err = workflow.ExecuteActivity(session, d.Download, name).Get(session, &file); err != nil {
		return "", err
	}
	err = workflow.ExecuteActivity(session, d.Process, file).Get(session, &result)
	return result, err
}

// Run is the scenario on a server: two workers, each with a disk of its own.
func Run(ctx context.Context, options client.Options) error {
	var s *scene.Scene
	for range 2 {
		dir, err := os.MkdirTemp("", "disk")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s, err = scene.OpenWith(options, "fileprocessing", worker.Options{EnableSessionWorker: true}, func(r worker.Registry) {
			r.RegisterWorkflow(Workflow)
			r.RegisterActivity(&Disk{dir})
		})
		if err != nil {
			return err
		}
		defer s.Close()
	}
	for _, name := range []string{"a", "b", "c"} {
		if err := scene.Expect(ctx, s, "CONTENT OF "+strings.ToUpper(name), Workflow, name); err != nil {
			return err
		}
	}
	return nil
}
