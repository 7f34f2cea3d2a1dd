package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/contrib/envconfig"
)

// running is `millrace dev` inside the test.
type running struct {
	out  *watched
	errs *watched
	stop func() int
}

// watched collects output and tells when it holds a text.
type watched struct {
	mu      sync.Mutex // guards text
	text    bytes.Buffer
	changed chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
	return w.text.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func (w *watched) await(t *testing.T, text string) string {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !strings.Contains(w.String(), text) {
		select {
		case <-w.changed:
		case <-deadline:
			t.Fatalf("no %q in %q", text, w)
		}
	}
	return w.String()
}

func runDev(t *testing.T, env envconfig.EnvLookupMap, args ...string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := running{out: &watched{changed: make(chan struct{}, 1)}, errs: &watched{changed: make(chan struct{}, 1)}}
	code := make(chan int, 1)
	a := &app{stdin: strings.NewReader(""), stdout: r.out, stderr: r.errs, env: env}
	go func() { code <- a.execute(ctx, append([]string{"dev"}, args...)) }()
	r.stop = sync.OnceValue(func() int { cancel(); return <-code })
	t.Cleanup(func() { r.stop() })
	return r
}

func execute(t *testing.T, env envconfig.EnvLookupMap, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, env: env}
	code = a.execute(t.Context(), args)
	return code, out.String(), errs.String()
}

func TestDevKeepsWhatItAcknowledged(t *testing.T) {
	env := envconfig.EnvLookupMap{"XDG_STATE_HOME": t.TempDir()}
	var info devInfo
	begin := func() running {
		r := runDev(t, env, "--port", "-1", "-o", "json", "--namespace", "orders", "-n", "default", "--monitor-port", "-1")
		if err := json.Unmarshal([]byte(r.out.await(t, "}\n")), &info); err != nil {
			t.Fatalf("%v in %s", err, r.out)
		}
		env["NATS_URL"] = info.URL
		return r
	}
	first := begin()
	if info.Profile != "development" || !strings.Contains(info.Survives, "kill -9") || info.DataDir != env["XDG_STATE_HOME"]+"/millrace/dev" ||
		info.MonitorURL == "" || strings.Join(info.Namespaces, " ") != "default orders" {
		t.Errorf("dev says %+v", info)
	}
	if code, _, errs := execute(t, env, "dev", "--port", "-1"); code != exitFailure || !strings.Contains(errs, "is locked by process") {
		t.Errorf("a second server on the directory ended with %d, %s", code, errs)
	}
	for _, ns := range info.Namespaces {
		if code, _, errs := execute(t, env, "workflow", "start", "--type", "T", "-t", "q", "-w", "w", "-n", ns); code != exitOK {
			t.Fatalf("start in %s ended with %d, %s", ns, code, errs)
		}
	}
	if code := first.stop(); code != exitOK {
		t.Fatalf("dev ended with %d, %s", code, first.errs)
	}
	begin()
	if code, out, errs := execute(t, env, "workflow", "list", "-n", "orders"); code != exitOK || !strings.Contains(out, " w ") {
		t.Errorf("after a restart the list ends with %d, %s%s", code, out, errs)
	}
}

func TestDevSaysWhenItsPortIsTaken(t *testing.T) {
	// Whether by this listener or by somebody else's server: the port is taken.
	if l, err := net.Listen("tcp", "127.0.0.1:4222"); err == nil {
		defer l.Close()
	}
	r := runDev(t, envconfig.EnvLookupMap{}, "--memory")
	text := r.out.await(t, "Ctrl-C stops the server.")
	for _, want := range []string{
		"Port 4222 is taken: using the next free one.", "server      nats://127.0.0.1:42", "data        in memory",
		"an acknowledged write survives nothing", "export NATS_URL=nats://127.0.0.1:42", "millrace workflow list",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if code := r.stop(); code != exitOK {
		t.Errorf("dev ended with %d, %s", code, r.errs)
	}
}

func TestInterruptedCommandsSaySo(t *testing.T) {
	server := runDev(t, envconfig.EnvLookupMap{}, "--memory", "--port", "-1", "-o", "json")
	var info devInfo
	if err := json.Unmarshal([]byte(server.out.await(t, "}\n")), &info); err != nil {
		t.Fatal(err)
	}
	env := envconfig.EnvLookupMap{"NATS_URL": info.URL}
	if code, _, errs := execute(t, env, "workflow", "start", "--type", "T", "-t", "q", "-w", "w"); code != exitOK {
		t.Fatal(errs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, errs := &watched{changed: make(chan struct{}, 1)}, &watched{changed: make(chan struct{}, 1)}
	a := &app{stdin: strings.NewReader(""), stdout: out, stderr: errs, env: env}
	code := make(chan int, 1)
	go func() { code <- a.execute(ctx, []string{"workflow", "show", "w", "--follow"}) }()
	out.await(t, "WorkflowExecutionStarted")
	cancel()
	if c := <-code; c != exitInterrupted || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("ended with %d, %s", c, errs)
	}
}

func TestDevDurable(t *testing.T) {
	r := runDev(t, envconfig.EnvLookupMap{}, "--data-dir", t.TempDir(), "--sync-always", "--port", "-1")
	text := r.out.await(t, "Ctrl-C stops the server.")
	if !strings.Contains(text, "durable: an acknowledged write survives kill -9 of any process, and the loss of power") {
		t.Errorf("dev says %s", text)
	}
}

func TestDaemonTellsSystemd(t *testing.T) {
	dir, err := os.MkdirTemp("", "mr") // t.TempDir is too long for a socket's name
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: dir + "/s", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	server := runDev(t, envconfig.EnvLookupMap{}, "--memory", "--port", "-1", "-o", "json")
	var info devInfo
	if err := json.Unmarshal([]byte(server.out.await(t, "}\n")), &info); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a := &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard,
		env: envconfig.EnvLookupMap{"NATS_URL": info.URL, "NOTIFY_SOCKET": dir + "/s"}}
	code := make(chan int, 1)
	go func() { code <- a.execute(ctx, []string{"daemon"}) }()
	if err := socket.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		buf := make([]byte, 100)
		n, err := socket.Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Fatalf("systemd is told %q, %v, want %s", buf[:n], err, want)
		}
		cancel()
	}
	if c := <-code; c != exitOK {
		t.Errorf("daemon ended with %d", c)
	}
}

// TestDurabilityIsNotPromisedByAServerThatFlushesLazily: the monitoring page tells what a client cannot see, and a data
// directory that was durable is not served otherwise.
func TestDurabilityIsNotPromisedByAServerThatFlushesLazily(t *testing.T) {
	env := envconfig.EnvLookupMap{"XDG_STATE_HOME": t.TempDir()}
	var info devInfo
	begin := func(args ...string) running {
		r := runDev(t, env, append([]string{"--port", "-1", "-o", "json", "--monitor-port", "-1"}, args...)...)
		if err := json.Unmarshal([]byte(r.out.await(t, "}\n")), &info); err != nil {
			t.Fatalf("%v in %s", err, r.out)
		}
		env["NATS_URL"] = info.URL
		return r
	}
	lazy := begin()
	code, _, errs := execute(t, env, "namespace", "create", "money", "--yes", "--profile", "durable", "--monitor-url", info.MonitorURL, "--assume-sync")
	if code != exitFailure || !strings.Contains(errs, "sync_interval is an interval") {
		t.Errorf("a durable namespace on a lazy server ended with %d, %s", code, errs)
	}
	lazy.stop()
	always := begin("--sync-always", "-n", "orders")
	code, out, errs := execute(t, env, "namespace", "create", "money", "--yes", "--profile", "durable", "--monitor-url", info.MonitorURL)
	if code != exitOK {
		t.Errorf("a durable namespace ended with %d, %s%s", code, out, errs)
	}
	for name, want := range map[string]string{"default": "development", "orders": "durable", "money": "durable"} {
		_, out, _ := execute(t, env, "namespace", "describe", name, "-o", "jsonl")
		if !strings.Contains(out, `"profile":"`+want+`"`) {
			t.Errorf("namespace %s is %s, want %s", name, out, want)
		}
	}
	always.stop()
	if code, _, errs := execute(t, env, "dev", "--port", "-1", "-n", "orders"); code != exitFailure || !strings.Contains(errs, "with the durable profile") {
		t.Errorf("dev without --sync-always on a durable namespace ended with %d, %s", code, errs)
	}
	begin()
	if code, _, errs := execute(t, env, "daemon", "-n", "orders", "--monitor-url", info.MonitorURL); code != exitFailure || !strings.Contains(errs, "with the durable profile") {
		t.Errorf("a daemon of a durable namespace on a lazy server ended with %d, %s", code, errs)
	}
}
