package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func measured(out *bytes.Buffer, ratios map[string]float64) *report {
	return &report{out: out, results: results{Ratios: ratios, Figures: map[string]figures{},
		machine: machine{Machine: "2 CPUs", Command: "bench", Commit: "abc", Date: "2026-01-01"}}}
}

func TestComparedWithWhatWasRecorded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recorded.json")
	before := measured(&bytes.Buffer{}, map[string]float64{"W1/1 m to queue": 0.5, "W1/64 m to queue": 0.5})
	if err := before.record(file); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		ratios map[string]float64
		want   error
		names  string
	}{
		{"better", map[string]float64{"W1/1 m to queue": 0.7, "W1/64 m to queue": 0.5}, nil, ""},
		{"the same", map[string]float64{"W1/1 m to queue": 0.5, "W1/64 m to queue": 0.5}, nil, ""},
		{"at the limit", map[string]float64{"W1/1 m to queue": 0.4, "W1/64 m to queue": 0.5}, nil, ""},
		{"below", map[string]float64{"W1/1 m to queue": 0.39, "W1/64 m to queue": 0.5}, errRegressed, "W1/1 m to queue"},
		{"nothing", map[string]float64{"W1/1 m to queue": 0, "W1/64 m to queue": 0.5}, errRegressed, "W1/1 m to queue"},
		{"not recorded", map[string]float64{"W1/1 m to queue": 1, "W1/64 m to queue": 1, "new": 1}, errUnrecorded, "new"},
		{"not measured", map[string]float64{"W1/1 m to queue": 1}, errUnrecorded, "W1/64 m to queue"},
	} {
		var out bytes.Buffer
		err := measured(&out, tc.ratios).compare(file, true)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: compare = %v, want %v", tc.name, err, tc.want)
		}
		if err != nil && !strings.Contains(err.Error(), tc.names) {
			t.Errorf("%s: error %q does not name %s", tc.name, err, tc.names)
		}
		if !strings.Contains(out.String(), "abc") {
			t.Errorf("%s: %q does not say what is compared with", tc.name, out.String())
		}
	}
	if err := measured(&bytes.Buffer{}, map[string]float64{"W1/1 m to queue": 1}).compare(file, false); err != nil {
		t.Errorf("compare of a part = %v, want nil", err)
	}
}

func TestCompareWithoutARecordFails(t *testing.T) {
	r := measured(&bytes.Buffer{}, nil)
	if err := r.compare(filepath.Join(t.TempDir(), "none.json"), true); err == nil {
		t.Error("compare without a file = nil, want an error: a check that compares with nothing always passes")
	}
}

// What bench-quick compares with has to be what it measures.
func TestTheRecordIsOfWhatIsMeasured(t *testing.T) {
	kept, err := readResults("recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for load, systems := range map[string][]contestant{"W1/1": pairs(), "W1/64": pairs(), "W2/64": pairs(),
		"W3/100": oneForm(millraceQueue(), millrace())} {
		for _, c := range systems {
			for _, rival := range c.rivals {
				w := row{load: load, system: c.name, rival: rival}
				want[w.ratio()], want[w.byCPU()] = true, true
			}
		}
	}
	for key := range want {
		if _, found := kept.Ratios[key]; !found {
			t.Errorf("recorded.json has no ratio %q", key)
		}
	}
	if len(kept.Ratios) != len(want) {
		t.Errorf("recorded.json has %d ratios, want %d", len(kept.Ratios), len(want))
	}
}

func TestTargets(t *testing.T) {
	r := measured(&bytes.Buffer{}, map[string]float64{})
	r.judge(row{load: "W1/1", system: "millrace", rival: "eager"}, 0.4, 2.5)
	r.judge(row{load: "W1/64", system: "millrace", rival: "eager"}, 0.6, 9)
	r.judge(row{load: "W3/100", system: "millrace", rival: "queue"}, 0.4, 9)
	r.judge(row{load: "W12/processes", system: "4 processes", rival: "1 process"}, 0.8, 1)
	r.judge(row{load: "W11/R1x1 W1/64", system: "millrace", rival: "appends"}, 0.3, 1)
	r.judge(row{load: "W11/R1x4 W1/64", system: "millrace", rival: "appends"}, 0.95, 1)
	r.judge(row{load: "W11/R1x4 W1/256", system: "millrace", rival: "appends"}, 2, 1)
	if err := r.conclude(options{}); err != nil {
		t.Errorf("conclude = %v, although targets were not asked for", err)
	}
	var got []bool
	for _, target := range r.targets {
		got = append(got, target.met())
	}
	if want := []bool{true, true, false, false, true}; !slices.Equal(got, want) {
		t.Errorf("targets %v are met %v, want %v", r.targets, got, want)
	}
	if err := r.conclude(options{targets: true}); !errors.Is(err, errTarget) {
		t.Errorf("conclude with targets = %v, want %v", err, errTarget)
	}
}

func TestResultsAreWrittenIntoThePage(t *testing.T) {
	before, page := filepath.Join(t.TempDir(), "before.json"), filepath.Join(t.TempDir(), "page.md")
	systems := []contestant{millraceQueue().against("queue"), bareQueue()}
	contest := func(rate float64) *report {
		r := measured(&bytes.Buffer{}, map[string]float64{})
		r.contest("W1/64", systems, map[string][]sample{"millrace-queue": {{rate: rate, cpu: time.Millisecond}}, "queue": {{rate: 1000, cpu: time.Millisecond}}})
		return r
	}
	if err := contest(100).record(before); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time over what the first has written
		if _, err := os.Stat(page); err != nil {
			if err := os.WriteFile(page, []byte("head\n"+resultsBegin+"\nold\n"+resultsEnd+"\ntail\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := contest(700).writePage(page, before); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"head\n", "\ntail\n", "| W1/64 | millrace-queue | 100 → 700 |", "| queue | 0.10 → 0.70 | 1.00 → 1.00 |"} {
		if strings.Count(string(text), want) != 1 {
			t.Errorf("the page has %q %d times, want once:\n%s", want, strings.Count(string(text), want), text)
		}
	}
	if err := contest(1).writePage(before, before); err == nil {
		t.Error("results were written into a file that has no place for them")
	}
}
