package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain makes the test binary a server or a worker when the driver started it as one.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(playRole(role))
	}
	goleak.VerifyTestMain(m)
}

func TestRunsSurviveKills(t *testing.T) {
	o, err := parseOptions([]string{
		"-runs", "200", "-sequences", "10", "-steps", "10", "-workers", "3", "-worker-kills", "6", "-server-kills", "1",
		"-concurrency", "24", "-limit", "1m", "-dir", t.TempDir(),
	}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var out bytes.Buffer
	err = run(ctx, o, &out)
	t.Log(out.String())
	if err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "seed ") || !strings.Contains(text, "violations         none") {
		t.Fatal("the report lacks the seed or the verdict")
	}
}

func TestAWorkerThatEndsByItselfIsReported(t *testing.T) {
	dir := t.TempDir()
	// A worker cannot have a directory as its ledger.
	c, err := startChild(roleWorker, roleConfig{Name: "worker", Ledger: dir}, filepath.Join(dir, "worker.log"))
	if err != nil {
		t.Fatal(err)
	}
	<-c.exited
	if !c.kill() {
		t.Fatal("a process that had ended counts as killed")
	}
	f := &fleet{dir: dir, server: c, workers: []*child{c}}
	if err := f.check(); err == nil || !strings.Contains(err.Error(), "worker ended by itself") {
		t.Fatalf("check says %v", err)
	}
	if _, err := f.killWorker(0); err == nil || !strings.Contains(err.Error(), "worker ended by itself") {
		t.Fatalf("killWorker says %v", err)
	}
}

func TestChildrenEndWithTheirDriver(t *testing.T) {
	dir := t.TempDir()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	s, err := startChild(roleServer, roleConfig{Name: "server", Dir: filepath.Join(dir, "server"), Port: port}, filepath.Join(dir, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	<-s.ready
	if err := s.stdin.Close(); err != nil { // what the system does when the driver dies
		t.Fatal(err)
	}
	select {
	case <-s.exited:
		if s.err != nil {
			t.Fatalf("server ended with %v", s.err)
		}
	case <-time.After(10 * time.Second):
		s.kill()
		t.Fatal("the server lives on without its driver")
	}
}

func TestBadFlagsAreNamed(t *testing.T) {
	for _, args := range [][]string{
		{"-runs", "0"}, {"-sequences", "-1"}, {"-steps", "0"}, {"-workers", "0"}, {"-concurrency", "0"}, {"-parallel", "0"},
		{"-worker-kills", "-1"}, {"-server-kills", "-1"}, {"-worker-every", "0s"}, {"-settle", "0s"}, {"-limit", "-1s"},
	} {
		if _, err := parseOptions(args, os.Stderr); err == nil || !strings.Contains(err.Error(), args[0]) || !strings.Contains(err.Error(), "at least") {
			t.Errorf("%v: %v, want an error that names the flag and the limit", args, err)
		}
	}
}

func TestADirectoryWithOtherLedgersIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "worker-0.1.ledger"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := workDirectory(dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Fatalf("got %v", err)
	}
}
