package main

import (
	"fmt"
	"syscall"
)

// childAttributes put a child into a process group of its own, so that an interrupt at the terminal reaches the driver
// only, and let the kernel kill it when the driver dies. (The kernel looks at the thread that started the child; Go
// ends a thread only when a goroutine ends that is locked to it, and there is none.)
func childAttributes(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	if a == nil {
		a = &syscall.SysProcAttr{}
	}
	a.Setpgid, a.Pdeathsig = true, syscall.SIGKILL
	return a
}

// freeze stops the process in the middle of whatever it does; thaw lets it go on.
func (c *child) freeze() error { return c.signal(syscall.SIGSTOP) }
func (c *child) thaw() error   { return c.signal(syscall.SIGCONT) }

// dump makes a Go program write the stacks of its goroutines and end.
func (c *child) dump() {
	if c.signal(syscall.SIGQUIT) == nil {
		<-c.exited
	}
}

func (c *child) signal(s syscall.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", c.name, err)
	}
	return nil
}
