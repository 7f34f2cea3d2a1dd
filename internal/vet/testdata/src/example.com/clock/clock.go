// Package clock knows no workflows.
package clock

import (
	"net/http"
	"sync"
	"time"
)

func Stamp() int64 { return time.Now().Unix() } // want Stamp:`calls time.Now \(clock.go:10\)`

func Later() int64 { return Stamp() + 1 } // want Later:`calls Stamp, which calls time.Now \(clock.go:10\)`

//millrace:allow it is only for logs
func ForLogs() int64 { return time.Now().Unix() }

type Clock struct{ mu sync.Mutex }

func (c *Clock) Locked() int { // a lock alone taints nobody
	c.mu.Lock()
	defer c.mu.Unlock()
	return 1
}

func (c *Clock) Fetch() error { // want Fetch:`calls http.Get`
	_, err := http.Get("")
	return err
}

func Fixed() time.Time { return time.Unix(0, 0) }
