package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// readyLine is what a process prints on its standard output when it is up.
const readyLine = "ready"

// readyTimeout bounds how long a process may take to come up; a worker waits for the server meanwhile.
const readyTimeout = 30 * time.Second

// process is this program, running one of its roles as a process of its own. Its standard input is a lifeline: it ends
// when the parent's end of the pipe is closed, be it by the parent's death.
type process struct {
	name     string
	cmd      *exec.Cmd
	lifeline io.Closer
	exited   chan struct{} // closed by wait when the process has ended
}

// spawn starts this program with the given arguments and returns when it says that it is ready. Its standard error goes
// to a file in logs.
func spawn(ctx context.Context, logs, name string, args ...string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	log, err := os.OpenFile(filepath.Join(logs, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close() // the process has its own copy
	cmd := exec.Command(program, args...)
	cmd.Stderr = log
	isolate(cmd)
	lifeline, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, cmd: cmd, lifeline: lifeline, exited: make(chan struct{})}
	ready := make(chan bool, 1)
	go p.wait(stdout, ready)
	timeout := time.NewTimer(readyTimeout)
	defer timeout.Stop()
	select {
	case ok := <-ready:
		if ok {
			return p, nil
		}
		err = fmt.Errorf("ended before it was ready, see %s", log.Name())
	case <-timeout.C:
		err = fmt.Errorf("not ready within %s, see %s", readyTimeout, log.Name())
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), p.kill())
}

// wait reads what the process prints until it ends, and reaps it. kill waits for it.
func (p *process) wait(stdout io.Reader, ready chan<- bool) {
	defer close(p.exited)
	lines := bufio.NewScanner(stdout)
	said := false
	for lines.Scan() {
		if !said && strings.TrimSpace(lines.Text()) == readyLine {
			said = true
			ready <- true
		}
	}
	if !said {
		ready <- false
	}
	// A killed process ends with an error; whether its end was wanted is for the owner to say.
	_ = p.cmd.Wait()
}

// kill sends SIGKILL and returns when the process is gone. Killing twice is no error.
func (p *process) kill() error {
	select {
	case <-p.exited:
		return nil // its number may be another's by now
	default:
	}
	err := killGroup(p.cmd.Process)
	<-p.exited
	return errors.Join(err, closeLifeline(p.lifeline))
}

func closeLifeline(c io.Closer) error {
	if err := c.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// ended says whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// untilOrphaned returns a context that ends when the parent process dies or closes the lifeline, or when ctx ends.
func untilOrphaned(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	// The read returns with the parent's death, or never: then it ends with the process, which is what it watches for.
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx, cancel
}
