package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// The results stand between these lines of a page, and replace what stood there.
const resultsBegin, resultsEnd = "<!-- results: written by integration/bench -write -->", "<!-- end of results -->"

// writePage writes the results into a Markdown page, beside those of an earlier measurement.
func (r *report) writePage(page, before string) error {
	old, err := readResults(before)
	if err != nil {
		return fmt.Errorf("read the results before: %w", err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	head, rest, begun := bytes.Cut(text, []byte(resultsBegin))
	_, tail, ended := bytes.Cut(rest, []byte(resultsEnd))
	if !begun || !ended {
		return fmt.Errorf("write results: %s has no lines %q and %q", page, resultsBegin, resultsEnd)
	}
	out := bytes.NewBuffer(bytes.Clone(head))
	fmt.Fprintln(out, resultsBegin)
	r.markdown(out, old)
	out.WriteString(resultsEnd)
	out.Write(tail)
	return os.WriteFile(page, out.Bytes(), 0o644)
}

// markdown writes the results as a section of a page.
func (r *report) markdown(out *bytes.Buffer, old results) {
	fmt.Fprintln(out)
	for _, m := range []struct {
		when string
		machine
	}{{"before", old.machine}, {"after", r.machine}} {
		fmt.Fprintf(out, "- **%s**: commit %s, %s, `%s`, %s\n", m.when, m.Commit, m.Date, m.Command, m.Machine)
	}
	fmt.Fprintf(out, "\nEach cell reads before → after; – was not measured.\n\n")
	fmt.Fprintln(out, "| load | system | per second | p50 ms | p99 ms | CPU ms/run | disk B/run | beside | ratio | ratio by CPU |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|")
	for _, w := range r.rows {
		cells := []string{w.load, w.system, "", "", "", "", "", w.rival, "", ""}
		if !w.again {
			was, is := old.Figures[w.key()], r.Figures[w.key()]
			for i, c := range []struct {
				was, is float64
				format  string
			}{{was.Rate, is.Rate, "%.0f"}, {was.P50, is.P50, "%.2f"}, {was.P99, is.P99, "%.2f"}, {was.CPU, is.CPU, "%.3f"}, {was.Disk, is.Disk, "%.0f"}} {
				cells[2+i] = change(c.format, c.was, c.is)
			}
		}
		if w.rival != "" {
			cells[8] = change("%.2f", old.Ratios[w.ratio()], r.Ratios[w.ratio()])
			cells[9] = change("%.2f", old.Ratios[w.byCPU()], r.Ratios[w.byCPU()])
		}
		fmt.Fprintln(out, "| "+strings.Join(cells, " | ")+" |")
	}
	fmt.Fprintln(out)
	for _, n := range r.notes {
		fmt.Fprintln(out, "- "+n)
	}
	if len(r.targets) > 0 {
		fmt.Fprintf(out, "\nTargets:\n\n")
		for _, t := range r.targets {
			fmt.Fprintln(out, "- "+t.verdict())
		}
	}
	fmt.Fprintln(out)
}

// change shows a value and what it was. 0 stands for a value that was not measured.
func change(format string, was, is float64) string {
	show := func(v float64) string {
		if v == 0 {
			return "–"
		}
		return fmt.Sprintf(format, v)
	}
	if was == 0 && is == 0 {
		return ""
	}
	return show(was) + " → " + show(is)
}
