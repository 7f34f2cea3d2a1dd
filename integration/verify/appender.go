package verify

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// WriteOptions say how evidence is written. The zero value is right unless the machine itself may lose power.
type WriteOptions struct {
	// Sync flushes every line to the disk. Without it lines survive the process, but not the machine.
	Sync bool
}

// appender writes lines of JSON. Each line is one write to a file in append mode: the kernel has it when the write
// returns, and what the kernel has survives the process.
type appender struct {
	sync bool

	mu   sync.Mutex // guards the rest
	file *os.File
	err  error
}

func openAppender(name string, o WriteOptions) (*appender, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open evidence: %w", err)
	}
	if err := endTornLine(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("open evidence %s: %w", name, err)
	}
	return &appender{file: f, sync: o.Sync}, nil
}

// endTornLine ends the line that a killed process left unfinished, so that the next line stands for itself.
func endTornLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, info.Size()-1); err != nil || last[0] == '\n' {
		return err
	}
	_, err = f.Write([]byte("\n"))
	return err
}

// append writes one line. After an error nothing more is written: evidence with a hole proves nothing.
func (a *appender) append(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write evidence: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	if _, err = a.file.Write(append(line, '\n')); err == nil && a.sync {
		err = a.file.Sync()
	}
	if err != nil {
		a.err = fmt.Errorf("write evidence %s: %w", a.file.Name(), err)
	}
	return a.err
}

// Close closes the file.
func (a *appender) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.file.Close()
}
