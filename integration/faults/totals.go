package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// totals are what all segments came to, over many invocations. Segments that were void count for nothing but their line.
type totals struct {
	Segments   []segmentLine                           `json:"segments"`
	Operations map[verify.OperationKind]verify.Counted `json:"operations"`
	Faults     map[verify.FaultKind]*faultTotal        `json:"faults"`
	// Violations are counted by invariant.
	Violations map[verify.Invariant]int `json:"violations"`
	Extra      verify.Extra             `json:"extra"`
	Runs       int                      `json:"runs"`
	Records    int                      `json:"records"`
	Events     int                      `json:"events"`
	// Decisions, StaleDecisions and LateExecutions are what contests are; StaleEffects must stay 0.
	Decisions      int `json:"decisions"`
	StaleDecisions int `json:"staleDecisions"`
	StaleEffects   int `json:"staleEffects"`
	LateExecutions int `json:"lateExecutions"`
	// TimerLateness is how late the last timer of each run of a timer storm was, in milliseconds.
	TimerLateness []int64 `json:"timerLateness,omitempty"`
	// NotShown says which segments could not be played, and why.
	NotShown map[string]string `json:"notShown,omitempty"`
}

// segmentLine is one segment.
type segmentLine struct {
	Name         string         `json:"name"`
	Seed         uint64         `json:"seed"`
	Verdict      verify.Verdict `json:"verdict"`
	Began        time.Time      `json:"began"`
	Seconds      float64        `json:"seconds"`
	Acknowledged int            `json:"acknowledged"`
	Faults       int            `json:"faults"`
	Problem      string         `json:"problem,omitempty"`
	Commit       string         `json:"commit"`
	Machine      string         `json:"machine"`
}

// faultTotal is one kind of fault.
type faultTotal struct {
	Injected int `json:"injected"`
	Hit      int `json:"hit"`
	// Recovery is how long it took until the runs that were open had ended, in milliseconds, for each that was seen.
	Recovery []int64 `json:"recovery,omitempty"`
}

// readTotals reads the totals of earlier invocations, none when there is no file or no name.
func readTotals(name string) (*totals, error) {
	t := &totals{
		Operations: map[verify.OperationKind]verify.Counted{}, Faults: map[verify.FaultKind]*faultTotal{},
		Violations: map[verify.Invariant]int{}, NotShown: map[string]string{},
	}
	if name == "" {
		return t, nil
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err == nil {
		err = json.Unmarshal(data, t)
	}
	if err != nil {
		return nil, fmt.Errorf("read totals: %w", err)
	}
	return t, nil
}

// write replaces the file as a whole.
func (t *totals) write(name string) error {
	data, err := json.MarshalIndent(t, "", " ")
	if err == nil {
		err = os.WriteFile(name+".new", append(data, '\n'), 0o644)
	}
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		return fmt.Errorf("write totals: %w", err)
	}
	return nil
}

// add adds a segment.
func (t *totals) add(p *played, commit string) {
	r := p.report
	line := segmentLine{
		Name: p.segment.name, Seed: p.seed, Verdict: r.Verdict, Began: p.began.UTC().Truncate(time.Second),
		Seconds: p.took.Round(time.Second).Seconds(), Acknowledged: acknowledged(r.Operations), Commit: commit, Machine: p.machine,
	}
	if err := p.finding(); err != nil {
		line.Problem = err.Error()
		if line.Verdict == verify.Green {
			line.Verdict = verify.Red
		}
	}
	for _, f := range r.Faults {
		line.Faults += f.Hit
	}
	t.Segments = append(t.Segments, line)
	if line.Verdict == verify.Void {
		return
	}
	for kind, c := range r.Operations {
		sum := t.Operations[kind]
		sum.Acknowledged += c.Acknowledged
		sum.Refused += c.Refused
		sum.Unknown += c.Unknown
		sum.Stored += c.Stored
		t.Operations[kind] = sum
	}
	t.addFaults(p)
	for i, j := range r.Invariants {
		if j.Violated > 0 {
			t.Violations[i] += j.Violated
		}
	}
	t.Extra.Executions += r.Extra.Executions
	t.Extra.Activities += r.Extra.Activities
	t.Extra.Retried += r.Extra.Retried
	t.Extra.Lost += r.Extra.Lost
	t.Extra.Faulted += r.Extra.Faulted
	t.Extra.Unexplained += r.Extra.Unexplained
	t.Extra.Local += r.Extra.Local
	t.Runs, t.Records, t.Events = t.Runs+r.Runs, t.Records+r.Records, t.Events+r.Events
	t.Decisions += p.contests.made
	t.StaleDecisions += p.contests.lost
	t.StaleEffects += len(p.contests.wrong)
	t.LateExecutions += p.contests.late
	for _, late := range p.late {
		t.TimerLateness = append(t.TimerLateness, late.Milliseconds())
	}
}

func (t *totals) addFaults(p *played) {
	for kind, f := range p.report.Faults {
		sum := t.Faults[kind]
		if sum == nil {
			sum = &faultTotal{}
			t.Faults[kind] = sum
		}
		sum.Injected += f.Injected
		sum.Hit += f.Hit
	}
	for _, f := range p.faults {
		if f.Recovered > 0 {
			sum := t.Faults[f.Kind]
			sum.Recovery = append(sum.Recovery, (f.Recovered-f.Begun)/int64(time.Millisecond))
		}
	}
}

// acknowledged is the number of operations that count as such: starts, signals, updates and completions.
func acknowledged(operations map[verify.OperationKind]verify.Counted) int {
	all := 0
	for _, kind := range []verify.OperationKind{
		verify.OperationStart, verify.OperationSignal, verify.OperationUpdate, verify.OperationCompletion, verify.OperationReport,
	} {
		all += operations[kind].Acknowledged
	}
	return all
}

// quantile is the smallest value that a part of all do not exceed, 0 of none.
func quantile(values []int64, part float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return time.Duration(sorted[int(math.Ceil(part*float64(len(sorted))))-1]) * time.Millisecond
}

// commitOf says which code this is.
func commitOf(ctx context.Context) string {
	head, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	commit := strings.TrimSpace(string(head))
	if changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "-uno").Output(); err != nil || len(changed) > 0 {
		commit += " with changes"
	}
	return commit
}

// machineOf says what this machine is, as far as it matters here.
func machineOf(server string) string {
	return fmt.Sprintf("%d cores, %s/%s, %s, nats-server %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), server)
}
