package devserver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

// holderEnv makes this test binary a program that starts a server on the named directory and waits to be killed.
const holderEnv = "DEVSERVER_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holderEnv); dir != "" {
		holdDirectory(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

func holdDirectory(dir string) {
	s, err := devserver.Start(devserver.Config{StoreDir: dir, Port: devserver.RandomPort})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.ClientURL())
	select {}
}

func publish(t *testing.T, nc *nats.Conn, subject string) {
	t.Helper()
	js := jetStream(t, nc)
	if _, err := js.Publish(t.Context(), subject, []byte("kept")); err != nil {
		t.Fatal(err)
	}
}

func jetStream(t *testing.T, nc *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func createStream(t *testing.T, nc *nats.Conn, replicas int) {
	t.Helper()
	_, err := jetStream(t, nc).CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "S", Subjects: []string{"s.>"}, Storage: jetstream.FileStorage, Replicas: replicas,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func messages(t *testing.T, nc *nats.Conn) uint64 {
	t.Helper()
	stream, err := jetStream(t, nc).Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func TestStreamsSurviveRestart(t *testing.T) {
	s := devtest.Server(t)
	nc := devtest.Conn(t, s)
	createStream(t, nc, 1)
	publish(t, nc, "s.1")
	reconnected := make(chan struct{}, 1)
	nc.SetReconnectHandler(func(*nats.Conn) { reconnected <- struct{}{} })
	next := devtest.Restart(t, s)
	if next.ClientURL() != s.ClientURL() {
		t.Fatalf("restarted at %s, was at %s", next.ClientURL(), s.ClientURL())
	}
	<-reconnected
	if n := messages(t, nc); n != 1 {
		t.Fatalf("stream has %d messages after the restart, want 1", n)
	}
}

func TestInProcessOnlyOpensNoPort(t *testing.T) {
	s := devtest.ServerWith(t, devserver.Config{InProcessOnly: true})
	if url := s.ClientURL(); url != "" {
		t.Fatalf("client URL %q, want none", url)
	}
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	createStream(t, nc, 1)
	publish(t, nc, "s.1")
}

func TestMemoryLeavesNothingBehind(t *testing.T) {
	s := devtest.ServerWith(t, devserver.Config{Memory: true, InProcessOnly: true})
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	createStream(t, nc, 1)
	publish(t, nc, "s.1")
	if _, err := os.Stat(s.StoreDir()); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	if _, err := os.Stat(s.StoreDir()); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("after Shutdown: stat %s = %v, want not exist", s.StoreDir(), err)
	}
}

func TestSecondStarterIsRefused(t *testing.T) {
	s := devtest.Server(t)
	_, err := devserver.Start(devserver.Config{StoreDir: s.StoreDir(), Port: devserver.RandomPort})
	var locked *devserver.LockedError
	if !errors.As(err, &locked) || !errors.Is(err, devserver.ErrLocked) {
		t.Fatalf("second start: %v, want a LockedError", err)
	}
	if locked.Dir != s.StoreDir() || locked.PID != os.Getpid() || "nats://"+locked.Address != s.ClientURL() || locked.Started.IsZero() {
		t.Fatalf("holder %+v does not describe the server at %s in %s", locked, s.ClientURL(), s.StoreDir())
	}
	for _, want := range []string{s.StoreDir(), fmt.Sprint(os.Getpid()), locked.Address} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %q", err, want)
		}
	}
	s.Shutdown()
	devtest.Restart(t, s)
}

func TestConcurrentStartersGetOneServer(t *testing.T) {
	dir := t.TempDir()
	const starters = 4
	var wg sync.WaitGroup
	servers := make([]*devserver.Server, starters)
	errs := make([]error, starters)
	for i := range starters {
		wg.Go(func() {
			servers[i], errs[i] = devserver.Start(devserver.Config{StoreDir: dir, InProcessOnly: true})
		})
	}
	wg.Wait()
	started := 0
	for i := range starters {
		switch {
		case errs[i] == nil:
			started++
			t.Cleanup(servers[i].Shutdown)
		case !errors.Is(errs[i], devserver.ErrLocked):
			t.Errorf("starter %d: %v", i, errs[i])
		}
	}
	if started != 1 {
		t.Fatalf("%d servers started on one directory, want 1", started)
	}
}

func TestKilledHolderFreesTheDirectory(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), holderEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 100)
	n, err := out.Read(line) // the holder prints its URL when it is up
	if err != nil {
		t.Fatal(err)
	}
	_, err = devserver.Start(devserver.Config{StoreDir: dir, InProcessOnly: true})
	var locked *devserver.LockedError
	if !errors.As(err, &locked) || locked.PID != cmd.Process.Pid {
		t.Fatalf("start beside process %d: %v", cmd.Process.Pid, err)
	}
	if url := string(bytes.TrimSpace(line[:n])); url != "nats://"+locked.Address {
		t.Fatalf("lock names %s, holder listens on %s", locked.Address, url)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("holder ended without being killed")
	}
	s, err := devserver.Start(devserver.Config{StoreDir: dir, InProcessOnly: true})
	if err != nil {
		t.Fatalf("start after the holder was killed: %v", err)
	}
	s.Shutdown()
}

func TestLockFileIsEmptyAfterShutdown(t *testing.T) {
	s := devtest.Server(t)
	name := filepath.Join(s.StoreDir(), "millrace.lock")
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var holder struct {
		PID     int
		Address string
		Started string
	}
	if err := json.Unmarshal(body, &holder); err != nil || holder.PID != os.Getpid() || holder.Address == "" || holder.Started == "" {
		t.Fatalf("lock file holds %q (%v)", body, err)
	}
	s.Shutdown()
	if body, err = os.ReadFile(name); err != nil || len(body) != 0 {
		t.Fatalf("after Shutdown: %q, %v, want an empty file", body, err)
	}
}

func TestTakenPorts(t *testing.T) {
	// Somebody may run a server on the default port already; then that one takes the place of this listener.
	if l, err := net.Listen("tcp", "127.0.0.1:4222"); err == nil {
		defer l.Close()
	}
	s, err := devserver.Start(devserver.Config{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown()
	if !s.PortFallback() || s.Config().Port <= devserver.DefaultPort {
		t.Fatalf("port %d, fallback %v: the default port is taken", s.Config().Port, s.PortFallback())
	}
	taken := s.Config().Port
	dir := t.TempDir()
	if _, err := devserver.Start(devserver.Config{StoreDir: dir, Port: taken}); err == nil || !strings.Contains(err.Error(), fmt.Sprint(taken)) {
		t.Fatalf("start on taken port %d: %v, want an error that names the port", taken, err)
	}
	again, err := devserver.Start(devserver.Config{StoreDir: dir, InProcessOnly: true})
	if err != nil {
		t.Fatalf("a failed start left the directory locked: %v", err)
	}
	again.Shutdown()
}

func TestProfileAndMonitor(t *testing.T) {
	s := devtest.ServerWith(t, devserver.Config{SyncAlways: true, MonitorPort: devserver.RandomPort, MaxPayload: 2 << 20})
	if got := s.Profile(); got != devserver.ProfileDurable {
		t.Errorf("profile %q, want %q", got, devserver.ProfileDurable)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(s.MonitorURL() + "/jsz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var jsz struct {
		Config struct {
			SyncAlways bool `json:"sync_always"`
		} `json:"config"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&jsz); err != nil {
		t.Fatal(err)
	}
	if !jsz.Config.SyncAlways {
		t.Error("the server does not sync always")
	}
	if got := devtest.Conn(t, s).MaxPayload(); got != 2<<20 {
		t.Errorf("max payload %d, want %d", got, 2<<20)
	}
	plain := devtest.Server(t)
	if plain.Profile() != devserver.ProfileDevelopment || plain.MonitorURL() != "" {
		t.Errorf("profile %q with monitor %q, want %q without", plain.Profile(), plain.MonitorURL(), devserver.ProfileDevelopment)
	}
}

func TestInvalidConfig(t *testing.T) {
	cluster := devserver.Cluster{Name: "c", Routes: []string{"nats://127.0.0.1:1"}}
	for name, tc := range map[string]struct {
		cfg  devserver.Config
		want string
	}{
		"no directory":             {devserver.Config{}, "StoreDir"},
		"directory and memory":     {devserver.Config{StoreDir: "x", Memory: true}, "Memory"},
		"memory and sync":          {devserver.Config{Memory: true, SyncAlways: true}, "SyncAlways"},
		"port below":               {devserver.Config{Memory: true, Port: -2}, "Port -2"},
		"port above":               {devserver.Config{Memory: true, Port: 65536}, "65535"},
		"monitor port":             {devserver.Config{Memory: true, MonitorPort: 70000}, "MonitorPort 70000"},
		"payload":                  {devserver.Config{Memory: true, MaxPayload: -1}, "MaxPayload -1"},
		"cluster without a port":   {devserver.Config{Memory: true, InProcessOnly: true, Cluster: cluster}, "InProcessOnly"},
		"cluster without routes":   {devserver.Config{Memory: true, Cluster: devserver.Cluster{Name: "c"}}, "Routes"},
		"cluster with a bad route": {devserver.Config{Memory: true, Cluster: devserver.Cluster{Name: "c", Routes: []string{"host"}}}, `"host"`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := devserver.Start(tc.cfg)
			if err == nil {
				s.Shutdown()
			}
			if !errors.Is(err, devserver.ErrInvalidConfig) || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want ErrInvalidConfig naming %s", err, tc.want)
			}
		})
	}
}

func TestServerLogsToLogger(t *testing.T) {
	var rec recorder
	s := devtest.ServerWith(t, devserver.Config{Logger: &rec, InProcessOnly: true})
	s.Shutdown()
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if !strings.Contains(rec.text.String(), "DEBUG Server is ready [component nats-server]") {
		t.Fatalf("log lacks the server's notices:\n%s", rec.text.String())
	}
}

// recorder keeps what is logged as text.
type recorder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorder) add(level, msg string, kv []any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, "%s %s %v\n", level, msg, kv)
}

func (r *recorder) Debug(msg string, kv ...any) { r.add("DEBUG", msg, kv) }
func (r *recorder) Info(msg string, kv ...any)  { r.add("INFO", msg, kv) }
func (r *recorder) Warn(msg string, kv ...any)  { r.add("WARN", msg, kv) }
func (r *recorder) Error(msg string, kv ...any) { r.add("ERROR", msg, kv) }
