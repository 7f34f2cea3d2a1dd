// Package ballast makes the garbage collector of a process with a small heap run less often. Go collects when the heap
// has doubled: a process that holds 40 MiB and makes 300 MiB of garbage a second collects several times a second, and
// looks through the same 40 MiB each time.
package ballast

import (
	"os"
	"runtime"
)

// Size is how many bytes more of garbage the collector lets gather than it would, and so bounds the memory that it costs.
const Size = 128 << 20

// Hold takes effect until release is called. It does nothing where GOGC or GOMEMLIMIT are set, whose owner has decided
// otherwise; release is never nil.
//
// What it holds counts as part of the heap and is never touched, so that the system has no memory for it.
func Hold() (release func()) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return func() {}
	}
	held := make([]byte, Size)
	return func() { runtime.KeepAlive(held) }
}
