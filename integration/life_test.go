package integration

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func charge(context.Context, int) (bool, error) { return true, nil }

// order is the workflow of docs/life-of-a-workflow.md with a shorter sleep.
func order(ctx workflow.Context, id int) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: time.Minute})
	var paid bool
	if err := workflow.ExecuteActivity(ctx, charge, id).Get(ctx, &paid); err != nil {
		return "", err
	}
	if err := workflow.Sleep(ctx, 1500*time.Millisecond); err != nil {
		return "", err
	}
	var by string
	workflow.GetSignalChannel(ctx, "approve").Receive(ctx, &by)
	return "approved by " + by, nil
}

// TestTheLifeOfAWorkflow compares the transitions of a real run with those that the page tells of.
func TestTheLifeOfAWorkflow(t *testing.T) {
	page, err := os.ReadFile("../docs/life-of-a-workflow.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^transition (\d+) +cover: (\w+)\S* +consumed: \S+ +events: (.*)$`).FindAllStringSubmatch(string(page), -1) {
		told = append(told, fmt.Sprintf("%s covered by %s: %s", m[1], m[2], m[3]))
	}
	e := newEngine(t)
	e.work(worker.Options{}, func(w worker.Worker) {
		w.RegisterWorkflow(order)
		w.RegisterActivity(charge)
	})
	run := e.execute("order-7", order, 7)
	for asleep := false; !asleep; {
		d, err := e.client.DescribeWorkflow(e.ctx, "order-7", "")
		if err != nil {
			t.Fatal(err)
		}
		asleep = d.HistoryLength == 4
	}
	if err := e.client.SignalWorkflow(e.ctx, "order-7", "", "approve", "Ann"); err != nil {
		t.Fatal(err)
	}
	var out string
	if err := run.Get(e.ctx, &out); err != nil || out != "approved by Ann" {
		t.Fatalf("got %q, %v", out, err)
	}
	if got := strings.Join(e.transitions("order-7", run.GetRunID()), "\n"); got != strings.Join(told, "\n") {
		t.Errorf("the run made\n%s\nand docs/life-of-a-workflow.md tells of\n%s", got, strings.Join(told, "\n"))
	}
}

// transitions are those of a run, each with the source of its cover and its events.
func (e *engine) transitions(workflowID, runID string) (all []string) {
	e.Helper()
	nc, err := nats.Connect(e.url)
	if err != nil {
		e.Fatal(err)
	}
	defer nc.Close()
	ns, err := streams.Open(e.ctx, nc, client.DefaultNamespace)
	if err != nil {
		e.Fatal(err)
	}
	loaded, err := ns.Load(e.ctx, history.Run{WorkflowID: workflowID, RunID: runID}, 0)
	if err != nil {
		e.Fatal(err)
	}
	for i := range loaded.Records {
		t, err := streams.TransitionOf(e.ctx, ns, &loaded.Records[i])
		if err != nil {
			e.Fatal(err)
		}
		var events []string
		for _, ev := range t.Events {
			events = append(events, ev.String())
		}
		source, _, _ := strings.Cut(t.Cover, ":")
		all = append(all, fmt.Sprintf("%d covered by %s: %s", t.Number, source, strings.Join(events, ", ")))
	}
	return all
}
