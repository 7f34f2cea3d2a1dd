package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	barWidth      = 30
	progressEvery = 200 * time.Millisecond
)

// progress shows how many cards are published: a bar on a terminal, a line for every tenth elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	total    int
	tenths   int
	started  time.Time
}

func newProgress(out *os.File, total int) *progress {
	return &progress{out: out, terminal: term.IsTerminal(int(out.Fd())), total: total, started: time.Now()}
}

// run shows the count until ctx ends, and then once more.
func (p *progress) run(ctx context.Context, count func() int) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		p.show(count())
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.show(count())
			if p.terminal {
				fmt.Fprintln(p.out)
			}
			return
		}
	}
}

func (p *progress) show(done int) {
	elapsed := time.Since(p.started).Round(100 * time.Millisecond)
	if p.terminal {
		filled := done * barWidth / p.total
		fmt.Fprintf(p.out, "\r[%s%s] %d of %d days trained, %s ", strings.Repeat("=", filled), strings.Repeat(" ", barWidth-filled), done, p.total, elapsed)
		return
	}
	if tenths := done * 10 / p.total; tenths > p.tenths {
		p.tenths = tenths
		fmt.Fprintf(p.out, "%d of %d days trained, %s\n", done, p.total, elapsed)
	}
}

// note prints a line of its own, beside the bar.
func (p *progress) note(line string) {
	if p.terminal {
		line = "\r\x1b[K" + line
	}
	fmt.Fprintln(p.out, line)
}
