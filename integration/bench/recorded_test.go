package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func TestComparedWithWhatWasRecorded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recorded.json")
	before := &report{out: &bytes.Buffer{}, ratios: map[string]float64{"W1/1 to queue": 0.5, "W1/64 to queue": 0.5, "W9": 1},
		machine: machine{Machine: "2 CPUs", Command: "bench", Commit: "abc", Date: "2026-01-01"}}
	if err := before.record(file); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		ratio   float64
		regress bool
	}{
		{"better", 0.7, false}, {"the same", 0.5, false}, {"at the limit", 0.4, false}, {"below", 0.39, true}, {"nothing", 0, true},
	} {
		var out bytes.Buffer
		now := &report{out: &out, ratios: map[string]float64{"W1/1 to queue": tc.ratio, "W1/64 to queue": 0.5, "new": 0.1}}
		err := now.compare(file)
		if errors.Is(err, errRegressed) != tc.regress {
			t.Errorf("%s: compare = %v, regressed should be %v", tc.name, err, tc.regress)
		}
		if err != nil && !strings.Contains(err.Error(), "W1/1 to queue") {
			t.Errorf("%s: error %q does not name the ratio", tc.name, err)
		}
		if !strings.Contains(out.String(), "abc") {
			t.Errorf("%s: %q does not say what is compared with", tc.name, out.String())
		}
	}
}

func TestCompareWithoutARecordFails(t *testing.T) {
	r := &report{out: &bytes.Buffer{}, ratios: map[string]float64{}}
	if err := r.compare(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("compare without a file = nil, want an error: a check that compares with nothing always passes")
	}
}

func TestTargets(t *testing.T) {
	r := &report{out: &bytes.Buffer{}, ratios: map[string]float64{}}
	r.judge("W1/1", "queue", 0.6, 2.5)
	r.judge("W3/100", "queue", 0.4, 9)
	r.judge("W12/processes", "4 processes", 0.8, 1)
	var got []bool
	for _, target := range r.targets {
		got = append(got, target.met())
	}
	want := []bool{true, true, false, false}
	if len(got) != len(want) {
		t.Fatalf("targets %v, want %d of them", r.targets, len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v: met is %v, want %v", r.targets[i], got[i], want[i])
		}
	}
	if err := r.conclude(options{}); err != nil {
		t.Errorf("conclude = %v, although targets were not asked for", err)
	}
	if err := r.conclude(options{targets: true}); !errors.Is(err, errTarget) {
		t.Errorf("conclude with targets = %v, want %v", err, errTarget)
	}
}
