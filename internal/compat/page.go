package main

import (
	"fmt"
	"strings"
)

// What -check asks for, in percent of the identifiers that are the same.
const (
	wantedOfUsed = 95
	wantedOfAll  = 85
)

// tally counts identifiers.
type tally struct{ total, same, differs, absent int }

func (t *tally) add(v verdict) {
	t.total++
	switch v {
	case same:
		t.same++
	case differs:
		t.differs++
	case absent:
		t.absent++
	}
}

func (t tally) reaches(percent int) bool { return t.same*100 >= percent*t.total }

// percent rounds down, so that it never claims a target that was missed.
func (t tally) percent() string {
	if t.total == 0 {
		return "–"
	}
	permille := t.same * 1000 / t.total
	return fmt.Sprintf("%d.%d %%", permille/10, permille%10)
}

// result is everything that the page tells.
type result struct {
	version string // of Temporal's SDK
	all     []identifier
	used    map[string]bool
	reasons map[string]string
}

// tallies counts the identifiers of one package, or of all if pkg is empty.
func (r *result) tallies(pkg string) (used, all tally) {
	for _, id := range r.all {
		if pkg != "" && shortName(id.name.path) != pkg {
			continue
		}
		all.add(id.verdict)
		if r.used[id.name.String()] {
			used.add(id.verdict)
		}
	}
	return used, all
}

const preface = `# The surface beside Temporal's Go SDK

Written by ` + "`make compat`" + ` from the types of ` + "`go.temporal.io/sdk`" + ` %s and of this repository; do not edit. The reasons come
from ` + "`internal/compat/reasons.txt`" + `.

An identifier is the *same* if code that compiles against Temporal's compiles against ours after its import paths are
rewritten (` + "`sdk/temporal`" + ` to the module root, ` + "`sdk/X`" + ` to ` + "`X`" + `, ` + "`api/X/v1`" + ` to ` + "`api/X`" + `): an equal signature; all methods of an
interface and no others; all exported fields and methods of a struct. Whatever is deprecated or about Nexus does not
count. *Used* are those that the programs of Temporal's public samples name.

`

// page writes docs/compat.md.
func (r *result) page() string {
	var b strings.Builder
	fmt.Fprintf(&b, preface, r.version)
	b.WriteString("| package | used: same | of | | all: same | differs | absent | of | |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, pkg := range surfacePackages {
		r.row(&b, "`"+pkg+"`", pkg)
	}
	r.row(&b, "**together**", "")
	for _, pkg := range surfacePackages {
		r.gaps(&b, pkg)
	}
	return b.String()
}

func (r *result) row(b *strings.Builder, title, pkg string) {
	used, all := r.tallies(pkg)
	fmt.Fprintf(b, "| %s | %d | %d | %s | %d | %d | %d | %d | %s |\n",
		title, used.same, used.total, used.percent(), all.same, all.differs, all.absent, all.total, all.percent())
}

// gaps lists what is not the same in a package: one table of what differs and one of what is absent.
func (r *result) gaps(b *strings.Builder, pkg string) {
	for _, v := range [...]verdict{differs, absent} {
		header := false
		for _, id := range r.all {
			if id.verdict != v || shortName(id.name.path) != pkg {
				continue
			}
			if !header {
				fmt.Fprintf(b, "\n## `%s`: %s\n\n", pkg, v)
				if v == differs {
					b.WriteString("| identifier | what differs | why |\n|---|---|---|\n")
				} else {
					b.WriteString("| identifier | why |\n|---|---|\n")
				}
				header = true
			}
			cells := []string{r.label(id)}
			if v == differs {
				cells = append(cells, strings.Join(id.differences, "; "))
			}
			cells = append(cells, r.reasons[id.name.String()])
			for i := range cells {
				cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
			}
			fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
}

func (r *result) label(id identifier) string {
	label := "`" + id.name.name + "`"
	if r.used[id.name.String()] {
		label = "**" + label + "** (used)"
	}
	if id.experimental {
		label += " (experimental)"
	}
	return label
}
