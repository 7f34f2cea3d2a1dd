package main

import (
	"fmt"
	"strings"
)

// table is what came out, by sample.
type table struct {
	names                []string
	temporal, ours, live map[string]outcome
	gaps                 map[string][]string
}

func newTable(names []string) *table { return &table{names: names} }

// failures counts the samples that failed somewhere.
func (t *table) failures() int {
	n := 0
	for _, name := range t.names {
		if t.temporal[name] != passed || t.ours[name] != passed || t.live[name] != passed {
			n++
		}
	}
	return n
}

func (t *table) total(of map[string]outcome) int {
	n := 0
	for _, name := range t.names {
		if of[name] == passed {
			n++
		}
	}
	return n
}

// text is the table for a terminal, with what went wrong below each line.
func (t *table) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-22s %-10s %-10s %-10s\n", "sample", "temporal", "ours", "live")
	for _, name := range t.names {
		fmt.Fprintf(&b, "%-22s %-10s %-10s %-10s\n", name, short(t.temporal[name]), short(t.ours[name]), short(t.live[name]))
		for _, o := range []outcome{t.temporal[name], t.ours[name], t.live[name]} {
			if o != passed {
				fmt.Fprintf(&b, "    %s\n", o)
			}
		}
	}
	fmt.Fprintf(&b, "%-22s %-10d %-10d %-10d of %d\n", "together", t.total(t.temporal), t.total(t.ours), t.total(t.live), len(t.names))
	return b.String()
}

func short(o outcome) string {
	if o == passed {
		return string(o)
	}
	return "-"
}

const preface = `# Programs written for Temporal's Go SDK

Written by ` + "`make samples`" + `; do not edit. Each program below ` + "`internal/compat/samples`" + ` is written with Temporal's import
paths. *Temporal*: as it is, it compiles against ` + "`go.temporal.io/sdk`" + ` and passes its unit tests there, on the in-memory
test environment. *Ours*: rewritten by ` + "`millrace migrate`" + `, it builds and passes the same tests on ours. *Live*: so rewritten,
its scenario on an embedded server has the expected result.

`

// page writes docs/samples.md.
func (t *table) page() string {
	var b strings.Builder
	b.WriteString(preface)
	b.WriteString("| sample | Temporal | ours | live |\n|---|---|---|---|\n")
	for _, name := range t.names {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, short(t.temporal[name]), short(t.ours[name]), short(t.live[name]))
	}
	fmt.Fprintf(&b, "| **together, of %d** | %d | %d | %d |\n", len(t.names), t.total(t.temporal), t.total(t.ours), t.total(t.live))
	return b.String()
}
