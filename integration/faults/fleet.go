package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/streams"
)

// layout says what a fleet consists of.
type layout struct {
	// servers is 1, or 3 for a cluster with replicated streams.
	servers                                    int
	workers, coordinators, activities, daemons int
	// proxied puts a proxy between each process and each server, apart puts each server and some workers into network
	// namespaces of their own.
	proxied, apart bool
	// frugal has processes hold as much as they ever will within a minute: daemons collect their garbage as soon as other programs
	// do, and the caches of workers are small.
	frugal bool
	// work is how long activities take, thought how long decisions do, lease after what time a silent worker is given up.
	work, thought, lease time.Duration
}

// fleet is the processes of a segment. Its members are fixed once it has been made.
type fleet struct {
	layout
	dir string
	// millrace is the millrace command, needed for daemons.
	millrace   string
	net        network
	members    []*member
	serverURLs []string
	// admin is the harness's own connection, around proxies and partitions.
	admin *nats.Conn
}

// network says where servers listen and how members reach them.
type network interface {
	// serverHost is the address of the i-th server, and whether it is one of this network namespace's.
	serverHost(i int) (host string, local bool)
	// namespace is the network namespace of a member, as nsenter names it; empty for this process's.
	namespace(member string) string
	// url is how a member reaches the servers, whose addresses are given.
	url(member string, servers []string) (string, error)
	// close gives everything back.
	close() error
}

// newFleet plans a fleet. Nothing is started yet.
func newFleet(dir, millrace string, l layout, n network) (*fleet, error) {
	f := &fleet{layout: l, dir: dir, millrace: millrace, net: n}
	if err := f.addServers(); err != nil {
		return nil, err
	}
	for i := range l.workers {
		f.add(partWorker, i, f.launchWorker)
	}
	for i := range l.coordinators {
		f.add(partCoordinator, i, f.launchWorker)
	}
	for i := range l.activities {
		f.add(partActivities, i, f.launchWorker)
	}
	for i := range l.daemons {
		f.add(partDaemon, i, f.launchDaemon)
	}
	return f, nil
}

func (f *fleet) add(p part, i int, launch func(context.Context, *member, string) (*child, *watch, error)) {
	m := &member{name: fmt.Sprintf("%s-%d", p, i), part: p}
	m.launch = func(ctx context.Context, name string) (*child, *watch, error) { return launch(ctx, m, name) }
	f.members = append(f.members, m)
}

// addServers gives each server its ports and its directory for good.
func (f *fleet) addServers() error {
	taken := map[int]bool{}
	var routes []string
	configs := make([]devserver.Config, f.servers)
	for i := range configs {
		c := &configs[i]
		host, local := f.net.serverHost(i)
		c.Host, c.ServerName = host, fmt.Sprintf("%s-%d", partServer, i)
		c.StoreDir = filepath.Join(f.dir, c.ServerName)
		for _, port := range []*int{&c.Port, &c.Cluster.Port} {
			var err error
			if *port, err = freePort(host, local, taken); err != nil {
				return err
			}
		}
		f.serverURLs = append(f.serverURLs, net.JoinHostPort(host, strconv.Itoa(c.Port)))
		routes = append(routes, "nats://"+net.JoinHostPort(host, strconv.Itoa(c.Cluster.Port)))
	}
	for i, c := range configs {
		if f.servers == 1 {
			c.Cluster = devserver.Cluster{}
		} else {
			c.Cluster.Name, c.Cluster.Routes = clusterName, routes
		}
		f.add(partServer, i, func(ctx context.Context, m *member, name string) (*child, *watch, error) {
			s, err := startRole(roleServer, roleConfig{Name: name, Server: &c}, f.net.namespace(m.name), f.logOf(m))
			return s, nil, f.await(ctx, s, err)
		})
	}
	return nil
}

const (
	firstPort, lastPort = 20_000, 30_000
	clusterName         = "faults"
)

// freePort is a port of a host below those that systems give to outgoing connections. taken has those that were given
// out before. A host elsewhere has all its ports free.
func freePort(host string, local bool, taken map[int]bool) (int, error) {
	var err error
	for port := firstPort; port < lastPort; port++ {
		if taken[port] {
			continue
		}
		if local {
			var l net.Listener
			if l, err = net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port))); err != nil {
				continue
			}
			l.Close() // nothing depends on how a probe closes
		}
		taken[port] = true
		return port, nil
	}
	return 0, fmt.Errorf("find a free port of %s from %d to %d: %w", host, firstPort, lastPort, err)
}

func (f *fleet) logOf(m *member) string { return filepath.Join(f.dir, m.name+".log") }

// await waits until a process that was started has said that it is ready.
func (f *fleet) await(ctx context.Context, c *child, err error) error {
	if err != nil {
		return err
	}
	select {
	case <-c.ready:
		return nil
	case <-c.exited:
		return fmt.Errorf("%s ended by itself: %v (see the logs in %s)", c.name, c.err, f.dir)
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", c.name, context.Cause(ctx))
	}
}

// frugalCache is how many runs a worker of a frugal fleet keeps live.
const frugalCache = 200

// launchWorker starts a worker of either kind. It does not wait for it: the servers may be down just now.
func (f *fleet) launchWorker(_ context.Context, m *member, name string) (*child, *watch, error) {
	url, err := f.net.url(m.name, f.serverURLs)
	if err != nil {
		return nil, nil, err
	}
	cache := 0
	if f.frugal {
		cache = frugalCache
	}
	c, err := startRole(roleWorker, roleConfig{Name: name, Worker: &workerRole{
		URL: url, Dir: f.dir, NoWorkflows: m.part == partActivities, NoActivities: m.part == partCoordinator,
		Work: f.work, Thought: f.thought, Lease: f.lease, Cache: cache,
	}}, f.net.namespace(m.name), f.logOf(m))
	return c, newWatch(f.dir, name), err
}

func (f *fleet) launchDaemon(_ context.Context, m *member, name string) (*child, *watch, error) {
	url, err := f.net.url(m.name, f.serverURLs)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(f.millrace, "daemon", "--server", url)
	cmd.Env = append(os.Environ(), "MILLRACE_NAMESPACE="+client.DefaultNamespace)
	if f.frugal {
		cmd.Env = append(cmd.Env, "GOGC=100")
	}
	if n := f.net.namespace(m.name); n != "" {
		cmd = exec.Command("nsenter", append([]string{"--net=" + n, "--"}, cmd.Args...)...)
	}
	c, err := startChild(name, cmd, f.logOf(m))
	return c, nil, err
}

// start starts the servers, creates the namespace and starts everybody else.
func (f *fleet) start(ctx context.Context) error {
	servers := f.of(partServer)
	var wg sync.WaitGroup
	errs := make([]error, len(servers))
	for i, m := range servers {
		wg.Go(func() { errs[i] = m.start(ctx) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var err error
	f.admin, err = nats.Connect(join(f.serverURLs), nats.Name("harness"), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond),
		nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(2), nats.IgnoreDiscoveredServers(), logErrors(io.Discard))
	if err != nil {
		return fmt.Errorf("connect to the servers: %w", err)
	}
	if err := f.createNamespace(ctx); err != nil {
		return err
	}
	for _, m := range f.members {
		if m.part == partServer {
			continue
		}
		if err := m.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// createNamespace asks until a cluster has found together.
func (f *fleet) createNamespace(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		plan, err := streams.PlanNamespace(ctx, f.admin, client.DefaultNamespace, streams.CreateOptions{Replicas: f.servers})
		if err == nil {
			err = plan.Apply(ctx)
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("create the namespace: %w", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// of are the members that have one of the parts.
func (f *fleet) of(parts ...part) []*member {
	var members []*member
	for _, m := range f.members {
		if slices.Contains(parts, m.part) {
			members = append(members, m)
		}
	}
	return members
}

// claim takes a random free one of some members for a fault, nil when there is none.
func claim(r *rand.Rand, members []*member) *member {
	for _, i := range r.Perm(len(members)) {
		if members[i].take() {
			return members[i]
		}
	}
	return nil
}

// executing counts the activities that run just now, in all processes.
func (f *fleet) executing() (int, error) {
	all := 0
	for _, m := range f.members {
		executing, _, err := m.inFlight()
		if err != nil {
			return 0, err
		}
		all += executing
	}
	return all, nil
}

// check says which process has ended by itself.
func (f *fleet) check() error {
	var errs []error
	for _, m := range f.members {
		if c := m.process(); c != nil && c.ended() {
			errs = append(errs, fmt.Errorf("%s ended by itself: %v", c.name, c.err))
		}
	}
	return errors.Join(errs...)
}

// stop kills everything that was started and waits for it. Nobody may start anything any more.
func (f *fleet) stop() error {
	f.stopParts(partWorker, partCoordinator, partActivities, partDaemon)
	if f.admin != nil {
		f.admin.Close()
	}
	f.stopParts(partServer)
	return f.net.close()
}

func (f *fleet) stopParts(parts ...part) {
	for _, m := range f.of(parts...) {
		if c := m.process(); c != nil {
			c.kill()
		}
	}
}
