package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// spender is who a sample of a profile is charged to.
type spender string

const (
	broker    spender = "broker"
	natsGo    spender = "nats.go"
	kernel    spender = "kernel"
	scheduler spender = "scheduler"
	collector spender = "garbage collector"
	codec     spender = "codec"
	ours      spender = "ours"
	benchmark spender = "benchmark"
	other     spender = "other"
)

// stack is a sample: function names from the leaf to the root, and what it cost in the unit of the profile.
type stack struct {
	cost   float64
	frames []string
}

// charge decides who pays for a stack of CPU time or allocations. Time in the kernel and in Go's scheduler is their own,
// whoever caused it; so is that of the collector, which pays for everybody's garbage. What else the runtime does (copying,
// allocating, maps) is charged to the first function above it that is not the runtime's.
func charge(frames []string) spender {
	for _, f := range frames {
		if slices.ContainsFunc([]string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcStart"},
			func(prefix string) bool { return strings.HasPrefix(f, prefix) }) {
			return collector
		}
	}
	if len(frames) > 0 && isKernel(frames[0]) {
		return kernel
	}
	for _, f := range frames {
		switch {
		case isScheduler(f):
			return scheduler
		case isRuntime(f):
			continue
		}
		if s := spenderOf(f); s != other {
			return s
		}
	}
	if len(frames) > 0 && isRuntime(frames[0]) {
		return scheduler // a stack of the runtime alone
	}
	return other
}

// chargeWait decides who pays for a stack that waited: the first function that is nobody's library.
func chargeWait(frames []string) spender {
	for _, f := range frames {
		if s := spenderOf(f); s != other {
			return s
		}
	}
	return other
}

func isKernel(f string) bool {
	return strings.HasPrefix(f, "internal/runtime/syscall") || strings.HasPrefix(f, "syscall.") || f == "runtime.futex" ||
		strings.HasPrefix(f, "runtime.epoll") || f == "runtime.write1" || f == "runtime.usleep" || f == "runtime.madvise"
}

func isScheduler(f string) bool {
	switch f {
	case "runtime.schedule", "runtime.findRunnable", "runtime.mcall", "runtime.park_m", "runtime.goready", "runtime.ready",
		"runtime.wakep", "runtime.sysmon", "runtime.newproc", "runtime.coroswitch", "runtime.coroswitch_m", "runtime.gopark",
		"runtime.chansend", "runtime.chanrecv", "runtime.selectgo", "runtime.mstart":
		return true
	}
	return false
}

func isRuntime(f string) bool {
	return strings.HasPrefix(f, "runtime.") || strings.HasPrefix(f, "internal/runtime/") || !strings.Contains(f, ".")
}

// spenderOf knows whose a function is. Profiles write the last dots of import paths as %2e.
func spenderOf(f string) spender {
	for _, rule := range []struct {
		prefix string
		who    spender
	}{
		{"github.com/millrace-dev/millrace/internal/history.Encode", codec},
		{"github.com/millrace-dev/millrace/internal/history.Decode", codec},
		{"github.com/millrace-dev/millrace/internal/history.(*writer)", codec},
		{"github.com/millrace-dev/millrace/internal/history.(*reader)", codec},
		{"github.com/millrace-dev/millrace/internal/history.(*plan", codec}, // of records, and of all of them: plan and plans
		{"github.com/millrace-dev/millrace/api/common.", codec},
		{"github.com/millrace-dev/millrace/converter.", codec},
		{"github.com/vmihailenco/msgpack", codec},
		{"encoding/json.", codec},
		{"github.com/nats-io/nats-server/", broker},
		{"github.com/nats-io/nats%2ego", natsGo},
		{"github.com/millrace-dev/millrace/integration/", benchmark},
		{"main.", benchmark},
		{"github.com/millrace-dev/millrace", ours},
	} {
		if strings.HasPrefix(f, rule.prefix) {
			return rule.who
		}
	}
	return other
}

// attribute prints who spent what a profile has found.
func (r *report) attribute(ctx context.Context, kind, file, index string) error {
	cmd := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", "-sample_index="+index, file)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go tool pprof -traces %s: %w: %s", file, err, problems.Bytes())
	}
	stacks, err := parseTraces(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("read the traces of %s: %w", file, err)
	}
	pays := charge
	if index == "delay" {
		pays = chargeWait
	}
	spent, leaves, total := map[spender]float64{}, map[spender]map[string]float64{}, 0.0
	for _, s := range stacks {
		who := pays(s.frames)
		spent[who] += s.cost
		total += s.cost
		if leaves[who] == nil {
			leaves[who] = map[string]float64{}
		}
		leaves[who][ownFrame(s.frames, who)] += s.cost
	}
	fmt.Fprintf(r.out, "\n%s (%s)\n\n", kind, index)
	for _, who := range byCost(spent) {
		fmt.Fprintf(r.out, "%6.1f%%  %-17s", 100*quotient(spent[who], total), who)
		for i, leaf := range byCost(leaves[who]) {
			if i == 3 {
				break
			}
			fmt.Fprintf(r.out, "  %.1f%% %s", 100*quotient(leaves[who][leaf], total), leaf[strings.LastIndexByte(leaf, '/')+1:])
		}
		fmt.Fprintln(r.out)
	}
	return nil
}

// ownFrame is the first function of a stack that belongs to who pays for it, the leaf when none does.
func ownFrame(frames []string, who spender) string {
	for _, f := range frames {
		if spenderOf(f) == who {
			return f
		}
	}
	if len(frames) == 0 {
		return "unknown"
	}
	return frames[0]
}

func byCost[K ~string](costs map[K]float64) []K {
	keys := make([]K, 0, len(costs))
	for k := range costs {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b K) int {
		switch {
		case costs[a] > costs[b]:
			return -1
		case costs[a] < costs[b]:
			return 1
		}
		return strings.Compare(string(a), string(b))
	})
	return keys
}

// parseTraces reads the output of `go tool pprof -traces`: stacks between lines of dashes, each with its cost before
// its leaf.
func parseTraces(in io.Reader) ([]stack, error) {
	var stacks []stack
	var open *stack
	begun := false
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := lines.Text()
		if strings.HasPrefix(text, "-----") {
			begun, open = true, nil
			continue
		}
		fields := strings.Fields(strings.TrimSuffix(text, " (inline)"))
		switch {
		case !begun || len(fields) == 0:
		case open != nil:
			open.frames = append(open.frames, strings.Join(fields, " "))
		case strings.HasSuffix(fields[0], ":"): // a label of the sample that follows
		case len(fields) < 2:
			return nil, fmt.Errorf("line %q begins no stack", text)
		default:
			cost, err := parseCost(fields[0])
			if err != nil {
				return nil, fmt.Errorf("line %q: %w", text, err)
			}
			stacks = append(stacks, stack{cost: cost, frames: []string{strings.Join(fields[1:], " ")}})
			open = &stacks[len(stacks)-1]
		}
	}
	return stacks, lines.Err()
}

// parseCost reads a number with a unit of time or of memory, as nanoseconds or bytes.
func parseCost(text string) (float64, error) {
	i := strings.LastIndexAny(text, "0123456789.") + 1
	value, err := strconv.ParseFloat(text[:i], 64)
	if err != nil {
		return 0, fmt.Errorf("cost %q: %w", text, err)
	}
	scale, known := map[string]float64{"": 1, "ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "mins": 60e9, "hrs": 3600e9,
		"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}[text[i:]]
	if !known {
		return 0, fmt.Errorf("cost %q has an unknown unit", text)
	}
	return value * scale, nil
}
