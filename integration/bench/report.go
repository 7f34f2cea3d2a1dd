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

// report prints what was measured, as tables that can stand in a Markdown page, and collects what is judged at the
// end.
type report struct {
	out    io.Writer
	table  bool // a table of contests is open
	ratios map[string]float64
	// targets are the requirements that were measured.
	targets []target
	machine machine
}

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

func newReport(g *ground) *report {
	r := &report{out: os.Stdout, ratios: map[string]float64{}, machine: machine{
		Machine: fmt.Sprintf("%d CPUs, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version()),
		Command: "go run ./integration/bench " + strings.Join(os.Args[1:], " "),
		Commit:  commit(), Date: time.Now().UTC().Format(time.DateOnly),
	}}
	profile := g.profile + " profile"
	if g.profile == devserver.ProfileDurable {
		profile += " (every write flushed)"
	}
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

// row prints what one system did, and beside it how ours compares with theirs, when that is given.
func (r *report) row(name, system string, samples, ours, theirs []sample) {
	if !r.table {
		r.table = true
		fmt.Fprintf(r.out, "| %-13s | %-11s | %-22s | %8s | %8s | %10s | %9s | %-18s | %-18s |\n", "load", "system",
			"per second (spread)", "p50 ms", "p99 ms", "CPU ms/run", "disk B/run", "ratio", "ratio by CPU")
		fmt.Fprintf(r.out, "|%s|%s|%s|%s:|%s:|%s:|%s:|%s|%s|\n", strings.Repeat("-", 15), strings.Repeat("-", 13), strings.Repeat("-", 24),
			strings.Repeat("-", 9), strings.Repeat("-", 9), strings.Repeat("-", 11), strings.Repeat("-", 11), strings.Repeat("-", 20), strings.Repeat("-", 20))
	}
	rate := summarize(samples, rateOf)
	cpu := summarize(samples, cpuOf)
	var byRate, byCPU string
	if len(theirs) > 0 {
		rates, cpus := ratios(ours, theirs)
		byRate, byCPU = rates.String(), cpus.String()
		r.ratios[name+" to "+system+", by CPU"] = cpus.median
		r.judge(name, system, rates.median, quotient(summarize(ours, p50Of).median, summarize(theirs, p50Of).median))
	}
	fmt.Fprintf(r.out, "| %-13s | %-11s | %-22s | %8s | %8s | %10.3f | %10.0f | %-18s | %-18s |\n", name, system,
		fmt.Sprintf("%.0f (%.0f-%.0f)", rate.median, rate.low, rate.high), latency(summarize(samples, p50Of)), latency(summarize(samples, p99Of)),
		cpu.median, summarize(samples, diskOf).median, byRate, byCPU)
}

// latency is empty where none was measured.
func latency(s summary) string {
	if s.median == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", s.median)
}

// judge notes a ratio and the targets that it belongs to.
func (r *report) judge(name, system string, ratio, p50 float64) {
	key := name + " to " + system
	r.ratios[key] = ratio
	workload, line, _ := strings.Cut(name, "/")
	switch {
	case system == "appends":
		if line == "64" {
			r.least("W11: runs per flushed append", ratio, 0.9)
		}
	case workload == "W1" || workload == "W2":
		r.least(key, ratio, 0.6)
		if line == "1" {
			r.most(name+": p50 in units of "+system, p50, 2.5)
		}
	case workload == "W3":
		r.least(key, ratio, 0.5)
	case system == "4 processes":
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
func (r *report) note(format string, args ...any) { fmt.Fprintf(r.out, "- "+format+"\n", args...) }

var (
	errTarget    = errors.New("target missed")
	errRegressed = errors.New("below the recorded ratio")
)

// conclude lists the targets and compares the ratios with the recorded ones, as far as was asked for.
func (r *report) conclude(o options) error {
	var all []error
	if o.targets {
		fmt.Fprintf(r.out, "\nTargets\n\n")
		for _, t := range r.targets {
			word := "met"
			if !t.met() {
				word = "MISSED"
				all = append(all, fmt.Errorf("%w: %s", errTarget, t))
			}
			r.note("%s: %s", word, t)
		}
	}
	switch {
	case o.record:
		all = append(all, r.record(o.recorded))
	case o.quick:
		all = append(all, r.compare(o.recorded))
	}
	return errors.Join(all...)
}
