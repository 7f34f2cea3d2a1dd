package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/internal/devserver"
)

// report prints what was measured, as tables that can stand in a Markdown page, and collects what is judged and kept at
// the end.
type report struct {
	out   io.Writer
	table bool // a table of contests is open
	results
	rows  []row
	notes []string
	// targets are the requirements that were measured, perAppend the best that W11 reached, 0 without it.
	targets   []target
	perAppend float64
	// begun and machineBefore are of the beginning, for what others did meanwhile. slower says that the broker does more for
	// each write than where the bare forms were tried.
	begun         time.Time
	machineBefore processors
	slower        bool
}

// results are what a measurement found. They are kept in files to be compared with later ones.
type results struct {
	machine
	Ratios  map[string]float64 `json:"ratios"`
	Figures map[string]figures `json:"figures"`
}

// figures are the medians of what one system did under one load. Times are in ms, for a run.
type figures struct {
	Rate float64 `json:"rate"`
	P50  float64 `json:"p50,omitempty"`
	P99  float64 `json:"p99,omitempty"`
	CPU  float64 `json:"cpu"`
	Disk float64 `json:"disk,omitempty"`
}

// row is a line of a table: a system under a load, and a rival that it is compared with, if any.
type row struct {
	load, system, rival string
	// again says that the system's own figures stand in the row above.
	again bool
}

func (r row) key() string   { return r.load + " " + r.system }
func (r row) ratio() string { return r.key() + " to " + r.rival }
func (r row) byCPU() string { return r.ratio() + ", by CPU" }

// machine says where numbers come from.
type machine struct {
	Machine string `json:"machine"`
	Command string `json:"command"`
	Commit  string `json:"commit"`
	Date    string `json:"date"`
}

// target is a requirement and what was measured.
type target struct {
	name       string
	got, limit float64
	// most says that limit is the highest allowed, not the lowest.
	most bool
}

func (t target) met() bool { return t.most && t.got <= t.limit || !t.most && t.got >= t.limit }

func (t target) String() string {
	word := "at least"
	if t.most {
		word = "at most"
	}
	return fmt.Sprintf("%s is %.3g, target %s %.3g", t.name, t.got, word, t.limit)
}

func (t target) verdict() string {
	if t.met() {
		return "met: " + t.String()
	}
	return "MISSED: " + t.String()
}

func newReport(g *ground) *report {
	r := &report{out: os.Stdout, begun: time.Now(), machineBefore: readProcessors(), results: results{Ratios: map[string]float64{}, Figures: map[string]figures{}, machine: machine{
		Machine: fmt.Sprintf("%d CPUs, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version()),
		Command: strings.TrimSpace("go run ./integration/bench " + strings.Join(os.Args[1:], " ")),
		Commit:  commit(), Date: time.Now().UTC().Format(time.DateOnly),
	}}}
	profile := g.profile + " profile"
	if g.profile == devserver.ProfileDurable {
		profile += " (every write flushed)"
	}
	r.slower = g.profile == devserver.ProfileDurable || g.replicas > 1
	fmt.Fprintf(r.out, "machine: %s\ncommand: %s\ncommit:  %s, %s\n", r.machine.Machine, r.machine.Command, r.machine.Commit, r.machine.Date)
	fmt.Fprintf(r.out, "broker:  %d embedded, %s, %d partitions, %d replicas, clients over %s; %d rounds of %v\n", len(g.servers),
		profile, g.partitions, g.replicas, g.connection, g.rounds, g.duration)
	return r
}

// commit names the commit that is measured, with a plus when files differ from it.
func commit() string {
	head, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(head))
	if exec.Command("git", "diff", "--quiet", "HEAD").Run() != nil {
		name += "+"
	}
	return name
}

func (r *report) heading(w workload) {
	r.table = false
	fmt.Fprintf(r.out, "\n%s: %s\n\n", w.name, w.about)
}

// contest prints what systems did under a load and how they compare, and judges it.
func (r *report) contest(load string, systems []contestant, samples map[string][]sample) {
	for _, c := range systems {
		ours := samples[c.name]
		if len(ours) == 0 {
			continue // not asked for
		}
		r.Figures[load+" "+c.name] = figures{Rate: summarize(ours, rateOf).median, P50: summarize(ours, p50Of).median,
			P99: summarize(ours, p99Of).median, CPU: summarize(ours, cpuOf).median, Disk: summarize(ours, diskOf).median}
		again := false
		for _, rival := range c.rivals {
			if theirs := samples[rival]; len(theirs) > 0 {
				r.row(row{load, c.name, rival, again}, ours, theirs)
				again = true
			}
		}
		if !again {
			r.row(row{load: load, system: c.name}, ours, nil)
		}
	}
}

const rowFormat = "| %-15s | %-14s | %-22s | %8s | %8s | %10s | %10s | %-9s | %-18s | %-18s |\n"

// row prints what one system did, and how that compares with what a rival did.
func (r *report) row(w row, ours, theirs []sample) {
	r.rows = append(r.rows, w)
	if !r.table {
		r.table = true
		fmt.Fprintf(r.out, rowFormat, "load", "system", "per second (spread)", "p50 ms", "p99 ms", "CPU ms/run", "disk B/run", "beside",
			"ratio", "ratio by CPU")
		fmt.Fprintln(r.out, "|---|---|---|--:|--:|--:|--:|---|---|---|")
	}
	var rate, p50, p99, cpu, disk, byRate, byCPU string
	if !w.again {
		f, spread := r.Figures[w.key()], summarize(ours, rateOf)
		rate, p50, p99 = fmt.Sprintf("%.0f (%.0f-%.0f)", f.Rate, spread.low, spread.high), latency(f.P50), latency(f.P99)
		cpu, disk = fmt.Sprintf("%.3f", f.CPU), fmt.Sprintf("%.0f", f.Disk)
	}
	if w.rival != "" {
		rates, cpus := ratios(ours, theirs)
		byRate, byCPU = rates.String(), cpus.String()
		r.Ratios[w.ratio()], r.Ratios[w.byCPU()] = rates.median, cpus.median
		r.judge(w, rates.median, quotient(summarize(ours, p50Of).median, summarize(theirs, p50Of).median))
	}
	fmt.Fprintf(r.out, rowFormat, w.load, w.system, rate, p50, p99, cpu, disk, w.rival, byRate, byCPU)
}

// latency is empty where none was measured.
func latency(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

// judge notes the targets that a ratio belongs to.
func (r *report) judge(w row, ratio, p50 float64) {
	workload, line, _ := strings.Cut(w.load, "/")
	switch {
	case workload == "W11":
		if w.rival == "appends" && strings.HasSuffix(line, " W1/64") {
			r.perAppend = max(r.perAppend, ratio)
		}
	case workload == "W1" || workload == "W2":
		// The rate of a single caller is the inverse of its latency, which has a target of its own.
		if line == "1" {
			r.most(w.load+": p50 of "+w.system+" in units of "+w.rival, p50, 2.5)
		} else {
			r.least(w.ratio(), ratio, 0.6)
		}
	case workload == "W3":
		r.least(w.ratio(), ratio, 0.5)
	case w.load == "W12/processes" && w.system == "4 processes":
		r.least("W12: four processes to one", ratio, 0.9)
	}
}

func (r *report) least(name string, got, limit float64) {
	r.targets = append(r.targets, target{name: name, got: got, limit: limit})
}

func (r *report) most(name string, got, limit float64) {
	r.targets = append(r.targets, target{name: name, got: got, limit: limit, most: true})
}

// note prints a result that is no contest.
func (r *report) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	r.notes = append(r.notes, text)
	fmt.Fprintln(r.out, "- "+text)
}

// conclude lists the targets, compares the ratios with the recorded ones, and writes down what is to be kept, as far as
// was asked for. What is recorded is what there is: it need not reach the targets.
func (r *report) conclude(o options) error {
	if r.perAppend > 0 {
		r.least("W11: runs per flushed append in the best setting", r.perAppend, 0.9)
	}
	r.trust()
	var all []error
	if o.targets {
		if missed := r.printTargets(); !o.record {
			all = append(all, missed)
		}
	}
	switch {
	case o.record:
		all = append(all, r.record(o.recorded))
	case o.quick:
		all = append(all, r.compare(o.recorded, o.systems == "all"))
	}
	if o.save != "" {
		all = append(all, r.record(o.save))
	}
	if o.write != "" {
		all = append(all, r.writePage(o.write, o.before))
	}
	return errors.Join(all...)
}

func (r *report) printTargets() error {
	var missed []error
	fmt.Fprintf(r.out, "\nTargets\n\n")
	for _, t := range r.targets {
		fmt.Fprintln(r.out, "- "+t.verdict())
		if !t.met() {
			missed = append(missed, fmt.Errorf("%w: %s", errTarget, t))
		}
	}
	return errors.Join(missed...)
}
