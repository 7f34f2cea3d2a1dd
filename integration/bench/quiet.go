package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// restless is the share of the processors that others may use before rates are not to be trusted.
const restless = 0.1

// leastTrusted is what the bare forms reach at W1/64 on two quiet cores, in runs per second: with less, the machine was
// busy or the bare program is not what it was, and ratios flatter.
func leastTrusted() map[string]float64 {
	return map[string]float64{"W1/64 queue": 6_000, "W1/64 eager": 11_000}
}

// processors is what all processors of the machine have done so far, in clock ticks.
type processors struct{ busy, total float64 }

// readProcessors reads Linux's account. Elsewhere there is none: the zero value.
func readProcessors() processors {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return processors{}
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return parseProcessors(line)
}

// parseProcessors adds up the line of /proc/stat for all processors: user, nice, system, idle, iowait, irq, softirq and
// steal. What guests use is part of user.
func parseProcessors(line string) (p processors) {
	var ticks [8]float64
	fields := strings.Fields(line)
	if len(fields) < len(ticks)+1 || fields[0] != "cpu" {
		return processors{}
	}
	for i := range ticks {
		if _, err := fmt.Sscan(fields[i+1], &ticks[i]); err != nil {
			return processors{}
		}
		p.total += ticks[i]
	}
	const idle, iowait = 3, 4
	p.busy = p.total - ticks[idle] - ticks[iowait]
	return p
}

// others is the share of all processors that other programs used between two readings, while this program and its
// children used own.
func others(from, to processors, took, own time.Duration, cpus int) float64 {
	if to.total <= from.total || took <= 0 {
		return 0
	}
	all := (to.busy - from.busy) / (to.total - from.total)
	return max(0, all-float64(own)/(float64(took)*float64(cpus)))
}

// trust says what there is to be said against the figures.
func (r *report) trust() {
	took := time.Since(r.begun)
	if share := others(r.machineBefore, readProcessors(), took, cpuTime()+childrenTime(), runtime.NumCPU()); share > restless {
		r.note("NOT A QUIET MACHINE: other programs used %.0f%% of the processors; trust CPU times more than rates", 100*share)
	}
	for _, w := range r.rows {
		f := r.Figures[w.key()]
		if least := leastTrusted()[w.key()]; f.Rate < least && !r.slower {
			r.note("DISTRUSTED: %s reaches %.0f runs per second, on two quiet cores at least %.0f", w.key(), f.Rate, least)
		}
	}
}
