package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// playedSegment is a segment in which little happened.
func playedSegment(verdict verify.Verdict) *played {
	return &played{
		segment: &segment{name: "kills"}, seed: 7, machine: "a machine", took: time.Minute,
		faults:   []verify.Fault{{Kind: "worker-kill", Begun: 1e9, Recovered: 3e9}},
		contests: contests{made: 5, lost: 2, late: 1},
		report: &verify.Report{
			Verdict:    verdict,
			Operations: map[verify.OperationKind]verify.Counted{verify.OperationSignal: {Acknowledged: 10, Unknown: 3, Stored: 1}},
			Faults:     map[verify.FaultKind]*verify.FaultCount{"worker-kill": {Injected: 2, Hit: 1}},
			Invariants: map[verify.Invariant]*verify.Judgement{verify.I1: {}},
			Extra:      verify.Extra{Executions: 11, Activities: 10},
		},
	}
}

func TestTotalsAddUpOverInvocations(t *testing.T) {
	name := filepath.Join(t.TempDir(), "totals.json")
	for range 2 {
		sum, err := readTotals(name)
		if err != nil {
			t.Fatal(err)
		}
		sum.add(playedSegment(verify.Green), "abc")
		if err := sum.write(name); err != nil {
			t.Fatal(err)
		}
	}
	sum, err := readTotals(name)
	if err != nil {
		t.Fatal(err)
	}
	if c := sum.Operations[verify.OperationSignal]; c.Acknowledged != 20 || c.Unknown != 6 || c.Stored != 2 {
		t.Errorf("operations are %+v", c)
	}
	if f := sum.Faults["worker-kill"]; f.Injected != 4 || f.Hit != 2 || len(f.Recovery) != 2 || f.Recovery[0] != 2000 {
		t.Errorf("faults are %+v", f)
	}
	if len(sum.Segments) != 2 || sum.StaleDecisions != 4 || sum.LateExecutions != 2 || sum.Extra.Executions != 22 {
		t.Errorf("totals are %+v", sum)
	}
}

func TestWhatIsVoidCountsForNothing(t *testing.T) {
	sum, err := readTotals("")
	if err != nil {
		t.Fatal(err)
	}
	sum.add(playedSegment(verify.Void), "abc")
	if len(sum.Segments) != 1 || sum.Segments[0].Verdict != verify.Void || len(sum.Operations) > 0 || len(sum.Faults) > 0 {
		t.Fatalf("totals are %+v", sum)
	}
}

func TestAnEffectOfAStaleDecisionIsRed(t *testing.T) {
	p := playedSegment(verify.Green)
	if err := p.verdict(); err != nil {
		t.Fatal(err)
	}
	p.contests.wrong = []string{"run x: decision y"}
	if err := p.verdict(); err == nil || !strings.Contains(err.Error(), "decision y") {
		t.Fatalf("verdict %v", err)
	}
	sum, err := readTotals("")
	if err != nil {
		t.Fatal(err)
	}
	if sum.add(p, "abc"); sum.Segments[0].Verdict != verify.Red {
		t.Fatalf("the segment counts as %s", sum.Segments[0].Verdict)
	}
}

func TestReportKeepsWhatPeopleWrote(t *testing.T) {
	dir := t.TempDir()
	o := reportOptions{state: filepath.Join(dir, "totals.json"), notes: filepath.Join(dir, "notes.md"), write: filepath.Join(dir, "page.md")}
	sum, err := readTotals(o.state)
	if err != nil {
		t.Fatal(err)
	}
	sum.add(playedSegment(verify.Green), "abc")
	if err := sum.write(o.state); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.notes, []byte("## Bugs found\n\nnone\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := report(o, nil); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(o.write)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"**10 acknowledged operations, 1 faults of 1 kinds that hit something in flight, in 1m0s: 0 lost, 0 doubled, 0 stuck.**",
		"| signal | 10 | 0 | 3 | 1 | 2 |", "| worker-kill | 2 | 1 | 2.0 s | 2.0 s |", "| kills | 7 | green | 60 | 10 | 1 | abc |", "## Bugs found",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// Decisions for one place of which two were confirmed, or one that nobody made, are found.
func TestDecisionsWithEffectsAreFound(t *testing.T) {
	for name, tc := range map[string]struct {
		lines []string
		want  string
	}{
		"nothing wrong": {lines: []string{
			`{"workflow":"w","run":"r","nonce":"a/0/1"}`, `{"workflow":"w","run":"r","nonce":"b/0/1"}`, `{"workflow":"w","run":"r","nonce":"b/0/1","confirmed":true}`,
		}},
		"two confirmed": {lines: []string{
			`{"workflow":"w","run":"r","nonce":"a/0/1"}`, `{"workflow":"w","run":"r","nonce":"b/0/1"}`,
			`{"workflow":"w","run":"r","nonce":"a/0/1","confirmed":true}`, `{"workflow":"w","run":"r","nonce":"b/0/1","confirmed":true}`,
		}, want: "2 different decisions"},
		"never made": {lines: []string{`{"workflow":"w","run":"r","nonce":"a/0/1","confirmed":true}`}, want: "never made"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(decisionsFile(dir, "p"), []byte(strings.Join(tc.lines, "\n")+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			c, err := readContests(dir)
			if err != nil {
				t.Fatal(err)
			}
			if tc.want == "" && (len(c.wrong) > 0 || c.lost != 1) {
				t.Errorf("found %+v", c)
			}
			if tc.want != "" && (len(c.wrong) != 1 || !strings.Contains(c.wrong[0], tc.want)) {
				t.Errorf("found %v, want %q", c.wrong, tc.want)
			}
		})
	}
}
