package worker_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// library is a plugin that brings a workflow and notes what happens.
type library struct {
	worker.PluginBase
	noted []string
}

func (l *library) Name() string { return "library" }

func (l *library) ConfigureWorker(_ context.Context, o worker.PluginConfigureWorkerOptions) error {
	o.WorkerOptions.Identity = "configured"
	o.WorkerRegistryOptions.OnRegisterWorkflow = func(_ any, o workflow.RegisterOptions) {
		l.noted = append(l.noted, "registered "+o.Name)
	}
	return nil
}

func (l *library) StartWorker(ctx context.Context, o worker.PluginStartWorkerOptions, next func(context.Context, worker.PluginStartWorkerOptions) error) error {
	o.WorkerRegistry.RegisterWorkflowWithOptions(func(workflow.Context) (string, error) { return "brought", nil },
		workflow.RegisterOptions{Name: "brought"})
	err := next(ctx, o)
	l.noted = append(l.noted, "started")
	return err
}

func (l *library) StopWorker(ctx context.Context, o worker.PluginStopWorkerOptions, next func(context.Context, worker.PluginStopWorkerOptions)) {
	next(ctx, o)
	l.noted = append(l.noted, "stopped")
}

func TestPluginsSurroundTheWorker(t *testing.T) {
	c := dial(t)
	l := &library{}
	w := worker.New(c, taskQueue, worker.Options{Plugins: []worker.Plugin{l}})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{TaskQueue: taskQueue}, "brought")
	var got string
	if err == nil {
		err = run.Get(t.Context(), &got)
	}
	if err != nil || got != "brought" {
		t.Errorf("result is %q, %v", got, err)
	}
	w.Stop()
	if d := cmp.Diff([]string{"registered brought", "started", "stopped"}, l.noted); d != "" {
		t.Errorf("notes differ (-want +got):\n%s", d)
	}
	twice := worker.New(c, taskQueue, worker.Options{Plugins: []worker.Plugin{l, l}})
	if twice.Start() == nil {
		twice.Stop()
		t.Error("two plugins of one name are taken")
	}
}
