package security_test

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/contrib/envconfig"
	"github.com/millrace-dev/millrace/internal/security"
	"github.com/millrace-dev/millrace/internal/security/install"
	"github.com/millrace-dev/millrace/worker"
)

// company is an installation as `millrace security init` makes it: an operator, accounts, users with credentials and
// certificates, and a server that knows them from their JWTs only.
type company struct {
	*testing.T
	ctx          context.Context
	program, dir string
	url          string
}

func newCompany(t *testing.T) *company {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	t.Cleanup(cancel)
	c := &company{T: t, ctx: ctx, program: buildDaemon(t), dir: filepath.Join(t.TempDir(), "security")}
	c.millrace(nil, "security", "init", "--dir", c.dir, "--tenant", "acme=orders", "--tenant", "globex=bills")
	c.millrace(nil, "security", "user", "w1", "--dir", c.dir, "--account", "acme", "--role", "worker", "--tenant-namespace", "orders", "--queue", "pay")
	c.millrace(nil, "security", "user", "w2", "--dir", c.dir, "--account", "globex", "--role", "worker", "--tenant-namespace", "bills", "--queue", "pay")
	c.serve()
	for _, namespace := range []string{"orders", "bills"} {
		c.millrace(c.env("ENGINE", "installer", namespace), "namespace", "create", namespace, "--yes", "--profile", "durable", "--assume-sync")
	}
	return c
}

// serve starts nats-server on the files, as they say but for its ports.
func (c *company) serve() {
	c.Helper()
	c.Chdir(c.dir)
	o, err := server.ProcessConfigFile(install.ServerFile("localhost"))
	c.must(err)
	o.Host, o.Port, o.HTTPPort, o.NoSigs, o.NoLog = "127.0.0.1", server.RANDOM_PORT, 0, true, true
	s, err := server.NewServer(o)
	c.must(err)
	s.Start()
	c.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(10 * time.Second) {
		c.Fatal("nats-server is not ready after 10 s")
	}
	_, port, err := net.SplitHostPort(s.Addr().String())
	c.must(err)
	c.url = "tls://localhost:" + port
}

func (c *company) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// env is the environment of a user's programs: nothing but his files and where to go.
func (c *company) env(account, user, namespace string) envconfig.EnvLookupMap {
	file := func(parts ...string) string { return filepath.Join(append([]string{c.dir}, parts...)...) }
	env := envconfig.EnvLookupMap{"NATS_URL": c.url, "MILLRACE_NAMESPACE": namespace, "NATS_CA": file("tls", "ca.pem"),
		"NATS_CREDS": file("creds", account, user+".creds"), "NATS_CERT": file("tls", account, user+".pem"), "NATS_KEY": file("tls", account, user+"-key.pem")}
	if account != security.EngineAccount {
		env["MILLRACE_GATEWAY"], env["MILLRACE_GATEWAY_INBOX_PREFIX"] = "true", "_INBOX_"+user
	}
	return env
}

// command is the millrace program in such an environment.
func (c *company) command(env envconfig.EnvLookupMap, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.ctx, c.program, args...)
	cmd.Env = append(env.Environ(), "HOME="+c.dir, "PATH="+os.Getenv("PATH"))
	return cmd
}

func (c *company) millrace(env envconfig.EnvLookupMap, args ...string) string {
	c.Helper()
	var complaint strings.Builder
	cmd := c.command(env, args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		c.Fatalf("millrace %s: %v\n%s", strings.Join(args, " "), err, complaint.String())
	}
	return string(out)
}

// dial is a client with what the environment says, and no word of code about it.
func (c *company) dial(env envconfig.EnvLookupMap) client.Client {
	c.Helper()
	o, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: env})
	c.must(err)
	made, err := client.DialContext(c.ctx, o)
	c.must(err)
	c.Cleanup(made.Close)
	return made
}

// connect is a plain connection of a user.
func (c *company) connect(env envconfig.EnvLookupMap) *nats.Conn {
	c.Helper()
	o, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: env})
	c.must(err)
	quiet := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}) // LastError tells
	nc, err := nats.Connect(c.url, append(o.ConnectionOptions.NATS, quiet)...)
	c.must(err)
	c.Cleanup(nc.Close)
	return nc
}

// refuses says whether the server has refused what was last done with the subject. Its word comes before its answer to a
// flush.
func (c *company) refuses(nc *nats.Conn, subject string) bool {
	c.Helper()
	c.must(nc.FlushTimeout(5 * time.Second))
	return nc.LastError() != nil && strings.Contains(nc.LastError().Error(), `"`+subject+`"`)
}

func TestATenantsDayUnderAnOperator(t *testing.T) {
	c := newCompany(t)
	log := c.startDaemon("orders,bills")
	trusted := worker.New(c.dial(c.env("ENGINE", "engine", "orders")), "main", worker.Options{})
	trusted.RegisterWorkflow(buy)
	c.must(trusted.Start())
	t.Cleanup(trusted.Stop)
	hired := worker.New(c.dial(c.env("acme", "w1", "orders")), "pay", worker.Options{})
	hired.RegisterActivityWithOptions(func(_ context.Context, what string) (string, error) { return "paid for " + what, nil },
		activity.RegisterOptions{Name: "pay"})
	c.must(hired.Start())
	t.Cleanup(hired.Stop)

	// By a program, and by the command line.
	starter := c.env("acme", "starter-orders", "orders")
	run, err := c.dial(starter).ExecuteWorkflow(c.ctx, client.StartWorkflowOptions{ID: "house", TaskQueue: "main"}, buy, "a house")
	c.must(err)
	var result string
	if err := run.Get(c.ctx, &result); err != nil || result != "paid for a house" {
		t.Fatalf("%q, %v", result, err)
	}
	c.millrace(starter, "workflow", "start", "--type", "buy", "-t", "main", "-w", "boat", "--input", `"a boat"`)
	if got := c.millrace(starter, "workflow", "result", "boat"); !strings.Contains(got, "paid for a boat") {
		t.Errorf("the command line has the result %q", got)
	}
	if got := c.millrace(c.env("acme", "viewer-orders", "orders"), "workflow", "describe", "boat", "-o", "json"); !strings.Contains(got, `"Completed"`) {
		t.Errorf("a viewer sees %s", got)
	}

	before := c.stored("orders")
	for _, user := range []envconfig.EnvLookupMap{starter, c.env("acme", "w1", "orders"), c.env("globex", "starter-bills", "bills"), c.env("globex", "w2", "bills")} {
		c.tries(user)
	}
	if after := c.stored("orders"); after != before {
		t.Errorf("the streams held %s, and hold %s now", before, after)
	}
	if text := log(); strings.Contains(text, "not healed") || strings.Contains(text, `"level":"error"`) {
		t.Errorf("the daemon says\n%s", text)
	}
}

// tries has a tenant's user do what no tenant may, and others what only this tenant may.
func (c *company) tries(env envconfig.EnvLookupMap) {
	c.Helper()
	who := filepath.Base(env["NATS_CREDS"])
	nc := c.connect(env)
	own := "millrace." + env["MILLRACE_NAMESPACE"] + ".gateway.info"
	if _, err := nc.Request(own, nil, 5*time.Second); err != nil || c.refuses(nc, own) {
		c.Errorf("%s is not heard by the own gateway: %v", who, err) // all else would be refused for another reason
	}
	subjects := []string{
		"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.MILLRACE_orders_0_HISTORY", "$JS.API.STREAM.CREATE.X",
		"$JS.API.STREAM.MSG.GET.MILLRACE_orders_0_HISTORY", "$JS.API.DIRECT.GET.MILLRACE_orders_0_HISTORY",
		"$JS.API.CONSUMER.MSG.NEXT.MILLRACE_orders_0_TASKS.pay", "$JS.API.STREAM.PURGE.MILLRACE_orders_0_TASKS", "$JS.ACK.x",
		"$KV.MILLRACE_NAMESPACES.orders", "millrace.orders.0.run.house.r.history", "millrace.orders.0.inbox.main.-.house.r.s",
		"millrace.orders.intake.start.buy.x", "millrace.orders.lease.x", "$SYS.REQ.SERVER.PING", "$SRV.PING",
		"millrace.orders.gateway.poll.other", "millrace.bills.gateway.poll.other",
	}
	other := map[string]string{"orders": "bills", "bills": "orders"}[env["MILLRACE_NAMESPACE"]]
	for _, verb := range []string{"info", "describe", "start.main", "signal", "result", "poll.pay", "complete.pay"} {
		subjects = append(subjects, "millrace."+other+".gateway."+verb)
	}
	for _, subject := range subjects {
		c.must(nc.PublishRequest(subject, nc.NewInbox(), []byte("{}")))
		if !c.refuses(nc, subject) {
			c.Errorf("%s may publish to %s: %v", who, subject, nc.LastError())
		}
	}
	for _, subject := range []string{">", "millrace.>", "millrace.orders.live.>", "$JS.EVENT.>", "_INBOX.>", "_INBOX_someone.>"} {
		_, err := nc.SubscribeSync(subject)
		c.must(err)
		if !c.refuses(nc, subject) {
			c.Errorf("%s may listen on %s: %v", who, subject, nc.LastError())
		}
	}
}

// startDaemon starts a daemon with gateways, and returns, when it serves, what gives its log.
func (c *company) startDaemon(namespaces string) (log func() string) {
	c.Helper()
	var mu sync.Mutex
	var text strings.Builder
	ready := make(chan struct{}, 1)
	cmd := c.command(c.env("ENGINE", "engine", namespaces), "daemon", "--gateway")
	cmd.Stderr = writer(func(p []byte) {
		mu.Lock()
		defer mu.Unlock()
		text.Write(p)
		if strings.Contains(string(p), "daemon is ready") {
			ready <- struct{}{}
		}
	})
	log = func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}
	c.must(cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be dead
		<-ended
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- err
		c.Fatalf("daemon ended with %v before it was ready:\n%s", err, log())
	}
	return log
}

// writer is a function as an io.Writer.
type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) {
	w(p)
	return len(p), nil
}

// stored is how many messages have ever been in the streams of a namespace that nobody but the engine may write to.
func (c *company) stored(namespace string) string {
	c.Helper()
	nc := c.connect(c.env("ENGINE", "engine", namespace))
	var all []string
	for _, kind := range []string{"0_HISTORY", "0_INBOX", "0_TASKS", "INTAKE", "DEADLETTER"} {
		answer, err := nc.Request("$JS.API.STREAM.INFO.MILLRACE_"+namespace+"_"+kind, nil, 5*time.Second)
		c.must(err)
		var info struct {
			State struct {
				LastSeq json.Number `json:"last_seq"`
			} `json:"state"`
		}
		c.must(json.Unmarshal(answer.Data, &info))
		all = append(all, kind+" "+info.State.LastSeq.String())
	}
	return strings.Join(all, ", ")
}
