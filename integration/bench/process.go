package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/worker"
)

// process is a worker in a process of its own: this program again. It answers each line on its standard input with the
// CPU time that it has used so far, and ends with its standard input.
type process struct {
	cmd   *exec.Cmd
	lines io.WriteCloser
	said  *bufio.Reader
}

func startProcess(ctx context.Context, g *ground, namespace string, queued bool) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self, "-work", g.servers[0].ClientURL(), "-namespace", namespace,
		"-cache", fmt.Sprint(g.cache), fmt.Sprintf("-queued=%t", queued))}
	p.cmd.Stderr = os.Stderr
	if p.lines, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	said, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.said = bufio.NewReader(said)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := p.ask(); err != nil { // answered once the worker has started
		return nil, errors.Join(fmt.Errorf("start worker process: %w", err), p.stop())
	}
	return p, nil
}

func (p *process) ask() (time.Duration, error) {
	if _, err := io.WriteString(p.lines, "\n"); err != nil {
		return 0, err
	}
	line, err := p.said.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return time.ParseDuration(strings.TrimSpace(line))
}

// cpu is what the process has used so far; a process that does not answer any more shows when it is stopped.
func (p *process) cpu() time.Duration {
	used, _ := p.ask()
	return used
}

func (p *process) stop() error {
	return errors.Join(p.lines.Close(), p.cmd.Wait())
}

// runWorker is what such a process does.
func runWorker(o options) error {
	c, err := client.Dial(client.Options{HostPort: o.work, Namespace: o.namespace})
	if err != nil {
		return err
	}
	defer c.Close()
	w := worker.New(c, queue, o.workerOptions())
	register(w)
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if _, err := fmt.Println(cpuTime()); err != nil {
			return err
		}
	}
	return nil
}
