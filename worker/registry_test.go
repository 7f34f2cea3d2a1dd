package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/workflow"
)

type shop struct{ name string }

func (s *shop) Pack(context.Context, string) (string, error) { return s.name, nil }
func (s *shop) Ship() error                                  { return nil }

type helpful struct{ shop }

func (*helpful) Helper(int) int { return 0 }

func generic[T any](context.Context, T) error { return nil }

func plainWorkflow(workflow.Context) error { return nil }

func newTestRegistry() *registry { return newRegistry(workflow.DefinitionOptions{}) }

// Temporal's samples register methods by a nil pointer where these need no fields.
func TestMethodsOfANilPointerAreActivities(t *testing.T) {
	r := newRegistry(workflow.DefinitionOptions{})
	r.addActivity((*shop)(nil), activity.RegisterOptions{})
	f, ok := r.activity("Ship")
	if !ok {
		t.Fatal("Ship is not registered")
	}
	if _, err := f.call(t.Context(), nil, converter.GetDefaultDataConverter()); err != nil {
		t.Error(err)
	}
}

func TestNamesOfActivities(t *testing.T) {
	r := newTestRegistry()
	r.addActivity(&shop{}, activity.RegisterOptions{})
	r.addActivity(&shop{}, activity.RegisterOptions{Name: "east_"})
	r.addActivity(generic[int], activity.RegisterOptions{})
	r.addActivity((&shop{}).Ship, activity.RegisterOptions{Name: "Send"})
	r.addActivity(&helpful{}, activity.RegisterOptions{Name: "h_", SkipInvalidStructFunctions: true})
	_, got := r.types()
	want := []string{"Pack", "Send", "Ship", "east_Pack", "east_Ship", "generic", "h_Pack", "h_Ship"}
	if !slices.Equal(got, want) {
		t.Errorf("registered %v, want %v", got, want)
	}
}

func TestFunctionsAreFoundUnderTheirOwnNames(t *testing.T) {
	r := newTestRegistry()
	r.addActivity(generic[int], activity.RegisterOptions{Name: "Other"})
	r.addWorkflow(plainWorkflow, workflow.RegisterOptions{Name: "Daily"})
	if f, ok := r.activity("generic"); !ok || f.name != "Other" {
		t.Errorf("activity: %+v, %v", f, ok)
	}
	if _, ok := r.workflow("plainWorkflow"); !ok {
		t.Error("the workflow is not found")
	}
	if got := r.definition.ActivityName("generic"); got != "Other" {
		t.Errorf("workflow code calls %q", got)
	}
	if got := r.definition.WorkflowName("plainWorkflow"); got != "Daily" {
		t.Errorf("workflow code starts %q", got)
	}
	if _, ok := r.activity("Daily"); ok {
		t.Error("a workflow is found as an activity")
	}
}

func TestRegisteringWhatCannotRunPanics(t *testing.T) {
	valid := func() error { return nil }
	tests := map[string]struct {
		register func(r *registry)
		says     string
	}{
		"no function":  {func(r *registry) { r.addActivity(7, activity.RegisterOptions{}) }, "a function, a struct or a pointer"},
		"nil":          {func(r *registry) { r.addActivity(nil, activity.RegisterOptions{}) }, "a function, a struct or a pointer"},
		"nil function": {func(r *registry) { r.addActivity((func() error)(nil), activity.RegisterOptions{}) }, "nil"},
		"no result":    {func(r *registry) { r.addActivity(func() {}, activity.RegisterOptions{}) }, "returns 0 values"},
		"no error":     {func(r *registry) { r.addActivity(func() int { return 1 }, activity.RegisterOptions{}) }, "must be error"},
		"three results": {func(r *registry) {
			r.addActivity(func() (int, int, error) { return 1, 1, nil }, activity.RegisterOptions{})
		}, "returns 3 values"},
		"helper method": {func(r *registry) { r.addActivity(&helpful{}, activity.RegisterOptions{}) }, "Helper"},
		"empty struct":  {func(r *registry) { r.addActivity(&struct{}{}, activity.RegisterOptions{}) }, "no exported method"},
		"no workflow":   {func(r *registry) { r.addWorkflow(valid, workflow.RegisterOptions{Name: "w"}) }, "workflow.Context"},
		"duplicate activity": {func(r *registry) {
			r.addActivity(valid, activity.RegisterOptions{Name: "a"})
			r.addActivity(valid, activity.RegisterOptions{Name: "a"})
		}, `"a" is already registered`},
		"duplicate workflow": {func(r *registry) {
			r.addWorkflow(plainWorkflow, workflow.RegisterOptions{})
			r.addWorkflow(plainWorkflow, workflow.RegisterOptions{})
		}, `"plainWorkflow" is already registered`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, test.says) {
					t.Errorf("panics with %q, want %q in it", p, test.says)
				}
			}()
			test.register(newTestRegistry())
		})
	}
}

func TestLaterRegistrationReplaces(t *testing.T) {
	r := newTestRegistry()
	again := activity.RegisterOptions{Name: "a", DisableAlreadyRegisteredCheck: true}
	r.addActivity(func() error { return nil }, again)
	r.addActivity(func(int) error { return nil }, again)
	if f, _ := r.activity("a"); f.value.Type().NumIn() != 1 {
		t.Error("the first registration is still there")
	}
	r.addWorkflow(plainWorkflow, workflow.RegisterOptions{})
	r.addWorkflow(plainWorkflow, workflow.RegisterOptions{DisableAlreadyRegisteredCheck: true})
}

func TestInvalidOptionsAreNamed(t *testing.T) {
	tests := map[string]Options{
		"MaxConcurrentActivityExecutionSize is -1": {MaxConcurrentActivityExecutionSize: -1},
		"WorkerActivitiesPerSecond is -0.5":        {WorkerActivitiesPerSecond: -0.5},
		"WorkerLossTimeout is 1ns":                 {WorkerLossTimeout: 1},
		"MaxHeartbeatThrottleInterval is -1ns":     {MaxHeartbeatThrottleInterval: -1},
	}
	for says, o := range tests {
		if err := o.withDefaults().validate(); !errors.Is(err, ErrInvalidOptions) || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v gives %v", o, err)
		}
	}
	if err := (Options{}).withDefaults().validate(); err != nil {
		t.Errorf("no options: %v", err)
	}
}

func TestStartRefusesBeforeAnythingRuns(t *testing.T) {
	w := New(nil, "q", Options{})
	if err := w.Start(); !errors.Is(err, ErrInvalidOptions) {
		t.Errorf("Start: %v", err)
	}
	if err := w.Run(nil); !errors.Is(err, ErrInvalidOptions) {
		t.Errorf("Run: %v", err)
	}
	w.Stop()
}
