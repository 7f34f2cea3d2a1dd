package install_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/internal/security"
	"github.com/millrace-dev/millrace/internal/security/install"
	"github.com/millrace-dev/millrace/streams"
)

func plan() install.Plan {
	return install.Plan{Operator: "op", Hosts: []string{"localhost"}, Port: 4222, Store: "data", TLS: install.TLSMutual,
		Tenants: []install.Tenant{{Account: "acme", Namespaces: []string{"orders"}}, {Account: "globex", Namespaces: []string{"bills"}}}}
}

// directory is an installation on disk, and a server that runs on it.
type directory struct {
	*testing.T
	path         string
	installation *install.Installation
	url          string
}

func newDirectory(t *testing.T, p install.Plan) *directory {
	t.Helper()
	d := &directory{T: t, path: t.TempDir()}
	var err error
	if d.installation, err = install.New(p, os.DirFS(d.path)); err != nil {
		t.Fatal(err)
	}
	files, err := d.installation.Files()
	if err != nil {
		t.Fatal(err)
	}
	d.write(files)
	return d
}

func (d *directory) write(files map[string]install.File) {
	d.Helper()
	for name, f := range files {
		full := filepath.Join(d.path, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o700), os.WriteFile(full, f.Data, 0o600)); err != nil {
			d.Fatal(err)
		}
	}
}

// serve starts the server on the first host.
func (d *directory) serve(host string) {
	d.Helper()
	d.Chdir(d.path)
	o, err := server.ProcessConfigFile(install.ServerFile(host))
	if err != nil {
		d.Fatal(err)
	}
	o.Host, o.Port, o.HTTPPort, o.NoSigs, o.NoLog = "127.0.0.1", server.RANDOM_PORT, 0, true, true
	s, err := server.NewServer(o)
	if err != nil {
		d.Fatal(err)
	}
	s.Start()
	d.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		d.Fatal("nats-server is not ready after 10 s")
	}
	_, port, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		d.Fatal(err)
	}
	d.url = "tls://localhost:" + port
}

// user makes a user and returns what he connects with.
func (d *directory) user(account string, u security.User, expires time.Time) []nats.Option {
	d.Helper()
	creds, err := d.installation.Credentials(account, u, expires)
	if err != nil {
		d.Fatal(err)
	}
	certificate, err := d.installation.ClientCertificate(account, u.Name)
	if err != nil {
		d.Fatal(err)
	}
	files := maps.Clone(certificate)
	files[install.CredentialsFile(account, u.Name)] = creds
	d.write(files)
	o := []nats.Option{nats.UserCredentials(install.CredentialsFile(account, u.Name)), nats.RootCAs("tls/ca.pem"),
		nats.ClientCert("tls/"+account+"/"+u.Name+".pem", "tls/"+account+"/"+u.Name+"-key.pem"), nats.NoReconnect()}
	if !u.Role.Trusted() {
		o = append(o, nats.CustomInboxPrefix(u.InboxPrefix()))
	}
	return o
}

func (d *directory) connect(o ...nats.Option) *nats.Conn {
	d.Helper()
	nc, err := nats.Connect(d.url, o...)
	if err != nil {
		d.Fatal(err)
	}
	d.Cleanup(nc.Close)
	return nc
}

func TestWhoReachesWhat(t *testing.T) {
	d := newDirectory(t, plan())
	d.serve("localhost")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	installer := d.connect(d.user(security.EngineAccount, security.User{Name: "i", Role: security.RoleInstaller}, time.Time{})...)
	p, err := streams.PlanNamespace(ctx, installer, "orders", streams.CreateOptions{})
	if err == nil {
		err = p.Apply(ctx)
	}
	if err != nil {
		t.Fatalf("installer: %v", err)
	}
	engine := d.connect(d.user(security.EngineAccount, security.User{Name: "e", Role: security.RoleEngine}, time.Now().Add(time.Hour))...)
	if _, err := streams.Open(ctx, engine, "orders"); err != nil {
		t.Fatalf("engine: %v", err)
	}
	for _, namespace := range []string{"orders", "bills"} {
		if _, err := engine.Subscribe(streams.GatewaySubjects(namespace), func(m *nats.Msg) { _ = m.Respond([]byte(namespace)) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := engine.Flush(); err != nil {
		t.Fatal(err)
	}
	ask := func(o []nats.Option, subject string) string {
		t.Helper()
		m, err := d.connect(o...).Request(subject, nil, 300*time.Millisecond)
		if err != nil {
			return ""
		}
		return string(m.Data)
	}
	starter := d.user("acme", security.User{Name: "s", Role: security.RoleStarter, Namespace: "orders"}, time.Time{})
	describe := func(namespace string) string {
		return streams.GatewaySubject(namespace, gatewire.Describe.OnWire(), "")
	}
	if got := ask(starter, describe("orders")); got != "orders" {
		t.Errorf("a tenant's own gateway answers %q", got)
	}
	for _, subject := range []string{describe("bills"), "$JS.API.INFO", "$JS.API.STREAM.NAMES", "$SYS.REQ.SERVER.PING"} {
		if got := ask(starter, subject); got != "" {
			t.Errorf("a tenant is answered on %s: %q", subject, got)
		}
	}
}

func TestWhoIsNotLetIn(t *testing.T) {
	d := newDirectory(t, plan())
	d.serve("localhost")
	good := d.user(security.EngineAccount, security.User{Name: "e", Role: security.RoleEngine}, time.Time{})
	d.connect(good...)
	credentials, authority := good[0], good[1]
	expired := d.user(security.EngineAccount, security.User{Name: "x", Role: security.RoleEngine}, time.Now().Add(-time.Minute))
	foreign := newDirectory(t, plan())
	d.Chdir(foreign.path)
	stranger := foreign.user(security.EngineAccount, security.User{Name: "e", Role: security.RoleEngine}, time.Time{})
	strangersCredentials := stranger[0]
	for name, test := range map[string]struct {
		dir     string
		options []nats.Option
	}{
		"no certificate":            {d.path, []nats.Option{credentials, authority}},
		"no credentials":            {d.path, good[1:]},
		"unknown authority":         {d.path, []nats.Option{credentials, good[2]}},
		"expired":                   {d.path, expired},
		"another's certificate":     {foreign.path, stranger},
		"credentials of a stranger": {foreign.path, []nats.Option{strangersCredentials, nats.Secure(nil)}},
	} {
		d.Chdir(test.dir)
		if nc, err := nats.Connect(d.url, test.options...); err == nil {
			nc.Close()
			t.Errorf("%s: is let in", name)
		}
	}
}

// TestFilesAreKept: keys and certificates that exist are used again, so that what they signed stays good.
func TestFilesAreKept(t *testing.T) {
	first, err := install.New(plan(), fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := first.Files()
	if err != nil {
		t.Fatal(err)
	}
	have := fstest.MapFS{}
	for name, f := range files {
		have[name] = &fstest.MapFile{Data: f.Data}
		secret := strings.HasPrefix(name, "keys/") || strings.HasSuffix(name, "-key.pem")
		if f.Secret != secret {
			t.Errorf("%s: secret %t", name, f.Secret)
		}
	}
	read, err := install.ReadPlan(have)
	if err != nil {
		t.Fatal(err)
	}
	read.Tenants = append(read.Tenants, install.Tenant{Account: "initech", Namespaces: []string{"orders"}})
	second, err := install.New(read, have)
	if err != nil {
		t.Fatal(err)
	}
	again, err := second.Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range files {
		if (strings.HasPrefix(name, "keys/") || strings.HasPrefix(name, "tls/")) && again[name].Data != nil && string(again[name].Data) != string(f.Data) {
			t.Errorf("%s has changed", name)
		}
	}
	if _, ok := again["keys/initech.nk"]; !ok {
		t.Error("the new tenant has no key")
	}
}

// TestThreeServers: nats-server understands the configuration of a cluster.
func TestThreeServers(t *testing.T) {
	p := plan()
	p.Hosts = []string{"n1.example.com", "n2.example.com", "10.0.0.3"}
	d := newDirectory(t, p)
	d.Chdir(d.path)
	for _, host := range p.Hosts {
		o, err := server.ProcessConfigFile(install.ServerFile(host))
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Routes) != 2 || o.Cluster.TLSConfig == nil || !o.SyncAlways || o.TLSConfig == nil {
			t.Errorf("%s: routes %v, TLS %t and %t, sync %t", host, o.Routes, o.Cluster.TLSConfig != nil, o.TLSConfig != nil, o.SyncAlways)
		}
	}
}

func TestBadPlans(t *testing.T) {
	for want, change := range map[string]func(p *install.Plan){
		"2 hosts":                 func(p *install.Plan) { p.Hosts = []string{"a", "b"} },
		`host "a b"`:              func(p *install.Plan) { p.Hosts = []string{"a b"} },
		"is there twice":          func(p *install.Plan) { p.Hosts = []string{"a", "b", "a"} },
		"port 70000":              func(p *install.Plan) { p.Port = 70_000 },
		`TLS "on"`:                func(p *install.Plan) { p.TLS = "on" },
		`account "ENGINE"`:        func(p *install.Plan) { p.Tenants[0].Account = "ENGINE" },
		`account "a.b"`:           func(p *install.Plan) { p.Tenants[0].Account = "a.b" },
		`"globex" is there twice`: func(p *install.Plan) { p.Tenants[0].Account = "globex" },
		"has no namespace":        func(p *install.Plan) { p.Tenants[0].Namespaces = nil },
		`"a b"`:                   func(p *install.Plan) { p.Tenants[0].Namespaces = []string{"a b"} },
		`namespace "x" twice`:     func(p *install.Plan) { p.Tenants[0].Namespaces = []string{"x", "x"} },
	} {
		p := plan()
		change(&p)
		if _, err := install.New(p, fstest.MapFS{}); !errors.Is(err, install.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := install.ReadPlan(fstest.MapFS{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no plan: %v", err)
	}
}
