// Package deploy checks that the configurations beside it are what nats-server and systemd understand, and that each
// durability profile keeps what it promises.
package deploy

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

// routePassword is what the servers' environment holds, as README.md describes it.
const routePassword = "secret123"

func parse(t *testing.T, file string) *server.Options {
	t.Helper()
	t.Setenv("MILLRACE_ROUTE_PASSWORD", routePassword)
	for i := 1; i <= 3; i++ {
		t.Setenv(fmt.Sprintf("MILLRACE_ROUTE_%d", i), fmt.Sprintf("nats://route:%s@nats-%d.example.com:6222", routePassword, i))
	}
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatalf("%s: %v", file, err) // warnings, such as unknown fields, are errors here
	}
	return opts
}

func TestEveryConfigurationIsTested(t *testing.T) {
	files, err := filepath.Glob("*.conf")
	if err != nil {
		t.Fatal(err)
	}
	want := "development.conf durable.conf replicated-1.conf replicated-2.conf replicated-3.conf"
	if got := strings.Join(files, " "); got != want {
		t.Fatalf("configurations %q, tests know %q", got, want)
	}
}

func TestProfiles(t *testing.T) {
	for _, tc := range []struct {
		file       string
		syncAlways bool
		interval   time.Duration
		host       string
	}{
		{"development.conf", false, 2 * time.Minute, "127.0.0.1"},
		{"durable.conf", true, 0, "0.0.0.0"},
		{"replicated-1.conf", true, 0, "0.0.0.0"},
		{"replicated-2.conf", true, 0, "0.0.0.0"},
		{"replicated-3.conf", true, 0, "0.0.0.0"},
	} {
		t.Run(tc.file, func(t *testing.T) {
			o := parse(t, tc.file)
			if o.SyncAlways != tc.syncAlways {
				t.Errorf("sync always is %v, want %v", o.SyncAlways, tc.syncAlways)
			}
			if !tc.syncAlways && o.SyncInterval != tc.interval {
				t.Errorf("sync interval %s, want %s", o.SyncInterval, tc.interval)
			}
			if o.MaxPayload != 1<<20 {
				t.Errorf("max_payload %d, want %d", o.MaxPayload, 1<<20)
			}
			if !o.JetStream || o.StoreDir == "" {
				t.Errorf("JetStream %v on %q: want it on, with a directory", o.JetStream, o.StoreDir)
			}
			if o.Host != tc.host || o.Port != 4222 {
				t.Errorf("listens on %s:%d, want %s:4222", o.Host, o.Port, tc.host)
			}
			if o.HTTPHost != "127.0.0.1" || o.HTTPPort != 8222 {
				t.Errorf("monitoring on %s:%d, want it on this machine only", o.HTTPHost, o.HTTPPort)
			}
			if o.ServerName == "" {
				t.Error("the server has no name")
			}
		})
	}
}

func TestReplicatedServersDifferOnlyWhereTheyMust(t *testing.T) {
	base := text(t, "replicated-1.conf")
	for i := 2; i <= 3; i++ {
		own := strings.NewReplacer(
			"server 1 of 3", fmt.Sprintf("server %d of 3", i),
			"millrace-1", fmt.Sprintf("millrace-%d", i),
			`"zone:1"`, fmt.Sprintf(`"zone:%d"`, i),
			"client_advertise: nats-1", fmt.Sprintf("client_advertise: nats-%d", i),
		).Replace(base)
		if own != text(t, fmt.Sprintf("replicated-%d.conf", i)) {
			t.Errorf("replicated-%d.conf differs from replicated-1.conf in more than its name, zone and address", i)
		}
	}
}

// clusterTries bounds how often the cluster is formed anew because another program took a port it had been given.
const clusterTries = 5

// TestReplicatedFormsACluster runs the three configurations on this machine, with nothing replaced but hosts, ports
// and directories, and creates a stream of three copies: that needs the routes' password and three zones to be right.
func TestReplicatedFormsACluster(t *testing.T) {
	var members []*server.Server
	var err error
	for range clusterTries {
		if members, err = startReplicated(t); err == nil || !strings.Contains(err.Error(), "address already in use") {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(members[0].ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	// Requests are not answered before a leader is elected, and refused until all three have reported to it.
	deadline := time.Now().Add(60 * time.Second)
	for {
		_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 3})
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("create a stream of three replicas: %v", err)
		}
	}
}

func TestUnits(t *testing.T) {
	for _, tc := range []struct {
		file string
		want []string
	}{
		{"millrace.service", []string{"Type=notify", "ExecStart=/usr/bin/millrace daemon"}},
		{"nats-server.service", []string{"Type=exec", "KillSignal=SIGUSR2", "StateDirectory=nats"}},
	} {
		t.Run(tc.file, func(t *testing.T) {
			set := make(map[string]bool)
			lines := bufio.NewScanner(strings.NewReader(text(t, tc.file)))
			for lines.Scan() {
				set[strings.TrimSpace(lines.Text())] = true
			}
			hardening := []string{"DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "CapabilityBoundingSet=", "Restart=on-failure"}
			for _, directive := range append(hardening, tc.want...) {
				if !set[directive] {
					t.Errorf("lacks %s", directive)
				}
			}
			verifyUnit(t, tc.file)
		})
	}
}

// verifyUnit lets systemd read the unit, where systemd is installed. It would complain that programs are not
// installed, so the copy it reads starts one that is.
func verifyUnit(t *testing.T, file string) {
	t.Helper()
	analyze, err := exec.LookPath("systemd-analyze")
	if errors.Is(err, exec.ErrNotFound) {
		t.Log("systemd-analyze is not installed: directives are checked by name only")
		return
	}
	unit := strings.NewReplacer("/usr/bin/millrace", "/bin/true", "/usr/bin/nats-server", "/bin/true").Replace(text(t, file))
	name := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(name, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", name).CombinedOutput()
	if err != nil || strings.Contains(string(out), file+":") {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func TestStopTimeoutOutlastsLameDuck(t *testing.T) {
	const stop = 90 * time.Second
	if !strings.Contains(text(t, "nats-server.service"), "\nTimeoutStopSec=90s\n") {
		t.Fatalf("nats-server.service: TimeoutStopSec is not %s", stop)
	}
	for _, file := range []string{"durable.conf", "replicated-1.conf"} {
		if o := parse(t, file); o.LameDuckDuration+o.LameDuckGracePeriod >= stop {
			t.Errorf("%s: lame duck takes %s, systemd kills after %s", file, o.LameDuckDuration+o.LameDuckGracePeriod, stop)
		}
	}
}

func text(t *testing.T, file string) string {
	t.Helper()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// startReplicated starts a server on each of the three configurations; they stop when t ends.
func startReplicated(t *testing.T) ([]*server.Server, error) {
	t.Helper()
	options := make([]*server.Options, 3)
	routes := make([]*url.URL, 3)
	for i := range options {
		o := parse(t, fmt.Sprintf("replicated-%d.conf", i+1))
		if len(o.Routes) != 3 || o.Cluster.Name != "millrace" || o.JetStreamUniqueTag != "zone:" {
			t.Fatalf("server %d: %d routes, cluster %q, unique tag %q", i+1, len(o.Routes), o.Cluster.Name, o.JetStreamUniqueTag)
		}
		o.Host, o.Port, o.HTTPPort, o.ClientAdvertise = "127.0.0.1", server.RANDOM_PORT, 0, ""
		o.Cluster.Host, o.Cluster.Port = "127.0.0.1", devtest.FreePort(t)
		o.StoreDir, o.JetStreamMaxStore = t.TempDir(), 1<<30
		o.NoSigs, o.NoLog = true, true
		routes[i] = &url.URL{Scheme: "nats", User: o.Routes[i].User, Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Cluster.Port))}
		options[i] = o
	}
	members := make([]*server.Server, len(options))
	for i, o := range options {
		o.Routes = routes
		s, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		complaints := &complaints{}
		s.SetLogger(complaints, false, false)
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		if !s.ReadyForConnections(10 * time.Second) {
			return nil, fmt.Errorf("server %d is not ready: %s", i+1, complaints)
		}
		members[i] = s
	}
	return members, nil
}

// complaints keeps what a server says is wrong.
type complaints struct {
	mu   sync.Mutex
	said []string
}

func (c *complaints) add(format string, v ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, fmt.Sprintf(format, v...))
}

func (c *complaints) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.said, "; ")
}

func (c *complaints) Fatalf(format string, v ...any) { c.add(format, v...) }
func (c *complaints) Errorf(format string, v ...any) { c.add(format, v...) }
func (c *complaints) Warnf(format string, v ...any)  { c.add(format, v...) }
func (c *complaints) Noticef(string, ...any)         {}
func (c *complaints) Debugf(string, ...any)          {}
func (c *complaints) Tracef(string, ...any)          {}
