package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// run plays segments and says what came of them.
func run(ctx context.Context, o options, out io.Writer) error {
	segments, err := selected(o)
	if err != nil {
		return err
	}
	dir, err := workDirectory(o.dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "seed %d; evidence and logs in %s\n", o.seed, dir)
	if o.millrace == "" {
		if o.millrace, err = buildMillrace(ctx, dir); err != nil {
			return err
		}
	}
	s := &season{o: o, out: out, dir: dir, commit: commitOf(ctx), began: time.Now()}
	if s.totals, err = readTotals(o.state); err != nil {
		return err
	}
	err = s.play(ctx, segments)
	fmt.Fprintf(out, "all in all: %d operations acknowledged in %d segments, %v\n", s.acknowledged, s.played, time.Since(s.began).Round(time.Second))
	if err != nil || o.keep || o.dir != "" {
		return err
	}
	return os.RemoveAll(dir)
}

// season is one invocation: segments, one after another.
type season struct {
	o      options
	out    io.Writer
	dir    string
	commit string
	began  time.Time
	totals *totals

	played, acknowledged int
}

// play plays each segment once, or all of them again and again until the time is over. It goes on after a red one: the
// next may tell more.
func (s *season) play(ctx context.Context, segments []*segment) error {
	var errs []error
	for n := 0; ctx.Err() == nil; n++ {
		if s.o.soak == 0 && n == len(segments) || s.o.soak > 0 && time.Since(s.began) >= s.o.soak {
			break
		}
		g := segments[n%len(segments)].scaled(s.o.scale)
		if g.layout.apart && !inSandbox() {
			why := "there are no network namespaces of one's own here"
			fmt.Fprintf(s.out, "segment %s: NOT SHOWN: %s\n", g.name, why)
			s.totals.NotShown[g.name] = why
			continue
		}
		errs = append(errs, s.one(ctx, g, s.o.seed+uint64(n)))
	}
	return errors.Join(append(errs, context.Cause(ctx))...)
}

// one plays a segment, adds it to the totals and removes its evidence if it is green.
func (s *season) one(ctx context.Context, g *segment, seed uint64) error {
	dir := filepath.Join(s.dir, fmt.Sprintf("%03d-%s", s.played, g.name))
	s.played++
	p, err := g.play(ctx, dir, s.o.millrace, seed)
	if err != nil {
		return fmt.Errorf("segment %s, seed %d, evidence in %s: %w", g.name, seed, dir, err)
	}
	if err := p.write(s.out); err != nil {
		return err
	}
	s.totals.add(p, s.commit)
	s.acknowledged += acknowledged(p.report.Operations)
	if s.o.state != "" {
		if err := s.totals.write(s.o.state); err != nil {
			return err
		}
	}
	if err := p.verdict(); err != nil || s.o.keep {
		return err
	}
	return os.RemoveAll(dir)
}

// selected are the segments to play, in their order.
func selected(o options) ([]*segment, error) {
	if o.only == "" && o.soak > 0 {
		return soakSegments(), nil
	}
	if o.only == "" {
		return allSegments(), nil
	}
	all := append(allSegments(), mixed())
	var some []*segment
	for name := range strings.SplitSeq(o.only, ",") {
		i := slices.IndexFunc(all, func(g *segment) bool { return g.name == name })
		if i < 0 {
			var names []string
			for _, g := range all {
				names = append(names, g.name)
			}
			return nil, fmt.Errorf("-only names segment %q; there are %s", name, strings.Join(names, ", "))
		}
		some = append(some, all[i])
	}
	return some, nil
}

// workDirectory is a directory for everything that this run writes.
func workDirectory(dir string) (string, error) {
	if dir == "" {
		dir, err := os.MkdirTemp("", "millrace-faults-")
		if err != nil {
			return "", fmt.Errorf("create a directory: %w", err)
		}
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create a directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("read directory: %w", err)
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("-dir %s is not empty: evidence of another run would be counted", dir)
	}
	return dir, nil
}

// buildMillrace builds the command that daemons are.
func buildMillrace(ctx context.Context, dir string) (string, error) {
	name := filepath.Join(dir, "millrace")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", name, "github.com/millrace-dev/millrace/cmd/millrace")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the millrace command: %w: %s", err, out)
	}
	return name, nil
}
