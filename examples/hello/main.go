// Hello is the smallest Millrace program: a workflow, the worker that runs it, and a starter.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// Greet is a workflow. After a crash it is run again against its history, and goes on where it stopped.
func Greet(ctx workflow.Context, name string) (greeting string, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 10 * time.Second})
	err = workflow.ExecuteActivity(ctx, Compose, name).Get(ctx, &greeting)
	return greeting, err
}

// Compose is an activity. It may do anything, and is tried again when it fails.
func Compose(_ context.Context, name string) (string, error) {
	return "Hello, " + name + "!", nil
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	c, err := client.Dial(client.Options{HostPort: os.Getenv("NATS_URL")}) // empty: 127.0.0.1:4222
	if err != nil {
		return err
	}
	defer c.Close()

	w := worker.New(c, "greetings", worker.Options{})
	w.RegisterWorkflow(Greet)
	w.RegisterActivity(Compose)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()

	started, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "hello", TaskQueue: "greetings"}, Greet, "world")
	if err != nil {
		return err
	}
	var greeting string
	err = started.Get(ctx, &greeting)
	fmt.Println(greeting)
	return err
}
