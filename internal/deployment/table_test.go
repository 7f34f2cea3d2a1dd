package deployment

import (
	"fmt"
	"testing"
	"time"
)

func TestRoute(t *testing.T) {
	now := time.Unix(0, 0).UTC()
	table := &Table{}
	one, two := Version{"app", "1"}, Version{"app", "2"}
	if !table.Register(one, "q", []string{"pinned"}, now) || table.Register(one, "q", []string{"pinned"}, now) {
		t.Fatal("registering is new once")
	}
	table.Register(two, "q", []string{"pinned", "late"}, now)
	route := func(id, workflowType string) string { return table.Route("q", id, workflowType) }
	if got := route("a", "pinned"); got != "" {
		t.Errorf("without a current build: %q", got)
	}
	d := table.Deployments["app"]
	d.Current = "1"
	if !table.Receives(one) || table.Receives(two) {
		t.Error("another build is current")
	}
	for workflowType, want := range map[string]string{"pinned": "1", "late": "", "other": ""} {
		if got := route("a", workflowType); got != want {
			t.Errorf("%s: build %q, want %q", workflowType, got, want)
		}
	}
	if got := table.Route("other", "a", "pinned"); got != "" {
		t.Errorf("queue of nobody: build %q", got)
	}
	ramped := map[string]bool{}
	for _, percentage := range []float32{0, 10, 50, 100} {
		d.Ramping, d.Percentage = "2", percentage
		n := 0
		for i := range 2000 {
			id := fmt.Sprint("order-", i)
			switch route(id, "pinned") {
			case "2":
				n++
				ramped[id] = true
			case "1":
				if ramped[id] {
					t.Fatalf("%s left the ramp when it grew to %v%%", id, percentage)
				}
			}
		}
		if share := float32(n) / 20; share < percentage-3 || share > percentage+3 {
			t.Errorf("%v%% are on the ramp, want %v%%", share, percentage)
		}
	}
	data, err := table.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(data)
	if err != nil || again.Route("q", "a", "late") != "2" {
		t.Errorf("table changes when it is stored: %s, %v", data, err)
	}
}
