package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// reportOptions say where the page comes from and where it goes.
type reportOptions struct{ state, notes, write string }

func parseReportOptions(args []string, out io.Writer) (reportOptions, error) {
	var o reportOptions
	f := flag.NewFlagSet("faults report", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.state, "state", "integration/faults/totals.json", "file of totals")
	f.StringVar(&o.notes, "notes", "integration/faults/notes.md", "what people have to say about it: the end of the page")
	f.StringVar(&o.write, "write", "docs/reliability.md", "file to write; - for standard output")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("argument %q is not understood: report has only flags", f.Arg(0))
	}
	return o, nil
}

// report writes the page.
func report(o reportOptions, out io.Writer) error {
	t, err := readTotals(o.state)
	if err != nil {
		return err
	}
	if len(t.Segments) == 0 {
		return fmt.Errorf("%s has no segments: let `faults -state %s` run first", o.state, o.state)
	}
	notes, err := os.ReadFile(o.notes)
	if err != nil {
		return fmt.Errorf("read notes: %w", err)
	}
	page := t.page() + "\n" + string(notes)
	if o.write == "-" {
		_, err = io.WriteString(out, page)
	} else {
		err = os.WriteFile(o.write, []byte(page), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// page is the totals for people.
func (t *totals) page() string {
	var b strings.Builder
	b.WriteString(`# Reliability: what was done to it, and what came of it

` + "`make soak`" + ` adds to these figures and writes this page; ` + "`make faults`" + ` plays every segment once, and ` + "`make check`" + ` each kind of
fault small. Processes are killed, stopped, cut off and slowed down under a mixed load: sequences of activities, fan-out,
signals with continue-as-new, updates, timers, children, completion from outside, starts by the daemon. What clients were
told, what activities did and every message of every stream is then examined by package
[verify](../integration/verify/doc.go), which knows nothing of how the engine works inside.

`)
	t.writeSummary(&b)
	t.writeOperations(&b)
	t.writeFaults(&b)
	t.writeZombies(&b)
	t.writeSegments(&b)
	return b.String()
}

func (t *totals) writeSummary(b *strings.Builder) {
	seconds, faults, kinds := 0.0, 0, 0
	for _, s := range t.Segments {
		seconds += s.Seconds
	}
	for _, f := range t.Faults {
		faults += f.Hit
		if f.Hit > 0 {
			kinds++
		}
	}
	fmt.Fprintf(b, "**%d acknowledged operations, %d faults of %d kinds that hit something in flight, in %v: %d lost, %d doubled, %d stuck.**\n\n",
		acknowledged(t.Operations), faults, kinds, time.Duration(seconds)*time.Second,
		t.Violations[verify.I1], t.Violations[verify.I2]+t.Violations[verify.I5], t.Violations[verify.I3])
	fmt.Fprintf(b, "%d runs with %d records and %d events were examined, and replayed through their code.\n", t.Runs, t.Records, t.Events)
	commits, machines := map[string]bool{}, map[string]bool{}
	for _, s := range t.Segments {
		commits[s.Commit], machines[s.Machine] = true, true
	}
	fmt.Fprintf(b, "Machine: %s. Commits: %s.\n\n", strings.Join(slices.Sorted(maps.Keys(machines)), "; "), strings.Join(slices.Sorted(maps.Keys(commits)), ", "))
	for _, i := range slices.Sorted(maps.Keys(t.Violations)) {
		fmt.Fprintf(b, "- **%s was violated %d times**: see the segments below.\n", i, t.Violations[i])
	}
	for _, name := range slices.Sorted(maps.Keys(t.NotShown)) {
		fmt.Fprintf(b, "- Not shown by some of the machines: segment %s, because %s.\n", name, t.NotShown[name])
	}
}

func (t *totals) writeOperations(b *strings.Builder) {
	b.WriteString(`
## Operations

An operation is *ambiguous* when its client got no answer in time. It is resolved by what the histories hold: it had taken
effect, or it had not; clients repeat it in either case.

| operation | acknowledged | refused | ambiguous | found stored | found not stored |
|---|---:|---:|---:|---:|---:|
`)
	for _, kind := range slices.Sorted(maps.Keys(t.Operations)) {
		c := t.Operations[kind]
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d |\n", kind, c.Acknowledged, c.Refused, c.Unknown, c.Stored, c.Unknown-c.Stored)
	}
}

func (t *totals) writeFaults(b *strings.Builder) {
	b.WriteString(`
## Faults

A fault *hit* when something was in flight where it happened: an activity, a decision, a request without its answer. Time to
recover is from the beginning of the fault to the end of the last of those short runs that were open at that moment; a
fault that lasts, or that others follow, is part of it.

| fault | done | hit | recovered after, p50 | p99 |
|---|---:|---:|---:|---:|
`)
	var all []int64
	for _, kind := range slices.Sorted(maps.Keys(t.Faults)) {
		f := t.Faults[kind]
		all = append(all, f.Recovery...)
		fmt.Fprintf(b, "| %s | %d | %d | %v | %v |\n", kind, f.Injected, f.Hit, tenths(quantile(f.Recovery, 0.5)), tenths(quantile(f.Recovery, 0.99)))
	}
	fmt.Fprintf(b, "| all | | | %v | %v |\n", tenths(quantile(all, 0.5)), tenths(quantile(all, 0.99)))
}

func tenths(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

func (t *totals) writeZombies(b *strings.Builder) {
	x := t.Extra
	ratio := 0.0
	if x.Activities > 0 {
		ratio = float64(x.Executions) / float64(x.Activities)
	}
	fmt.Fprintf(b, `
## Executions

%d activities were executed %d times: a ratio of %.4f. Of the further executions %d followed a lost worker, %d another fault,
and %d are not explained by any.

%d decisions were made. %d of them were not stored, because another process had decided first or their own was killed or given
up: %d of these had effects. %d executions ended after another one of the same activity had; each activity has one result.
`, x.Activities, x.Executions, ratio, x.Lost, x.Faulted, x.Unexplained, t.Decisions, t.StaleDecisions, t.StaleEffects, t.LateExecutions)
	if n := len(t.TimerLateness); n > 0 {
		fmt.Fprintf(b, "\nTimers that were due within one second while the leader was killed: %d runs, late by p50 %v, p99 %v; none early.\n",
			n, tenths(quantile(t.TimerLateness, 0.5)), tenths(quantile(t.TimerLateness, 0.99)))
	}
}

func (t *totals) writeSegments(b *strings.Builder) {
	b.WriteString(`
## Segments

Each has its own servers and processes. ` + "`go run ./integration/faults -only NAME -seed SEED`" + ` plays one again: the seed decides the
faults and the load, the machine how they interleave. A *void* one had too few operations or faults that hit; it counts for
nothing.

| segment | seed | verdict | seconds | operations | faults that hit | commit |
|---|---|---|---:|---:|---:|---|
`)
	for _, s := range t.Segments {
		fmt.Fprintf(b, "| %s | %d | %s | %.0f | %d | %d | %s |\n", s.Name, s.Seed, s.Verdict, s.Seconds, s.Acknowledged, s.Faults, s.Commit)
	}
	for _, s := range t.Segments {
		if s.Problem != "" {
			fmt.Fprintf(b, "\n%s, seed %d: %s\n", s.Name, s.Seed, strings.ReplaceAll(s.Problem, "\n", "; "))
		}
	}
}
