package gateway_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/gateway"
	"github.com/millrace-dev/millrace/internal/security"
	"github.com/millrace-dev/millrace/internal/security/securitytest"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The users of the tests' installation: an engine, and tenants with a namespace each.
var (
	engine    = security.User{Name: "engine", Role: security.RoleEngine}
	installer = security.User{Name: "installer", Role: security.RoleInstaller}
	alice     = security.User{Name: "alice", Role: security.RoleStarter, Namespace: "acme"}
	walt      = security.User{Name: "walt", Role: security.RoleWorker, Namespace: "acme", Queues: []string{"pay", "main"}}
	vera      = security.User{Name: "vera", Role: security.RoleViewer, Namespace: "acme"}
	bob       = security.User{Name: "bob", Role: security.RoleStarter, Namespace: "bolt"}
	wendy     = security.User{Name: "wendy", Role: security.RoleWorker, Namespace: "bolt", Queues: []string{"pay", "main"}}
)

func installation() security.Installation {
	return security.Installation{
		Engine: []security.User{engine, installer},
		Tenants: []security.Tenant{
			{Account: "ACME", Namespaces: []string{"acme"}, Users: []security.User{alice, walt, vera}},
			{Account: "BOLT", Namespaces: []string{"bolt"}, Users: []security.User{bob, wendy}},
		},
	}
}

// fixture is a server with two namespaces.
type fixture struct {
	testing.TB
	ctx    context.Context
	server *securitytest.Server
}

func setup(t testing.TB) *fixture {
	t.Helper()
	if p, ok := t.(*testing.T); ok {
		p.Parallel()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	f := &fixture{TB: t, ctx: ctx, server: securitytest.Start(t, installation())}
	nc := f.server.Connect(installer, nil)
	for _, name := range []string{"acme", "bolt"} {
		plan, err := streams.PlanNamespace(ctx, nc, name, streams.CreateOptions{})
		f.ok(err)
		f.ok(plan.Apply(ctx))
	}
	return f
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// trusted is a client of the engine's account.
func (f *fixture) trusted(namespace string) client.Client {
	f.Helper()
	return f.dial(client.Options{Namespace: namespace}, engine)
}

// tenant is a client of a tenant's user.
func (f *fixture) tenant(u security.User) client.Client {
	f.Helper()
	return f.dial(client.Options{Namespace: u.Namespace, Identity: u.Name, Gateway: &client.GatewayOptions{InboxPrefix: u.InboxPrefix()}}, u)
}

func (f *fixture) dial(o client.Options, u security.User) client.Client {
	f.Helper()
	o.HostPort = f.server.URL()
	o.ConnectionOptions.NATS = []nats.Option{nats.UserInfo(u.Name, securitytest.Password)}
	c, err := client.DialContext(f.ctx, o)
	f.ok(err)
	f.Cleanup(c.Close)
	return c
}

// daemon is a gateway on a connection of its own.
type daemon struct {
	f     *fixture
	conn  *nats.Conn
	stop  context.CancelFunc
	ended chan error
	over  bool
}

// serve serves a namespace's gateway until the test ends, or until the daemon is stopped or killed.
func (f *fixture) serve(namespace string, limits gateway.Limits) *daemon {
	f.Helper()
	nc := f.server.Connect(engine, nil)
	c, err := client.DialContext(f.ctx, client.Options{Namespace: namespace, ConnectionOptions: client.ConnectionOptions{Conn: nc}})
	f.ok(err)
	ready := make(chan struct{})
	g, err := gateway.New(gateway.Config{Client: c, Limits: limits, Ready: func() { close(ready) }})
	f.ok(err)
	d := &daemon{f: f, conn: nc, ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	d.stop = cancel
	go func() { d.ended <- g.Run(ctx) }()
	f.Cleanup(func() {
		d.end()
		c.Close()
	})
	select {
	case <-ready:
	case err := <-d.ended:
		d.over = true
		f.Fatalf("gateway did not start: %v", err)
	}
	return d
}

// end stops the gateway as a signal does.
func (d *daemon) end() {
	d.f.Helper()
	if d.over {
		return
	}
	d.over = true
	d.stop()
	if err := <-d.ended; err != nil && !d.conn.IsClosed() {
		d.f.Errorf("gateway ended with %v", err)
	}
}

// kill cuts the gateway off, as the end of its process does: nothing that it says after that is heard.
func (d *daemon) kill() {
	d.conn.Close()
	d.end()
}

// start starts a worker and stops it when the test ends.
func (f *fixture) start(w worker.Worker) worker.Worker {
	f.Helper()
	f.ok(w.Start())
	f.Cleanup(w.Stop)
	return w
}

// isA says whether err has an error of type E in its chain.
func isA[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// over is a context that has ended.
func (f *fixture) over() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	return ctx, cancel
}
