package plugin_test

import (
	"context"
	"fmt"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/plugin"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// A library brings a workflow to every worker of a client, and knows when they come and go.
func ExampleNewSimplePlugin() {
	library, err := plugin.NewSimplePlugin(plugin.SimplePluginOptions{
		Name: "library",
		RunContextBefore: func(_ context.Context, o plugin.SimplePluginRunContextBeforeOptions) error {
			fmt.Println("a worker starts")
			o.Registry.RegisterWorkflowWithOptions(func(workflow.Context) (string, error) { return "brought along", nil },
				workflow.RegisterOptions{Name: "library"})
			return nil
		},
		RunContextAfter: func(context.Context, plugin.SimplePluginRunContextAfterOptions) { fmt.Println("it has stopped") },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{
		ClientOptions: &client.Options{Plugins: []client.Plugin{library}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop()
	c := server.Client()
	w := worker.New(c, "queue", worker.Options{})
	if err := w.Start(); err != nil {
		fmt.Println(err)
		return
	}
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{TaskQueue: "queue"}, "library")
	var result string
	if err == nil {
		err = run.Get(ctx, &result)
	}
	fmt.Println(result, err)
	w.Stop()
	// Output:
	// a worker starts
	// brought along <nil>
	// it has stopped
}
