package client_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// Render makes a picture of 5 MiB.
func Render() ([]byte, error) { return []byte(strings.Repeat("#", 5<<20)), nil }

// Measure gets the picture as it gets anything else.
func Measure(ctx workflow.Context) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var picture []byte
	err := workflow.ExecuteActivity(ctx, Render).Get(ctx, &picture)
	return len(picture), err
}

// Results too large for a history are stored beside it, which nobody who writes workflows needs to know.
func ExampleOptions_externalStorage() {
	server, err := testsuite.StartDevServer(context.Background(), testsuite.DevServerOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Stop() }()
	c, err := client.Dial(client.Options{
		HostPort:        server.FrontendHostPort(),
		ExternalStorage: converter.ExternalStorage{PayloadSizeThreshold: 100 << 10}, // instead of 256 KiB
		PayloadLimits:   client.PayloadLimitOptions{MaxPayloadSize: 16 << 20},       // instead of 64 MiB
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	w := worker.New(c, "pictures", worker.Options{})
	w.RegisterWorkflow(Measure)
	w.RegisterActivity(Render)
	if err := w.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer w.Stop()

	run, err := c.ExecuteWorkflow(context.Background(), client.StartWorkflowOptions{TaskQueue: "pictures"}, Measure)
	if err != nil {
		fmt.Println(err)
		return
	}
	var size int
	fmt.Println(run.Get(context.Background(), &size), size)
	// Output: <nil> 5242880
}
