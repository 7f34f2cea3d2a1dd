package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/streams"
)

// How systems connect to the server.
const (
	connectTCP       = "tcp"
	connectInProcess = "inprocess"
)

// ground is what all systems stand on: one server, or a cluster of three, in this process.
type ground struct {
	options
	dir     string
	servers []*devserver.Server
	admin   *nats.Conn
	// spaces counts the namespaces made so far on the servers.
	spaces *int
}

func openGround(ctx context.Context, o options) (*ground, error) {
	dir, err := os.MkdirTemp("", "millrace-bench-")
	if err != nil {
		return nil, err
	}
	g := &ground{options: o, dir: dir, spaces: new(int)}
	if err := g.start(ctx); err != nil {
		return nil, errors.Join(err, g.close())
	}
	return g, nil
}

func (g *ground) start(ctx context.Context) error {
	members := make([]devserver.Config, g.replicas)
	for i := range members {
		members[i] = devserver.Config{StoreDir: filepath.Join(g.dir, strconv.Itoa(i)), Port: devserver.RandomPort,
			SyncAlways: g.profile == devserver.ProfileDurable}
	}
	if len(members) > 1 {
		if err := join(members); err != nil {
			return err
		}
	}
	for _, m := range members {
		s, err := devserver.Start(m)
		if err != nil {
			return err
		}
		g.servers = append(g.servers, s)
	}
	for _, s := range g.servers {
		if err := s.WaitReady(ctx, len(members)); err != nil {
			return err
		}
	}
	var err error
	g.admin, err = g.connect()
	return err
}

// divided is the same ground, with other partitions in its namespaces.
func (g *ground) divided(partitions int) *ground {
	other := *g
	other.partitions = partitions
	return &other
}

// join makes the servers that will be started members of one cluster.
func join(members []devserver.Config) error {
	ports := make([]int, len(members))
	routes := make([]string, len(members))
	for i := range members {
		l, err := net.Listen("tcp", net.JoinHostPort(devserver.DefaultHost, "0"))
		if err != nil {
			return fmt.Errorf("find a port for the cluster: %w", err)
		}
		defer l.Close() // held until all are chosen, so that they differ
		ports[i] = l.Addr().(*net.TCPAddr).Port
		routes[i] = "nats://" + l.Addr().String()
	}
	for i := range members {
		members[i].ServerName = fmt.Sprintf("n%d", i+1)
		members[i].Cluster = devserver.Cluster{Name: "bench", Port: ports[i], Routes: routes}
	}
	return nil
}

// connect connects to the first server, in the way that all systems do.
func (g *ground) connect() (*nats.Conn, error) {
	if g.connection == connectInProcess {
		return g.servers[0].Connect()
	}
	return nats.Connect(g.servers[0].ClientURL())
}

// namespace creates a fresh namespace, so that rounds do not burden each other. remove deletes its streams.
func (g *ground) namespace(ctx context.Context) (name string, remove func(), err error) {
	*g.spaces++
	name = fmt.Sprintf("b%d", *g.spaces)
	plan, err := streams.PlanNamespace(ctx, g.admin, name, streams.CreateOptions{
		Partitions: g.partitions, Replicas: g.replicas, GroupCommit: g.group && g.profile == devserver.ProfileDurable})
	if err == nil {
		err = plan.Apply(ctx)
	}
	if err != nil {
		return "", nil, err
	}
	return name, func() { g.deleteStreams(ctx, name) }, nil
}

func (g *ground) deleteStreams(ctx context.Context, namespace string) {
	js, err := jetstream.New(g.admin)
	if err != nil {
		return
	}
	for name := range js.StreamNames(ctx).Name() {
		if strings.Contains(name, "_"+namespace+"_") {
			_ = js.DeleteStream(ctx, name) // what stays behind only takes room until the end
		}
	}
}

// disk is the size of the files that all servers keep for a namespace.
func (g *ground) disk(namespace string) (bytes int64) {
	walk := func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "_"+namespace+"_") {
			return nil // files come and go while a server runs
		}
		if info, err := entry.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	}
	_ = filepath.WalkDir(g.dir, walk) // walk never fails
	return bytes
}

func (g *ground) close() error {
	if g.admin != nil {
		g.admin.Close()
	}
	for _, s := range g.servers {
		s.Shutdown()
	}
	return os.RemoveAll(g.dir)
}
