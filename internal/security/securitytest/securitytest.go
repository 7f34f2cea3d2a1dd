// Package securitytest gives tests a nats-server with the accounts and permissions of an installation.
package securitytest

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/security"
)

// Server is a running server.
type Server struct {
	tb     testing.TB
	server *server.Server
}

// Password is that of every user of a test's server.
const Password = "secret"

// Start starts a server with the accounts of an installation, on any free port, and stops it when t ends.
func Start(t testing.TB, i security.Installation) *Server {
	t.Helper()
	accounts, err := i.Accounts(func(string, security.User) string { return Password })
	if err != nil {
		t.Fatal(err)
	}
	return StartConfig(t, accounts)
}

// StartConfig is Start with the accounts as a part of a configuration file.
func StartConfig(t testing.TB, accounts string) *Server {
	t.Helper()
	o, err := options(t, accounts)
	if err != nil {
		t.Fatalf("%v in\n%s", err, accounts)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatalf("%v in\n%s", err, accounts)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("nats-server is not ready after 10 s")
	}
	return &Server{t, s}
}

// Check says what a server has against accounts as a part of a configuration file.
func Check(t testing.TB, accounts string) error {
	t.Helper()
	o, err := options(t, accounts)
	if err != nil {
		return err
	}
	s, err := server.NewServer(o)
	if err == nil {
		s.Shutdown()
	}
	return err
}

func options(t testing.TB, accounts string) (*server.Options, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(file, []byte(accounts), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := server.ProcessConfigFile(file)
	if err != nil {
		return nil, err
	}
	o.Host, o.Port, o.NoSigs, o.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	o.JetStream, o.StoreDir = true, filepath.Join(dir, "store")
	return o, nil
}

// URL is where the server listens.
func (s *Server) URL() string { return s.server.ClientURL() }

// Options are the connection options of a user: credentials, and the inbox prefix of one with permissions of its own.
func Options(u security.User) []nats.Option {
	o := []nats.Option{nats.UserInfo(u.Name, Password)}
	if !u.Role.Trusted() {
		o = append(o, nats.CustomInboxPrefix(u.InboxPrefix()))
	}
	return o
}

// Connect connects a user until t ends. What the server refuses is told to refused, nil for nobody.
func (s *Server) Connect(u security.User, refused func(error)) *nats.Conn {
	s.tb.Helper()
	o := append(Options(u), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	o = append(o, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
		if refused != nil {
			refused(err)
		}
	}))
	nc, err := nats.Connect(s.URL(), o...)
	if err != nil {
		s.tb.Fatalf("connect %s: %v", u.Name, err)
	}
	s.tb.Cleanup(nc.Close)
	return nc
}
