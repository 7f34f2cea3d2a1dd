package devserver

import (
	"errors"
	"fmt"
	"time"
)

// ErrLocked is returned (wrapped in a *LockedError) when another server holds the data directory.
var ErrLocked = errors.New("data directory is locked")

// ErrInvalidConfig is returned when a Config field holds a value that cannot be used, or two fields contradict each
// other.
var ErrInvalidConfig = errors.New("invalid configuration")

// What WaitReady can be waiting for, as its error tells it.
var (
	errNoLeader   = errors.New("no JetStream leader is elected")
	errNotCurrent = errors.New("server has not caught up")
)

// LockedError says who holds a data directory. PID, Address and Started are what the holder wrote about itself; they
// are zero when it has not written them yet.
type LockedError struct {
	Dir     string
	PID     int
	Address string
	Started time.Time
}

// Error names the directory, the process and the address of the holder.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data directory %s is locked by a server that is just starting", e.Dir)
	}
	where := "still starting"
	if e.Address != "" {
		where = e.Address
	}
	return fmt.Sprintf("data directory %s is locked by process %d (%s, since %s): stop it, connect to it, or choose another directory",
		e.Dir, e.PID, where, e.Started.Format(time.RFC3339))
}

// Unwrap makes errors.Is(err, ErrLocked) true.
func (e *LockedError) Unwrap() error { return ErrLocked }
