//go:build !linux

package main

import (
	"errors"
	"syscall"
)

// childAttributes are none: children notice the end of their standard input when the driver dies.
func childAttributes(a *syscall.SysProcAttr) *syscall.SysProcAttr { return a }

var errNotHere = errors.New("processes are frozen on Linux only")

func (c *child) freeze() error { return errNotHere }
func (c *child) thaw() error   { return errNotHere }

func (c *child) dump() {}
