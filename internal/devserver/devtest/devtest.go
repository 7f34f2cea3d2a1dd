// Package devtest gives tests real nats-servers: one, or a cluster for replicated streams, each on a directory of
// the test and gone when the test ends.
package devtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/devserver"
)

const (
	// readyTimeout bounds the wait for a cluster; electing a leader takes about a second on an idle machine.
	readyTimeout = 60 * time.Second
	// startTries bounds how often a server is started anew because another program took a port it had been given.
	startTries = 5

	// Ports are taken from below the range that systems use for outgoing connections, so that the port of a stopped
	// server is still free when the test starts it again.
	firstPort, lastPort = 20000, 32000
)

// Server starts a server on a temporary directory and a free port of 127.0.0.1, and stops it when t ends.
func Server(t testing.TB) *devserver.Server {
	t.Helper()
	return ServerWith(t, devserver.Config{})
}

// ServerWith is Server with more of the configuration given: an empty StoreDir becomes a temporary directory, port 0
// a free port.
func ServerWith(t testing.TB, cfg devserver.Config) *devserver.Server {
	t.Helper()
	if cfg.StoreDir == "" && !cfg.Memory {
		cfg.StoreDir = storeDir(t)
	}
	wanted := cfg.Port
	var err error
	for range startTries {
		if wanted == 0 && !cfg.InProcessOnly {
			cfg.Port = FreePort(t)
		}
		var s *devserver.Server
		if s, err = devserver.Start(cfg); err == nil {
			t.Cleanup(s.Shutdown)
			return s
		}
		if errors.Is(err, devserver.ErrLocked) || errors.Is(err, devserver.ErrInvalidConfig) {
			break
		}
	}
	t.Fatalf("devtest: %v", err)
	return nil
}

// Cluster starts n servers on 127.0.0.1 that form a cluster, and waits until it accepts requests for replicated
// streams. n must be at least 2; streams of three replicas need 3.
func Cluster(t testing.TB, n int) []*devserver.Server {
	t.Helper()
	return ClusterWith(t, n, devserver.Config{})
}

// ClusterWith is Cluster with settings that all members share, such as SyncAlways. StoreDir, the ports, ServerName
// and Cluster are overwritten.
func ClusterWith(t testing.TB, n int, cfg devserver.Config) []*devserver.Server {
	t.Helper()
	if n < 2 {
		t.Fatalf("devtest: a cluster of %d servers is not a cluster", n)
	}
	var err error
	for range startTries {
		var servers []*devserver.Server
		if servers, err = startCluster(t, n, cfg); err == nil {
			waitReady(t, n, servers...)
			return servers
		}
	}
	t.Fatalf("devtest: %v", err)
	return nil
}

func startCluster(t testing.TB, n int, cfg devserver.Config) ([]*devserver.Server, error) {
	t.Helper()
	base := storeDir(t)
	routePorts := make([]int, n)
	routes := make([]string, n)
	for i := range n {
		routePorts[i] = FreePort(t)
		routes[i] = "nats://" + net.JoinHostPort(devserver.DefaultHost, strconv.Itoa(routePorts[i]))
	}
	servers := make([]*devserver.Server, 0, n)
	for i := range n {
		member := cfg
		member.ServerName = fmt.Sprintf("n%d", i+1)
		member.StoreDir = filepath.Join(base, member.ServerName)
		member.Host, member.Port = devserver.DefaultHost, FreePort(t)
		member.Cluster = devserver.Cluster{Name: "devtest", Port: routePorts[i], Routes: routes}
		s, err := devserver.Start(member)
		if err != nil {
			for _, started := range servers {
				started.Shutdown()
			}
			return nil, err
		}
		servers = append(servers, s)
	}
	for _, s := range servers {
		t.Cleanup(s.Shutdown)
	}
	return servers, nil
}

// Restart stops s, unless it is stopped already, and starts a server on the same directory, with the same
// configuration and at the same address; connections made by Conn find it by themselves. A member of a cluster is
// waited for until it has caught up, for which a majority must be running. The test must use the returned server.
func Restart(t testing.TB, s *devserver.Server) *devserver.Server {
	t.Helper()
	s.Shutdown()
	next, err := devserver.Start(s.Config())
	if err != nil {
		t.Fatalf("devtest: restart: %v", err)
	}
	t.Cleanup(next.Shutdown)
	waitReady(t, len(next.Config().Cluster.Routes)/2+1, next)
	return next
}

func waitReady(t testing.TB, members int, servers ...*devserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	for _, s := range servers {
		if err := s.WaitReady(ctx, members); err != nil {
			t.Fatalf("devtest: %v", err)
		}
	}
}

// Conn connects to servers over TCP and closes the connection when t ends. The connection survives restarts: it
// reconnects for ever and at short intervals, and notices a silent server within seconds.
func Conn(t testing.TB, servers ...*devserver.Server) *nats.Conn {
	t.Helper()
	urls := make([]string, len(servers))
	for i, s := range servers {
		if urls[i] = s.ClientURL(); urls[i] == "" {
			t.Fatalf("devtest: server %s listens nowhere: use its Connect", s.Config().ServerName)
		}
	}
	nc, err := nats.Connect(strings.Join(urls, ","),
		nats.Name(t.Name()),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(50*time.Millisecond),
		nats.ReconnectJitter(20*time.Millisecond, 20*time.Millisecond),
		nats.PingInterval(2*time.Second),
		nats.MaxPingsOutstanding(2),
	)
	if err != nil {
		t.Fatalf("devtest: connect to %s: %v", strings.Join(urls, ","), err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// storeDir is a temporary directory that outlives the servers of the test. Unlike t.TempDir it does not fail the
// test when it cannot be removed: what a server leaves behind is not what the test is about.
func storeDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "millrace-test-") //nolint:usetesting // see above
	if err != nil {
		t.Fatalf("devtest: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Logf("devtest: remove %s: %v", dir, err)
		}
	})
	return dir
}

// FreePort picks a port at random, so that test binaries that run side by side rarely meet.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", net.JoinHostPort(devserver.DefaultHost, strconv.Itoa(port)))
		if err != nil {
			continue
		}
		l.Close() // a probe: nothing depends on how it closes
		return port
	}
	t.Fatalf("devtest: found no free port from %d to %d", firstPort, lastPort)
	return 0
}
