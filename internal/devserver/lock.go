package devserver

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lockName is the file in the data directory that carries the lock and describes its holder. It stays behind,
// empty, after a clean stop: removing a locked file would let two processes lock two different files of one name.
const lockName = "millrace.lock"

// errHeld is what the per-system lockFile answers when another open file has the lock.
var errHeld = errors.New("lock is held")

// holder is the content of the lock file. It informs people; whether the directory is taken is decided by the lock.
type holder struct {
	PID     int       `json:"pid"`
	Address string    `json:"address,omitempty"`
	Started time.Time `json:"started"`
}

// dirLock is an acquired lock; closing the file gives it up.
type dirLock struct {
	file   *os.File
	holder holder
}

// acquireLock locks dir for this process or returns a *LockedError.
func acquireLock(dir string) (*dirLock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock file: %w", err)
	}
	if err := lockFile(f); err != nil {
		defer f.Close() // nothing was written: a close error loses nothing
		if !errors.Is(err, errHeld) {
			return nil, fmt.Errorf("lock data directory %s: %w", dir, err)
		}
		return nil, lockedBy(dir, f)
	}
	l := &dirLock{file: f, holder: holder{PID: os.Getpid(), Started: time.Now().UTC().Truncate(time.Second)}}
	if err := l.write(); err != nil {
		f.Close()
		return nil, fmt.Errorf("write lock file of %s: %w", dir, err)
	}
	return l, nil
}

// lockedBy describes the holder as far as its file tells: a holder that is starting may not have written it yet.
func lockedBy(dir string, f *os.File) *LockedError {
	e := &LockedError{Dir: dir}
	var h holder
	if err := json.NewDecoder(f).Decode(&h); err == nil {
		e.PID, e.Address, e.Started = h.PID, h.Address, h.Started
	}
	return e
}

// setAddress records where the server listens, once that is known.
func (l *dirLock) setAddress(address string) error {
	l.holder.Address = address
	return l.write()
}

func (l *dirLock) write() error {
	body, err := json.Marshal(l.holder)
	if err != nil {
		return err
	}
	body = append(body, '\n')
	if _, err := l.file.WriteAt(body, 0); err != nil {
		return err
	}
	return l.file.Truncate(int64(len(body)))
}

// release empties the file, so that it names no holder, and gives the lock up.
func (l *dirLock) release() error {
	return errors.Join(l.file.Truncate(0), l.file.Close())
}
