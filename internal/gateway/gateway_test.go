package gateway_test

import (
	"context"
	"testing"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/gateway"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func greet(_ workflow.Context, name string) (string, error) { return "Hello, " + name + "!", nil }

func TestATenantStartsARunAndGetsItsResult(t *testing.T) {
	f := setup(t)
	f.serve("acme", gateway.Limits{})
	w := worker.New(f.trusted("acme"), "main", worker.Options{})
	w.RegisterWorkflow(greet)
	f.start(w)
	c := f.tenant(alice)
	run, err := c.ExecuteWorkflow(f.ctx, client.StartWorkflowOptions{ID: "hello", TaskQueue: "main"}, greet, "tenant")
	f.ok(err)
	var got string
	f.ok(run.Get(f.ctx, &got))
	if got != "Hello, tenant!" {
		t.Errorf("result is %q", got)
	}
	got = ""
	again := c.GetWorkflow(f.ctx, "hello", "")
	f.ok(again.Get(f.ctx, &got))
	if got != "Hello, tenant!" || again.GetRunID() != run.GetRunID() {
		t.Errorf("result of the newest run, %s, is %q", again.GetRunID(), got)
	}
	if _, err := c.CheckHealth(context.Background(), nil); err != nil {
		t.Error(err)
	}
}
