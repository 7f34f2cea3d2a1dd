package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// sandboxEnv is set in a process that has a network namespace of its own.
const sandboxEnv = "MILLRACE_FAULTS_SANDBOX"

func inSandbox() bool { return os.Getenv(sandboxEnv) != "" }

// errNoSandbox says why there are no network namespaces here.
var errNoSandbox = errors.New("network namespaces cannot be made here")

// trySandbox says whether this process could have one.
func trySandbox(ctx context.Context) error {
	for _, tool := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %w", errNoSandbox, err)
		}
	}
	cmd := exec.CommandContext(ctx, "ip", "link", "add", "probe", "type", "bridge")
	cmd.SysProcAttr = sandboxAttributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %w: %s", errNoSandbox, err, out)
	}
	return nil
}

// sandboxAttributes give a child a network namespace, and a user namespace in which it may configure it. All that is made
// in there is gone when the last process in it is.
func sandboxAttributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return a
}

// runInSandbox runs this program again, in a network namespace of its own, and returns its exit code.
func runInSandbox(args ...string) (int, error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("enter a sandbox: %w", err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), sandboxEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = sandboxAttributes()
	// Who interrupts this process means the one in the sandbox, which ends in its own way.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(interrupts)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("enter a sandbox: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-interrupts:
			_ = cmd.Process.Signal(s) // an error says that it has ended
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return exit.ExitCode(), nil
			}
			return 0, err
		}
	}
}

// holderAttributes give a holder a network namespace.
func holderAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
}
