package testsuite_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/testsuite"
	"github.com/millrace-dev/millrace/worker"
)

// startServer starts a server of the test's own.
func startServer(t *testing.T, o testsuite.DevServerOptions) *testsuite.DevServer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	o.LogLevel = "never"
	s, err := testsuite.StartDevServer(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestDevServerRunsWorkflows(t *testing.T) {
	s := startServer(t, testsuite.DevServerOptions{ClientOptions: &client.Options{Namespace: "mine"}})
	w := worker.New(s.Client(), "q", worker.Options{})
	w.RegisterWorkflow(Greet)
	w.RegisterActivity(Upper)
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	run, err := s.Client().ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "hello", TaskQueue: "q"}, Greet, "ann")
	if err != nil {
		t.Fatal(err)
	}
	var got string
	if err := run.Get(ctx, &got); err != nil || got != "hello ANN" {
		t.Errorf("got %q, %v", got, err)
	}
	other, err := client.Dial(client.Options{HostPort: s.FrontendHostPort(), Namespace: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
}

func TestDevServerRefusesWhatItDoesNotHave(t *testing.T) {
	for want, o := range map[string]testsuite.DevServerOptions{
		"EnableUI":               {EnableUI: true},
		"ExtraArgs":              {ExtraArgs: []string{"--x"}},
		"LogLevel":               {LogLevel: "loud"},
		"LogFormat":              {LogFormat: "xml"},
		"ClientOptions.HostPort": {ClientOptions: &client.Options{HostPort: "nowhere"}},
	} {
		if s, err := testsuite.StartDevServer(context.Background(), o); err == nil {
			t.Errorf("%s: started", want)
			_ = s.Stop()
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v", want, err)
		}
	}
}
