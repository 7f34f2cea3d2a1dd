package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The test binary plays the processes that the demo starts: its first argument chooses the part.
const (
	partReady = "test-ready" // says that it is ready and lives until it is orphaned
	partFails = "test-fails" // ends without a word on its standard output
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case roleServer, roleWorker:
			if err := dispatch(context.Background(), os.Args[1:]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		case partReady:
			fmt.Println(readyLine)
			// Ends with the lifeline.
			for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			}
			return
		case partFails:
			fmt.Fprintln(os.Stderr, "no such port")
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func TestKillEndsTheProcess(t *testing.T) {
	p, err := spawn(t.Context(), t.TempDir(), "p", partReady)
	if err != nil {
		t.Fatal(err)
	}
	if p.ended() {
		t.Fatal("ended before it was killed")
	}
	if err := p.kill(); err != nil {
		t.Fatal(err)
	}
	if !p.ended() {
		t.Error("kill returned before the process had ended")
	}
	if err := p.kill(); err != nil {
		t.Errorf("second kill: %v", err)
	}
}

func TestProcessEndsWithItsLifeline(t *testing.T) {
	p, err := spawn(t.Context(), t.TempDir(), "p", partReady)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.lifeline.Close(); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	if err := p.kill(); err != nil {
		t.Errorf("kill after the end: %v", err)
	}
}

func TestSpawnNamesTheLogOfAProcessThatFails(t *testing.T) {
	logs := t.TempDir()
	_, err := spawn(t.Context(), logs, "p", partFails)
	path := filepath.Join(logs, "p.log")
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("error is %v, want one that names %s", err, path)
	}
	if content, err := os.ReadFile(path); err != nil || !strings.Contains(string(content), "no such port") {
		t.Errorf("log is %q, %v", content, err)
	}
}
