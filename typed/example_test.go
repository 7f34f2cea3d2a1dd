package typed_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/client"
	millracelog "github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/typed"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func Count(_ context.Context, text string) (int, error) { return len(strings.Fields(text)), nil }

func Words(ctx workflow.Context, texts []string) (int, error) {
	ctx = workflow.WithStartToCloseTimeout(ctx, time.Minute)
	var counts []typed.Future[int]
	for _, text := range texts {
		counts = append(counts, typed.ExecuteActivity(ctx, Count, text))
	}
	sum := 0
	for _, c := range counts {
		n, err := c.Get(ctx)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// The result of an activity is a value, and an argument of another type than the activity's does not compile.
func ExampleExecuteActivity() {
	suite := testsuite.WorkflowTestSuite{}
	suite.SetLogger(millracelog.Discard{})
	env := suite.NewTestWorkflowEnvironment()
	env.RegisterActivity(Count)
	env.ExecuteWorkflow(Words, []string{"to be", "or not to be"})
	var sum int
	if err := env.GetWorkflowResult(&sum); err != nil {
		log.Fatal(err)
	}
	fmt.Println(sum)
	// Output: 6
}

// A run knows the type of its workflow's result.
func ExampleExecuteWorkflow() {
	ctx := context.Background()
	server, err := testsuite.StartDevServer(ctx, testsuite.DevServerOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()
	w := worker.New(server.Client(), "words", worker.Options{})
	w.RegisterWorkflow(Words)
	w.RegisterActivity(Count)
	if err := w.Start(); err != nil {
		log.Fatal(err)
	}
	defer w.Stop()

	options := client.StartWorkflowOptions{ID: "words", TaskQueue: "words"}
	run, err := typed.ExecuteWorkflow(ctx, server.Client(), options, Words, []string{"to be", "or not to be"})
	if err != nil {
		log.Fatal(err)
	}
	sum, err := run.Get(ctx)
	fmt.Println(sum, err)
	// Output: 6 <nil>
}
