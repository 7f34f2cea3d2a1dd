package devserver

import (
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/millrace-dev/millrace/log"
)

const (
	// DefaultHost is the address a server listens on unless Config.Host says otherwise: this machine only.
	DefaultHost = "127.0.0.1"
	// DefaultPort is the client port that a server tries first when Config.Port is 0.
	DefaultPort = 4222
	// RandomPort, as Config.Port or Config.MonitorPort, lets the system choose a free port.
	RandomPort = -1

	// portTries bounds the search for a free port above DefaultPort.
	portTries = 100
	// startTimeout bounds the wait for the listeners after the stored streams were recovered, which is not bounded.
	startTimeout = 10 * time.Second
)

// Config describes a server. StoreDir or Memory must be set; every other field may be zero.
type Config struct {
	// StoreDir is where the streams live. It is created when absent, and locked while the server runs.
	StoreDir string
	// Memory keeps nothing: the streams, which are file streams in any case, go to a fresh directory under the
	// system's directory for temporary files, removed by Shutdown. A killed process leaves it behind.
	Memory bool

	// Host is the address to listen on; empty means DefaultHost.
	Host string
	// Port is the client port. 0 means DefaultPort or, when that is taken, the next free one (see PortFallback);
	// RandomPort means any free one; another value means exactly that port, or an error.
	Port int
	// InProcessOnly opens no client port at all: Connect is the only way in. Not possible in a cluster.
	InProcessOnly bool
	// MonitorPort serves nats-server's monitoring pages on Host: 0 means off, RandomPort any free port.
	MonitorPort int

	// SyncAlways flushes every write to the disk before it is acknowledged: the "durable" profile. Without it an
	// acknowledged write survives the death of any process, but not the loss of power.
	SyncAlways bool
	// MaxPayload is the largest message in bytes; 0 means nats-server's default of 1 MiB.
	MaxPayload int32

	// ServerName is the server's name in listings; empty means "millrace". It must be unique in a cluster and must
	// not change for a data directory that was part of one.
	ServerName string
	// Cluster makes the server a member of a cluster when its Name is not empty.
	Cluster Cluster

	// Logger receives what the server logs; nil means nothing. Notices, by which nats-server narrates its start and
	// stop, arrive at debug level.
	Logger log.Logger
}

// Cluster describes a server's membership in a cluster on Config.Host. JetStream needs the same name and the routes
// of all members, itself included or not, on every member.
type Cluster struct {
	Name   string
	Port   int
	Routes []string // nats://host:port of the members' cluster ports
}

func (c Config) withDefaults() Config {
	if c.Host == "" {
		c.Host = DefaultHost
	}
	if c.ServerName == "" {
		c.ServerName = "millrace"
	}
	if c.Logger == nil {
		c.Logger = log.Discard{}
	}
	return c
}

func (c Config) validate() error {
	switch {
	case c.StoreDir == "" && !c.Memory:
		return fmt.Errorf("%w: StoreDir is empty and Memory is not set", ErrInvalidConfig)
	case c.StoreDir != "" && c.Memory:
		return fmt.Errorf("%w: StoreDir %q contradicts Memory", ErrInvalidConfig, c.StoreDir)
	case c.Memory && c.SyncAlways:
		return fmt.Errorf("%w: SyncAlways contradicts Memory: nothing is kept that could be lost", ErrInvalidConfig)
	case c.Port < RandomPort || c.Port > math.MaxUint16:
		return fmt.Errorf("%w: Port %d is not -1, 0 or 1 to %d", ErrInvalidConfig, c.Port, math.MaxUint16)
	case c.MonitorPort < RandomPort || c.MonitorPort > math.MaxUint16:
		return fmt.Errorf("%w: MonitorPort %d is not -1, 0 or 1 to %d", ErrInvalidConfig, c.MonitorPort, math.MaxUint16)
	case c.MaxPayload < 0:
		return fmt.Errorf("%w: MaxPayload %d is negative", ErrInvalidConfig, c.MaxPayload)
	case c.InProcessOnly && c.Cluster.Name != "":
		// nats-server never becomes ready in this combination.
		return fmt.Errorf("%w: InProcessOnly contradicts Cluster %q: members must listen", ErrInvalidConfig, c.Cluster.Name)
	case c.Cluster.Name != "" && len(c.Cluster.Routes) == 0:
		return fmt.Errorf("%w: Cluster %q has no Routes", ErrInvalidConfig, c.Cluster.Name)
	}
	for _, r := range c.Cluster.Routes {
		if u, err := url.Parse(r); err != nil || u.Host == "" {
			return fmt.Errorf("%w: Cluster.Routes: %q is not of the form nats://host:port", ErrInvalidConfig, r)
		}
	}
	return nil
}
