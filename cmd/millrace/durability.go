package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/streams"
)

// syncFlags say how to find out when the servers flush what they acknowledge.
type syncFlags struct {
	monitors []string
	assume   bool
}

func (f *syncFlags) add(cmd *cobra.Command) {
	f.addMonitors(cmd)
	cmd.Flags().BoolVar(&f.assume, "assume-sync", false, "state that every server has sync_interval: always, where none can be asked")
}

func (f *syncFlags) addMonitors(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&f.monitors, "monitor-url", nil, "`URL` of a server's monitoring page, to ask how it flushes; one for each server")
}

// monitorTimeout bounds the look at one monitoring page.
const monitorTimeout = 5 * time.Second

// find asks the servers: by the system account, which few connections may, and on the monitoring pages that were named. A
// page that does not answer is an error. What a server says counts more than what was stated.
func (f *syncFlags) find(ctx context.Context, nc *nats.Conn) (streams.Sync, error) {
	found, err := streams.AskSync(ctx, nc)
	if err != nil {
		return found, err
	}
	for _, url := range f.monitors {
		sync, err := askMonitor(ctx, url)
		if err != nil {
			return found, fmt.Errorf("ask %s how the server flushes: %w", url, err)
		}
		if found != streams.SyncLazy {
			found = sync
		}
	}
	if found == streams.SyncUnverified && f.assume {
		found = streams.SyncAssumed
	}
	return found, nil
}

func askMonitor(ctx context.Context, url string) (streams.Sync, error) {
	ctx, cancel := context.WithTimeout(ctx, monitorTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/jsz?config=true", nil)
	if err != nil {
		return streams.SyncUnverified, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return streams.SyncUnverified, err
	}
	defer answer.Body.Close()
	var config streams.ServerConfig
	if answer.StatusCode != http.StatusOK {
		return streams.SyncUnverified, fmt.Errorf("it answers %s", answer.Status)
	}
	if err := json.NewDecoder(answer.Body).Decode(&config); err != nil {
		return streams.SyncUnverified, err
	}
	if config.Disabled {
		return streams.SyncUnverified, fmt.Errorf("it has no JetStream")
	}
	return config.Sync(), nil
}

// described is a namespace with what it promises, in JSON.
type described struct {
	Name       string    `json:"name"`
	Partitions int       `json:"partitions"`
	Created    time.Time `json:"created"`
	Profile    string    `json:"profile"`
	Sync       string    `json:"sync"`
	SyncNow    string    `json:"syncNow"`
	Replicas   int       `json:"replicas"`
	Survives   string    `json:"survives"`
}

func (a *app) namespaceDescribe() *cobra.Command {
	var f syncFlags
	cmd := &cobra.Command{
		Use: "describe NAME", Short: "Show a namespace and what it promises",
		Long: `Compares the namespace's streams with what they must be, and shows its durability profile, what was known of the servers
when that was promised, and what they say now. It fails when the servers cannot give what is promised.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.withConnection(func(nc *nats.Conn, _ client.Options) error { return a.describeNamespace(ctx, nc, args[0], f) })
		}),
	}
	f.addMonitors(cmd)
	return cmd
}

func (a *app) describeNamespace(ctx context.Context, nc *nats.Conn, name string, f syncFlags) error {
	ns, err := streams.Open(ctx, nc, name)
	if err != nil {
		return err
	}
	now, err := f.find(ctx, nc)
	if err != nil {
		return err
	}
	d := ns.Durability()
	line := described{Name: name, Partitions: ns.Partitions(), Created: ns.Created(), Profile: d.Profile, Sync: string(d.Sync),
		SyncNow: string(now), Replicas: d.Replicas, Survives: d.Survives()}
	if a.flags.output != outputTable {
		err = a.printJSON(line)
	} else {
		a.say("namespace   %s", name)
		a.say("created     %s", a.when(line.Created))
		a.say("partitions  %d", line.Partitions)
		a.say("durability  %s: an acknowledged write survives %s", line.Profile, line.Survives)
		a.say("replicas    %d", line.Replicas)
		a.say("flushing    %s when the profile was set, %s now", line.Sync, line.SyncNow)
	}
	if err != nil {
		return err
	}
	return ns.CheckSync(now)
}

func (a *app) namespaceProfile() *cobra.Command {
	var f syncFlags
	cmd := &cobra.Command{
		Use: "profile NAME PROFILE", Short: "Change what a namespace promises",
		Long: `Sets the durability profile of a namespace, development, durable or replicated, after its servers were changed. It is
refused when they cannot give it.`,
		Args: cobra.ExactArgs(2),
		RunE: a.run(func(ctx context.Context, args []string) error {
			return a.withConnection(func(nc *nats.Conn, _ client.Options) error {
				sync, err := f.find(ctx, nc)
				if err == nil {
					err = streams.SetProfile(ctx, nc, args[0], args[1], sync)
				}
				if err == nil {
					a.tell("Namespace %s has the %s profile now. Processes that are connected say so when they start again.", args[0], args[1])
				}
				return err
			})
		}),
	}
	f.add(cmd)
	return cmd
}
