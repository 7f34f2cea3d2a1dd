package plugin_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	apihistory "github.com/millrace-dev/millrace/api/history"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/plugin"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func simple(t *testing.T, o plugin.SimplePluginOptions) *plugin.SimplePlugin {
	t.Helper()
	if o.Name == "" {
		o.Name = "simple"
	}
	p, err := plugin.NewSimplePlugin(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAPluginNeedsAName(t *testing.T) {
	t.Parallel()
	if _, err := plugin.NewSimplePlugin(plugin.SimplePluginOptions{}); err == nil {
		t.Error("a plugin without a name is made")
	}
}

func TestClientOptionsAreConfigured(t *testing.T) {
	t.Parallel()
	ours := converter.NewCompositeDataConverter(converter.NewNilPayloadConverter())
	p := simple(t, plugin.SimplePluginOptions{
		DataConverter:      ours,
		ContextPropagators: []workflow.ContextPropagator{nil},
		ConfigureClient: func(_ context.Context, o client.PluginConfigureClientOptions) error {
			if o.ClientOptions.DataConverter != ours {
				t.Error("ConfigureClient is called before the fields are set")
			}
			o.ClientOptions.Identity = "configured"
			return nil
		},
	})
	o := client.Options{DataConverter: converter.GetDefaultDataConverter(), ContextPropagators: []workflow.ContextPropagator{nil}}
	if err := p.ConfigureClient(t.Context(), client.PluginConfigureClientOptions{ClientOptions: &o}); err != nil {
		t.Fatal(err)
	}
	if o.DataConverter != ours || o.Identity != "configured" || len(o.ContextPropagators) != 2 || o.FailureConverter != nil {
		t.Errorf("options are %+v", o)
	}
}

func TestAWorkerThatCannotStartIsCleanedUpAfter(t *testing.T) {
	t.Parallel()
	var seen []string
	p := simple(t, plugin.SimplePluginOptions{
		RunContextBefore: func(context.Context, plugin.SimplePluginRunContextBeforeOptions) error {
			seen = append(seen, "before")
			return nil
		},
		RunContextAfter: func(context.Context, plugin.SimplePluginRunContextAfterOptions) { seen = append(seen, "after") },
	})
	broken := errors.New("broken")
	err := p.StartWorker(t.Context(), worker.PluginStartWorkerOptions{}, func(context.Context, worker.PluginStartWorkerOptions) error { return broken })
	if d := cmp.Diff([]string{"before", "after"}, seen); d != "" || !errors.Is(err, broken) {
		t.Errorf("error is %v, calls (-want +got):\n%s", err, d)
	}
}

func nap(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Hour) }

func TestAReplayIsSurrounded(t *testing.T) {
	t.Parallel()
	var seen []string
	p := simple(t, plugin.SimplePluginOptions{
		ConfigureWorkflowReplayer: func(_ context.Context, o worker.PluginConfigureWorkflowReplayerOptions) error {
			o.WorkflowReplayerRegistryOptions.OnRegisterWorkflow = func(any, workflow.RegisterOptions) { seen = append(seen, "registered") }
			return nil
		},
		RunContextBefore: func(_ context.Context, o plugin.SimplePluginRunContextBeforeOptions) error {
			seen = append(seen, "before")
			o.Registry.RegisterWorkflowWithOptions(nap, workflow.RegisterOptions{Name: "brought", DisableAlreadyRegisteredCheck: true})
			if !o.WorkflowReplayer || o.InstanceKey == "" {
				t.Errorf("options are %+v", o)
			}
			return nil
		},
		RunContextAfter: func(context.Context, plugin.SimplePluginRunContextAfterOptions) { seen = append(seen, "after") },
	})
	r, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{Plugins: []worker.Plugin{p}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.ReplayWorkflowHistory(nil, &apihistory.History{}); err == nil || !strings.Contains(err.Error(), "no events") {
		t.Errorf("an empty history: %v", err)
	}
	if d := cmp.Diff([]string{"before", "registered", "after"}, seen); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
	if _, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{Plugins: []worker.Plugin{p, p}}); err == nil {
		t.Error("a replayer takes a plugin twice")
	}
	if err := r.ReplayPartialWorkflowHistoryFromJSONFile(nil, filepath.Join(t.TempDir(), "absent"), 3); err == nil {
		t.Error("an absent file is replayed")
	}
}
