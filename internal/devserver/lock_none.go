//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package devserver

import "os"

// lockFile locks nothing: this system has no flock. A second server on the same data directory is NOT detected here,
// and two servers that write to one directory destroy it; starting only one is up to the operator. The lock file is
// still written, so that it tells which process believes to own the directory.
func lockFile(*os.File) error { return nil }
