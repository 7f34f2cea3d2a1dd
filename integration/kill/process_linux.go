package main

import "syscall"

// childAttributes put a child into a process group of its own, so that an interrupt at the terminal reaches the driver
// only, and let the kernel kill it when the driver dies. (The kernel looks at the thread that started the child; Go
// ends a thread only when a goroutine ends that is locked to it, and there is none.)
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
