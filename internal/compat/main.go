package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	root := flag.String("root", "../..", "the root of this repository")
	check := flag.Bool("check", false, fmt.Sprintf("fail below %d %% of the used and %d %% of all identifiers, or if a reason applies to nothing", wantedOfUsed, wantedOfAll))
	flag.Parse()
	if err := run(*root, *check, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

func run(root string, check bool, out io.Writer) error {
	home := filepath.Join(root, "internal", "compat")
	theirs, err := loadTemporal(home)
	if err != nil {
		return err
	}
	ours, err := loadOurs(root)
	if err != nil {
		return err
	}
	r := &result{version: theirs.version, all: newComparer(theirs, ours).compareAll()}
	if r.used, err = readUsed(filepath.Join(home, "used.txt"), r.all); err != nil {
		return err
	}
	reasons, err := readReasons(filepath.Join(home, "reasons.txt"))
	if err != nil {
		return err
	}
	var stale []string
	r.reasons, stale = explain(reasons, r.all)
	if err := os.WriteFile(filepath.Join(root, "docs", "compat.md"), []byte(r.page()), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if err := writeSurface(root, r.all); err != nil {
		return err
	}
	return r.conclude(out, stale, check)
}

// conclude tells the numbers, complains about stale reasons and, on demand, holds the numbers against the targets.
func (r *result) conclude(out io.Writer, stale []string, check bool) error {
	used, all := r.tallies("")
	fmt.Fprintf(out, "used: %d of %d the same, %s (target %d %%); %d differ, %d are absent\n", used.same, used.total, used.percent(), wantedOfUsed, used.differs, used.absent)
	fmt.Fprintf(out, "all:  %d of %d the same, %s (target %d %%); %d differ, %d are absent; %d of these gaps have a reason\n",
		all.same, all.total, all.percent(), wantedOfAll, all.differs, all.absent, len(r.reasons))
	var problems []error
	if len(stale) > 0 {
		problems = append(problems, fmt.Errorf("reasons.txt explains what is no gap: %s", strings.Join(stale, ", ")))
		fmt.Fprintln(out, problems[0])
	}
	if !used.reaches(wantedOfUsed) {
		problems = append(problems, fmt.Errorf("only %s of the used identifiers are the same, want %d %%", used.percent(), wantedOfUsed))
	}
	if !all.reaches(wantedOfAll) {
		problems = append(problems, fmt.Errorf("only %s of all identifiers are the same, want %d %%", all.percent(), wantedOfAll))
	}
	if !check {
		return nil
	}
	return errors.Join(problems...)
}
