package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
)

const (
	// roleEnv makes this program, or its test binary, a server or a worker; configEnv is its roleConfig as JSON.
	roleEnv   = "MILLRACE_FAULTS_ROLE"
	configEnv = "MILLRACE_FAULTS_CONFIG"
	readyLine = "ready"
)

// child is a process that this one started.
type child struct {
	name string
	cmd  *exec.Cmd
	// stdin is open as long as this process lives: its end is the children's word that nobody needs them any more.
	stdin io.Closer
	// ready is closed when the child has said that it is, exited when it has ended and been waited for.
	ready, exited chan struct{}
	err           error // how it ended; to be read after exited
}

// startRole starts this program again in another role. network, unless it is empty, is the network namespace for it, as
// nsenter names it. What the child has to say goes to logFile, which is appended to.
func startRole(role string, config roleConfig, network, logFile string) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
	}
	encoded, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
	}
	cmd := exec.Command(exe)
	if network != "" {
		cmd = exec.Command("nsenter", "--net="+network, "--", exe)
	}
	cmd.Env = append(os.Environ(), roleEnv+"="+role, configEnv+"="+string(encoded))
	return startChild(config.Name, cmd, logFile)
}

// startChild starts a process that ends with this one.
func startChild(name string, cmd *exec.Cmd, logFile string) (*child, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close() // the child has its own handle
	c := &child{name: name, cmd: cmd, ready: make(chan struct{}), exited: make(chan struct{})}
	cmd.Stderr = log
	cmd.SysProcAttr = childAttributes(cmd.SysProcAttr)
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go c.runWatch(stdout)
	return c, nil
}

// runWatch waits for the child's word and for its end. It ends when the child has ended.
func (c *child) runWatch(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	said := false
	for lines.Scan() {
		if lines.Text() == readyLine && !said {
			said = true
			close(c.ready)
		}
	}
	c.err = c.cmd.Wait()
	close(c.exited)
}

// kill sends SIGKILL and waits until the process is gone. died says whether it had ended by itself before.
func (c *child) kill() (died bool) {
	if c.ended() {
		return true
	}
	// An error means that the process has ended since; then exited is about to be closed.
	died = c.cmd.Process.Kill() != nil
	<-c.exited
	return died
}

// ended says whether the process has ended.
func (c *child) ended() bool {
	select {
	case <-c.exited:
		return true
	default:
		return false
	}
}
