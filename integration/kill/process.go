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
	roleEnv    = "MILLRACE_KILL_ROLE"
	configEnv  = "MILLRACE_KILL_CONFIG"
	roleServer = "server"
	roleWorker = "worker"
	readyLine  = "ready"
)

// roleConfig is what a child process needs to know.
type roleConfig struct {
	Name string `json:"name"`
	// Dir and Port are the server's.
	Dir  string `json:"dir,omitempty"`
	Port int    `json:"port,omitempty"`
	// URL, Ledger and Work are a worker's: where the server is, its ledger, and how many nanoseconds activities work.
	URL    string `json:"url,omitempty"`
	Ledger string `json:"ledger,omitempty"`
	Work   int64  `json:"work,omitempty"`
}

// child is a process that this one started.
type child struct {
	config roleConfig
	cmd    *exec.Cmd
	// stdin is open as long as this process lives: its end is the children's word that nobody needs them any more.
	stdin io.Closer
	// ready is closed when the child has said that it is, exited when it has ended and been waited for.
	ready, exited chan struct{}
	err           error // how it ended; to be read after exited
}

// startChild starts this program again in another role. Its errors go to logFile, which it appends to.
func startChild(role string, config roleConfig, logFile string) (*child, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
	}
	encoded, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
	}
	defer log.Close() // the child has its own handle
	c := &child{config: config, cmd: exec.Command(exe), ready: make(chan struct{}), exited: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), roleEnv+"="+role, configEnv+"="+string(encoded))
	c.cmd.Stderr = log
	c.cmd.SysProcAttr = childAttributes()
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", config.Name, err)
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
	select {
	case <-c.exited:
		return true
	default:
	}
	// An error means that the process has ended since; then exited is about to be closed.
	died = c.cmd.Process.Kill() != nil
	<-c.exited
	return died
}
