package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/streams"
)

// asProgram makes the test binary run the program in the place of the tests.
const asProgram = "HELLO_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func TestItGreetsTwice(t *testing.T) {
	s := devtest.Server(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	plan, err := streams.PlanNamespace(ctx, devtest.Conn(t, s), client.DefaultNamespace, streams.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(ctx); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second run has the first one's workflow ID
		cmd := exec.CommandContext(ctx, self)
		cmd.Env = append(os.Environ(), asProgram+"=1", "NATS_URL="+s.ClientURL())
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != "Hello, world!\n" {
			t.Fatalf("program ended with %v and wrote %q", err, out)
		}
	}
}

func TestWithoutNamespaceItNamesTheCommand(t *testing.T) {
	s := devtest.Server(t)
	t.Setenv("NATS_URL", s.ClientURL())
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err == nil || !strings.Contains(err.Error(), "millrace namespace create default") {
		t.Fatalf("error %v does not name the command that creates the namespace", err)
	}
}

func TestReadmeShowsThisProgram(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(program), "\n"); lines >= 60 {
		t.Errorf("the smallest program has %d lines, promised are fewer than 60", lines)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(readme), "```go\n")
	if !found {
		t.Fatal("README.md has no block of Go code")
	}
	shown, _, _ := strings.Cut(after, "```")
	if shown != string(program) {
		t.Errorf("README.md shows another program than examples/hello/main.go:\n%s", shown)
	}
}
