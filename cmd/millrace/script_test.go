package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rogpeppe/go-internal/testscript"

	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/contrib/envconfig"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"millrace": main, "testworker": testWorker, "testreplay": testReplay})
}

// TestScripts runs the sessions under testdata/script. Each begins with a server of its own, whose address is in
// NATS_URL; `testworker` serves the task queue "test" until it is stopped, as build TEST_BUILD of "app" if that is set.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			s, err := devserver.Start(devserver.Config{StoreDir: env.WorkDir + "/.server", Port: devserver.RandomPort})
			if err != nil {
				return err
			}
			env.Defer(s.Shutdown)
			env.Setenv("NATS_URL", s.ClientURL())
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/.state")
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/.config")
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "await": await, "publish": publish, "purge": purge, "lose": lose, "context": writeContext,
		},
	})
}

// exits runs a command that must end with the given code: exits CODE COMMAND ARGS...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var failed interface{ ExitCode() int }
	switch {
	case errors.As(err, &failed):
		code = failed.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("%s ended with code %d, want %s", args[1], code, args[0])
	}
}

// await repeats a command until its output holds a text: await TEXT COMMAND ARGS... What it waits for happens in
// another process, which tells nobody.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await TEXT COMMAND ARGS...")
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && strings.Contains(ts.ReadFile("stdout"), args[0]) {
			return
		}
	}
	ts.Fatalf("no %q in the output of %s after 30 s", args[0], strings.Join(args[1:], " "))
}

// publish stores a message as any NATS client would: publish SUBJECT BODY.
func publish(ts *testscript.TestScript, _ bool, args []string) {
	nc, err := nats.Connect(ts.Getenv("NATS_URL"))
	ts.Check(err)
	defer nc.Close()
	_, err = nc.Request(args[0], []byte(args[1]), 10*time.Second)
	ts.Check(err)
}

// purge empties a stream, as an accident would: purge STREAM.
func purge(ts *testscript.TestScript, _ bool, args []string) {
	nc, err := nats.Connect(ts.Getenv("NATS_URL"))
	ts.Check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	ts.Check(err)
	stream, err := js.Stream(context.Background(), args[0])
	ts.Check(err)
	ts.Check(stream.Purge(context.Background()))
}

// lose deletes a stream, as an accident would: lose STREAM.
func lose(ts *testscript.TestScript, _ bool, args []string) {
	nc, err := nats.Connect(ts.Getenv("NATS_URL"))
	ts.Check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	ts.Check(err)
	ts.Check(js.DeleteStream(context.Background(), args[0]))
}

// writeContext writes a context of the nats command that leads to the script's server: context FILE.
func writeContext(ts *testscript.TestScript, _ bool, args []string) {
	text := fmt.Sprintf(`{"url": %q}`, ts.Getenv("NATS_URL"))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// testWorker serves workflows that behave as their names say.
func testWorker() {
	if err := runTestWorker(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runTestWorker() error {
	c, err := client.Dial(envconfig.MustLoadDefaultClientOptions())
	if err != nil {
		return err
	}
	defer c.Close()
	var options worker.Options
	if build := os.Getenv("TEST_BUILD"); build != "" {
		options.DeploymentOptions = worker.DeploymentOptions{
			UseVersioning:             true,
			Version:                   worker.WorkerDeploymentVersion{DeploymentName: "app", BuildID: build},
			DefaultVersioningBehavior: workflow.VersioningBehaviorPinned,
		}
	}
	w := worker.New(c, "test", options)
	registerWorkflows(w)
	w.RegisterActivityWithOptions(hello, activity.RegisterOptions{Name: "Hello"})
	return w.Run(worker.InterruptCh())
}

func registerWorkflows(r interface {
	RegisterWorkflowWithOptions(w interface{}, options workflow.RegisterOptions)
}) {
	r.RegisterWorkflowWithOptions(greet, workflow.RegisterOptions{Name: "Greet"})
	r.RegisterWorkflowWithOptions(fail, workflow.RegisterOptions{Name: "Fail"})
	r.RegisterWorkflowWithOptions(wait, workflow.RegisterOptions{Name: "Wait"})
	r.RegisterWorkflowWithOptions(elsewhere, workflow.RegisterOptions{Name: "Elsewhere"})
}

// testReplay replays the history in the file that it is given.
func testReplay() {
	r := worker.NewWorkflowReplayer()
	registerWorkflows(r)
	if err := r.ReplayWorkflowHistoryFromJSONFile(log.Discard{}, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("the same")
}

func options(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, RetryPolicy: &millrace.RetryPolicy{InitialInterval: 10 * time.Millisecond, MaximumAttempts: 2},
	})
}

// greet returns a greeting made by an activity that fails once.
func greet(ctx workflow.Context, name string) (string, error) {
	var greeting string
	err := workflow.ExecuteActivity(options(ctx), "Hello", name).Get(ctx, &greeting)
	return greeting, err
}

func hello(ctx context.Context, name string) (string, error) {
	if activity.GetInfo(ctx).Attempt == 1 {
		return "", errors.New("not yet")
	}
	return "Hello, " + name + "!", nil
}

func fail(workflow.Context) error {
	return millrace.NewNonRetryableApplicationError("out of stock", "StockError", nil)
}

// wait returns the argument of the signal "go", and answers the query "state".
func wait(ctx workflow.Context) (string, error) {
	state := "waiting"
	if err := workflow.SetQueryHandler(ctx, "state", func() (string, error) { return state, nil }); err != nil {
		return "", err
	}
	var value string
	selector := workflow.NewSelector(ctx)
	var err error
	selector.AddReceive(workflow.GetSignalChannel(ctx, "go"), func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, &value) })
	selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) { err = ctx.Err() })
	selector.Select(ctx)
	state = "done"
	return value, err
}

// elsewhere waits for an activity of a queue that nobody serves.
func elsewhere(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{TaskQueue: "elsewhere", ScheduleToCloseTimeout: time.Hour})
	return workflow.ExecuteActivity(ctx, "Hello", "nobody").Get(ctx, nil)
}
