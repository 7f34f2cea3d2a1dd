//go:build !unix

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// isolate does nothing: process groups are a thing of Unix.
func isolate(*exec.Cmd) {}

// killGroup ends the process at once. It is no error when the process has ended.
func killGroup(p *os.Process) error {
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill process %d: %w", p.Pid, err)
	}
	return nil
}
