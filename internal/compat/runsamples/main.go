// Command runsamples shows that programs written for Temporal's Go SDK work here after `millrace migrate`.
//
// For each program below samples it runs the program's unit tests on Temporal's test environment, as it is; copies it,
// brings the copy over, and there runs the same tests on ours; and runs its scenario on an embedded server. The
// outcomes are a table in docs/samples.md. Nothing in it is written by hand.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	root := flag.String("root", "../..", "the root of this repository")
	only := flag.String("only", "", "names of samples, separated by commas; the page is not written then")
	keep := flag.Bool("keep", false, "keep the directory with what was brought over, and name it")
	check := flag.Bool("check", false, "fail if a sample fails anywhere")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *root, *only, *keep, *check); err != nil {
		fmt.Fprintln(os.Stderr, "runsamples:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root, only string, keep, check bool) (err error) {
	home, err := filepath.Abs(filepath.Join(root, "internal", "compat"))
	if err != nil {
		return err
	}
	names, err := sampleNames(home, only)
	if err != nil {
		return err
	}
	table := newTable(names)
	if table.temporal, err = testSamples(ctx, home, names); err != nil {
		return fmt.Errorf("test on Temporal's SDK: %w", err)
	}
	work, err := os.MkdirTemp("", "samples")
	if err != nil {
		return err
	}
	if keep {
		fmt.Println("brought over into", work)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	}
	m := moved{root: filepath.Dir(filepath.Dir(home)), dir: work, names: names}
	if table.gaps, err = m.bringOver(ctx, home); err != nil {
		return fmt.Errorf("bring over: %w", err)
	}
	if table.ours, err = testSamples(ctx, work, names, updateMod); err != nil {
		return fmt.Errorf("test on ours: %w", err)
	}
	if table.live, err = m.live(ctx); err != nil {
		return fmt.Errorf("run on a server: %w", err)
	}
	fmt.Print(table.text())
	if only == "" {
		if err := os.WriteFile(filepath.Join(m.root, "docs", "samples.md"), []byte(table.page()), 0o644); err != nil {
			return err
		}
	}
	if check && table.failures() > 0 {
		return fmt.Errorf("%d of %d samples fail somewhere", table.failures(), len(names))
	}
	return nil
}

// sampleNames returns the directories that hold samples.
func sampleNames(home, only string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(home, "samples"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() && e.Name() != "scene" && (only == "" || slices.Contains(strings.Split(only, ","), e.Name())) {
			out = append(out, e.Name())
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no samples below %s", home)
	}
	return out, nil
}
