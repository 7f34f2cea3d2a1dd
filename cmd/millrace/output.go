package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"
)

// The values of --output and --time-format.
const (
	outputTable = "table"
	outputJSON  = "json"
	outputJSONL = "jsonl"

	timeRelative = "relative"
	timeISO      = "iso"
)

func contains(all []string, s string) bool { return slices.Contains(all, s) }

func join(all []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "" }), ", ")
}

// isTerminal says whether a stream is one that a person looks at.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// printJSON writes one value, over several lines for --output json, on one line for jsonl.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	if a.flags.output == outputJSON {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(v)
}

// rows prints a list: a table with a header, a JSON array, or a JSON value on each line.
type rows[T any] struct {
	app    *app
	header []string
	cells  func(T) []string
	table  *tabwriter.Writer
	all    []T
	n      int
}

func newRows[T any](a *app, header []string, cells func(T) []string) *rows[T] {
	return &rows[T]{app: a, header: header, cells: cells, all: []T{}}
}

func (r *rows[T]) add(v T) error {
	r.n++
	switch r.app.flags.output {
	case outputJSON:
		r.all = append(r.all, v)
		return nil
	case outputJSONL:
		return r.app.printJSON(v)
	}
	if r.table == nil {
		r.table = newTable(r.app.stdout)
		if err := line(r.table, r.header); err != nil {
			return err
		}
	}
	return line(r.table, r.cells(v))
}

// end writes what was held back. none is said, to people only, when the list is empty.
func (r *rows[T]) end(none string) error {
	switch {
	case r.app.flags.output == outputJSON:
		return r.app.printJSON(r.all)
	case r.table != nil:
		return r.table.Flush()
	case r.app.flags.output == outputTable:
		_, err := fmt.Fprintln(r.app.stderr, none)
		return err
	}
	return nil
}

func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 8, 2, ' ', 0) }

func line(w io.Writer, cells []string) error {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	_, err := fmt.Fprintln(w, strings.Join(cells, "\t"))
	return err
}

// printable is s without characters that would move a terminal's cursor or break a table.
func printable(s string) string {
	if !strings.ContainsFunc(s, hidden) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return unicode.IsControl(r) || !unicode.IsPrint(r) && r != ' ' }

// relativeTimes says how to show times in tables.
func (a *app) relativeTimes() bool {
	if a.flags.timeFormat == "" {
		return isTerminal(a.stdout)
	}
	return a.flags.timeFormat == timeRelative
}

// when shows a time: how long ago, or in RFC 3339.
func (a *app) when(t time.Time) string {
	switch {
	case t.IsZero():
		return "-"
	case !a.relativeTimes():
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	d := time.Since(t)
	if d < 0 {
		return "in " + short(-d)
	}
	return short(d) + " ago"
}

func (a *app) whenOr(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return a.when(*t)
}

// short is a duration as people say it: the two largest units at most.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return withoutZeros(d.Round(time.Second))
	case d < 24*time.Hour:
		return withoutZeros(d.Round(time.Minute))
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// withoutZeros is "1h" for "1h0m0s".
func withoutZeros(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// say writes a line to people.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.stdout, format+"\n", args...)
}
