package client_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/client"
)

// observer is a plugin that notes how clients are made.
type observer struct {
	client.PluginBase
	name    string
	refuses error
	skips   bool
	noted   *[]string
}

func (o *observer) Name() string { return o.name }

func (o *observer) ConfigureClient(_ context.Context, to client.PluginConfigureClientOptions) error {
	*o.noted = append(*o.noted, o.name+" configures")
	to.ClientOptions.Identity = "by " + o.name
	to.ClientOptions.Plugins = nil // has no effect
	return nil
}

func (o *observer) NewClient(ctx context.Context, about client.PluginNewClientOptions, next func(context.Context, client.PluginNewClientOptions) error) error {
	line := o.name + " surrounds " + about.ClientOptions.Identity
	if about.Lazy {
		line += ", lazy"
	}
	if about.FromExisting != nil {
		line += ", from another"
	}
	*o.noted = append(*o.noted, line)
	if o.skips {
		return nil
	}
	if err := next(ctx, about); err != nil {
		return err
	}
	return o.refuses
}

func TestPluginsSurroundTheMakingOfClients(t *testing.T) {
	b := setup(t)
	var noted []string
	first, second := &observer{name: "first", noted: &noted}, &observer{name: "second", noted: &noted}
	options := client.Options{HostPort: b.url, Plugins: []client.Plugin{first, second}}
	c, err := client.Dial(options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	common := []string{"first configures", "second configures"}
	want := append(slices.Clone(common), "first surrounds by second", "second surrounds by second")
	if d := cmp.Diff(want, noted); d != "" {
		t.Errorf("Dial (-want +got):\n%s", d)
	}

	noted = nil
	lazy, err := client.NewLazyClient(options)
	if err != nil {
		t.Fatal(err)
	}
	defer lazy.Close()
	if _, err := lazy.CheckHealth(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	want = append(slices.Clone(common), "first surrounds by second, lazy", "second surrounds by second, lazy")
	if d := cmp.Diff(want, noted); d != "" {
		t.Errorf("NewLazyClient (-want +got):\n%s", d)
	}

	noted = nil
	other, err := client.NewClientFromExisting(c, options)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	want = append(slices.Clone(common), "first surrounds by second, from another", "second surrounds by second, from another")
	if d := cmp.Diff(want, noted); d != "" {
		t.Errorf("NewClientFromExisting (-want +got):\n%s", d)
	}
}

func TestPluginsCanRefuseAClient(t *testing.T) {
	b := setup(t)
	var noted []string
	refusal := errors.New("not today")
	for want, plugins := range map[string][]client.Plugin{
		"not today":       {&observer{name: "a", noted: &noted, refuses: refusal}},
		"two named \"a\"": {&observer{name: "a", noted: &noted}, &observer{name: "a", noted: &noted}},
		"neither called":  {&observer{name: "a", noted: &noted, skips: true}},
	} {
		c, err := client.Dial(client.Options{HostPort: b.url, Plugins: plugins})
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}
