package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLedgerCountsExecutions(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "worker-0.1.ledger")
	l, err := openLedger(name)
	if err != nil {
		t.Fatal(err)
	}
	first := execution{WorkflowID: "w", RunID: "r", ActivityID: "2", Attempt: 1}
	second := first
	second.Attempt = 2
	other := execution{WorkflowID: "w", RunID: "r", ActivityID: "5", Attempt: 1}
	for _, err := range []error{l.begin(first), l.begin(second), l.end(second), l.begin(other)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	// A process that dies while it writes leaves half a line.
	if _, err := l.file.WriteString(`{"workflow":"w","ru`); err != nil {
		t.Fatal(err)
	}
	if err := l.file.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := readLedgers(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := inFlight(entries); n != 2 {
		t.Errorf("%d in flight, want 2", n)
	}
	x := countExecutions(entries)
	if x.Began != 3 || x.Distinct != 2 || x.extra() != 1 || x.Redelivered != 1 {
		t.Errorf("counted %+v", x)
	}
	if !x.ended[first.key()] || x.ended[other.key()] {
		t.Errorf("ended are %v", x.ended)
	}
	if entries[0].PID != os.Getpid() || entries[0].Time.IsZero() {
		t.Errorf("first entry is %+v", entries[0])
	}
}

func TestReadLedgerRefusesJunk(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.ledger")
	if entries, err := readLedger(name); err != nil || entries != nil {
		t.Fatalf("a worker killed before it had a ledger: %v, %v", entries, err)
	}
	if err := os.WriteFile(name, []byte("junk\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readLedger(name); err == nil {
		t.Fatal("a whole line of junk was accepted")
	}
}
