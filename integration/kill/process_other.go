//go:build !linux

package main

import "syscall"

// childAttributes are none: children notice the end of their standard input when the driver dies.
func childAttributes() *syscall.SysProcAttr { return nil }
