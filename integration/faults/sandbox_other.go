//go:build !linux

package main

import (
	"context"
	"errors"
	"syscall"
)

func inSandbox() bool { return false }

var errNoSandbox = errors.New("network namespaces exist on Linux only")

func trySandbox(context.Context) error { return errNoSandbox }

func runInSandbox(...string) (int, error) { return 0, errNoSandbox }

func holderAttributes() *syscall.SysProcAttr { return nil }
