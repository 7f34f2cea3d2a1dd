package devserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// The durability profiles that an embedded server can have, as Profile names them.
const (
	ProfileDevelopment = "development"
	ProfileDurable     = "durable"
)

// Server is a running nats-server with JetStream. Its methods are safe for concurrent use.
type Server struct {
	cfg      Config // with defaults, and with the port in use
	storeDir string
	fellBack bool // the wanted DefaultPort was taken
	ns       *server.Server
	lock     *dirLock
	stopOnce sync.Once
}

// Start locks the data directory, starts a server on it and returns when the server accepts connections and has
// recovered its streams. A member of a cluster is not yet useful then: see WaitReady. The errors are ErrInvalidConfig,
// ErrLocked, or what the system or nats-server said; after an error nothing is left running or locked.
func Start(cfg Config) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("start embedded server: %w", err)
	}
	s := &Server{cfg: cfg}
	if err := s.openStore(); err != nil {
		return nil, fmt.Errorf("start embedded server: %w", err)
	}
	if err := s.start(); err != nil {
		s.closeStore()
		return nil, fmt.Errorf("start embedded server: %w", err)
	}
	return s, nil
}

func (s *Server) start() error {
	if err := s.listen(); err != nil {
		return err
	}
	if err := s.lock.setAddress(s.address()); err != nil {
		s.stop()
		return fmt.Errorf("write lock file of %s: %w", s.storeDir, err)
	}
	return nil
}

// listen starts nats-server on the configured port, or on the first free one when the default is wanted but taken.
// A probe spares nats-server a start that would recover every stream only to find its port taken; a program that
// takes the port between probe and start costs one more round.
func (s *Server) listen() error {
	if s.cfg.InProcessOnly || s.cfg.Port != 0 {
		return s.run(s.cfg.Port)
	}
	for port := DefaultPort; port < DefaultPort+portTries; port++ {
		if !portFree(s.cfg.Host, port) {
			continue
		}
		err := s.run(port)
		if err == nil {
			s.cfg.Port, s.fellBack = port, port != DefaultPort
			return nil
		}
		if portFree(s.cfg.Host, port) {
			return err // the port was not the reason
		}
	}
	return fmt.Errorf("no free port among %d to %d on %s", DefaultPort, DefaultPort+portTries-1, s.cfg.Host)
}

// run starts one nats-server; s.ns is set only on success.
func (s *Server) run(port int) error {
	ns, err := server.NewServer(s.options(port))
	if err != nil {
		return fmt.Errorf("configure nats-server: %w", err)
	}
	logger := newLogAdapter(s.cfg.Logger)
	ns.SetLoggerV2(logger, false, false, false)
	ns.Start()
	ready := logger.firstFatal() == "" && ns.ReadyForConnections(startTimeout)
	if fatal := logger.firstFatal(); fatal != "" || !ready {
		ns.Shutdown()
		ns.WaitForShutdown()
		if fatal == "" {
			fatal = fmt.Sprintf("not ready within %s", startTimeout)
		}
		return fmt.Errorf("nats-server: %s", fatal)
	}
	s.ns = ns
	if addr, ok := ns.Addr().(*net.TCPAddr); ok && addr != nil {
		s.cfg.Port = addr.Port
	}
	return nil
}

func (s *Server) options(port int) *server.Options {
	o := &server.Options{
		ServerName: s.cfg.ServerName,
		Host:       s.cfg.Host,
		Port:       port,
		DontListen: s.cfg.InProcessOnly,
		JetStream:  true,
		StoreDir:   s.storeDir,
		SyncAlways: s.cfg.SyncAlways,
		MaxPayload: s.cfg.MaxPayload,
		// The host process owns its signals; nats-server would exit on SIGINT and SIGTERM by itself.
		NoSigs:                 true,
		DisableJetStreamBanner: true,
	}
	if s.cfg.MonitorPort != 0 {
		o.HTTPHost, o.HTTPPort = s.cfg.Host, s.cfg.MonitorPort
	}
	if c := s.cfg.Cluster; c.Name != "" {
		o.Cluster.Name, o.Cluster.Host, o.Cluster.Port = c.Name, s.cfg.Host, c.Port
		for _, r := range c.Routes {
			if u, err := url.Parse(r); err == nil { // checked by validate
				o.Routes = append(o.Routes, u)
			}
		}
	}
	return o
}

// portFree reports whether port can be listened on right now.
func portFree(host string, port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	l.Close() // a probe: nothing depends on how it closes
	return true
}

// openStore makes the data directory exist and locks it.
func (s *Server) openStore() error {
	dir := s.cfg.StoreDir
	if s.cfg.Memory {
		tmp, err := os.MkdirTemp("", "millrace-dev-")
		if err != nil {
			return fmt.Errorf("create temporary data directory: %w", err)
		}
		dir = tmp
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("data directory %q: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o750); err != nil {
		return fmt.Errorf("create data directory: %w", err)
	}
	if s.lock, err = acquireLock(abs); err != nil {
		if s.cfg.Memory {
			err = errors.Join(err, os.RemoveAll(abs))
		}
		return err
	}
	s.storeDir = abs
	return nil
}

// closeStore gives the data directory up. What goes wrong here is for people to see, not for the caller to handle:
// the server has already stopped.
func (s *Server) closeStore() {
	if err := s.lock.release(); err != nil {
		s.cfg.Logger.Warn("release lock of data directory", "directory", s.storeDir, "error", err)
	}
	if s.cfg.Memory {
		if err := os.RemoveAll(s.storeDir); err != nil {
			s.cfg.Logger.Warn("remove temporary data directory", "directory", s.storeDir, "error", err)
		}
	}
}

func (s *Server) stop() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}

// Shutdown stops the server, waits until everything it started has ended, and unlocks the data directory, which may
// then be started again. Later calls wait for the first and do nothing.
func (s *Server) Shutdown() {
	s.stopOnce.Do(func() {
		s.stop()
		s.closeStore()
	})
}

// Connect opens a connection that does not pass the network. It ends with this server: it does not find a server
// that is started later on the same directory, for which a connection to ClientURL is needed.
func (s *Server) Connect(opts ...nats.Option) (*nats.Conn, error) {
	nc, err := nats.Connect("", append([]nats.Option{nats.InProcessServer(s.ns)}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to embedded server: %w", err)
	}
	return nc, nil
}

// ClientURL is where clients connect, or "" for a server that is InProcessOnly.
func (s *Server) ClientURL() string {
	if s.cfg.InProcessOnly {
		return "" // nats-server would name a port that nobody listens on
	}
	return "nats://" + s.address()
}

// MonitorURL is where the monitoring pages are, or "" when they are off.
func (s *Server) MonitorURL() string {
	addr := s.ns.MonitorAddr()
	if addr == nil {
		return ""
	}
	return "http://" + net.JoinHostPort(s.cfg.Host, strconv.Itoa(addr.Port))
}

// Profile names the durability profile: ProfileDurable with SyncAlways, else ProfileDevelopment.
func (s *Server) Profile() string {
	if s.cfg.SyncAlways {
		return ProfileDurable
	}
	return ProfileDevelopment
}

// StoreDir is the absolute path of the data directory, also when it is a temporary one.
func (s *Server) StoreDir() string { return s.storeDir }

// PortFallback reports whether DefaultPort was wanted but taken, so that the server listens on the next free port.
func (s *Server) PortFallback() bool { return s.fellBack }

// Config is the configuration the server runs with: defaults filled in and Port the one in use, so that starting it
// again after Shutdown gives the same server at the same address.
func (s *Server) Config() Config { return s.cfg }

// IsStreamLeader reports whether this member of a cluster leads the stream of that name. It is false on a server that
// is in no cluster: there are no leaders there.
func (s *Server) IsStreamLeader(stream string) bool {
	return s.ns.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream)
}

// WaitReady returns when JetStream can be used: at once on a single server; in a cluster when a leader is elected, this
// server has caught up and, if it is the leader, that many members (itself included) are in contact with it. A stream
// of three replicas cannot be created before three are. JetStream requests made earlier run into their own time-out
// instead of being answered. The error says what is missing and wraps ctx's.
func (s *Server) WaitReady(ctx context.Context, members int) error {
	if s.cfg.Cluster.Name == "" {
		return nil
	}
	// nats-server offers nothing to wait on: asking it costs microseconds.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.clusterReady(members)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for cluster %s on %s: %w: %w", s.cfg.Cluster.Name, s.cfg.ServerName, err, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

func (s *Server) clusterReady(members int) error {
	info, err := s.ns.Jsz(&server.JSzOptions{})
	if err != nil {
		return fmt.Errorf("read JetStream state: %w", err)
	}
	if info.Meta == nil || info.Meta.Leader == "" {
		return errNoLeader
	}
	if !s.ns.JetStreamIsCurrent() {
		return errNotCurrent
	}
	if !s.ns.JetStreamIsLeader() {
		return nil // only the leader knows how the others are doing
	}
	current := 1
	for _, p := range info.Meta.Replicas {
		if p.Current && !p.Offline {
			current++
		}
	}
	if current < members {
		return fmt.Errorf("%d of %d members are current", current, members)
	}
	// The leader puts streams only on members that have reported their free space to it.
	if heard := len(s.ns.JetStreamClusterPeers()); heard < members {
		return fmt.Errorf("%d of %d members have reported to the leader", heard, members)
	}
	return nil
}

func (s *Server) address() string {
	if s.cfg.InProcessOnly {
		return "in-process only"
	}
	return net.JoinHostPort(s.cfg.Host, strconv.Itoa(s.cfg.Port))
}
