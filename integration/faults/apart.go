package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// apart is a network of machines: each server has a network namespace of its own, and so have those members that are
// named. Everybody else lives in this process's namespace, to which the bridge belongs that joins them; a second bridge
// is the other side of a partition. All of it must be in a sandbox, and is gone with it.
type apart struct {
	logs string // directory of the holders' logs

	mu    sync.Mutex // guards nodes
	nodes map[string]*node
}

// node is a network namespace with one interface.
type node struct {
	address string
	// link is the outer end of its cable.
	link   string
	holder *child
}

const (
	bridge    = "mr-here"
	elsewhere = "mr-there"
	subnet    = "10.77.0."
)

// newApart makes the bridges and the nodes for members.
func newApart(ctx context.Context, logs string, members []string) (*apart, error) {
	if !inSandbox() {
		return nil, fmt.Errorf("%w: this process is not in a sandbox", errNoSandbox)
	}
	a := &apart{logs: logs, nodes: map[string]*node{}}
	var err error
	for i, name := range []string{bridge, elsewhere} {
		err = errors.Join(err, ip(ctx, "link add %s type bridge", name), ip(ctx, "link set %s up", name))
		if i == 0 {
			err = errors.Join(err, ip(ctx, "addr add %s1/24 dev %s", subnet, bridge))
		}
	}
	for i, m := range members {
		if err == nil {
			err = a.addNode(ctx, i, m)
		}
	}
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	return a, nil
}

func (a *apart) addNode(ctx context.Context, i int, name string) error {
	n := &node{address: fmt.Sprint(subnet, 10+i), link: fmt.Sprintf("mr-%d", i)}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("node %s: %w", name, err)
	}
	config, err := json.Marshal(roleConfig{Name: "holder of " + name})
	if err != nil {
		return fmt.Errorf("node %s: %w", name, err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), roleEnv+"="+roleHolder, configEnv+"="+string(config))
	cmd.SysProcAttr = holderAttributes()
	if n.holder, err = startChild("holder of "+name, cmd, a.logs+"/holders.log"); err != nil {
		return err
	}
	a.mu.Lock()
	a.nodes[name] = n
	a.mu.Unlock()
	select {
	case <-n.holder.ready:
	case <-n.holder.exited:
		return fmt.Errorf("%s ended by itself: %v", n.holder.name, n.holder.err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	pid := n.holder.cmd.Process.Pid
	return errors.Join(
		ip(ctx, "link add %s type veth peer name eth0 netns %d", n.link, pid),
		ip(ctx, "link set %s master %s up", n.link, bridge),
		n.ip(ctx, "addr add %s/24 dev eth0", n.address),
		n.ip(ctx, "link set eth0 up"),
		n.ip(ctx, "link set lo up"),
	)
}

// ip configures this process's network namespace.
func ip(ctx context.Context, format string, args ...any) error {
	return command(ctx, "ip", fmt.Sprintf(format, args...))
}

// ip configures the node's.
func (n *node) ip(ctx context.Context, format string, args ...any) error {
	return command(ctx, "nsenter", fmt.Sprintf("--net=%s -- ip ", n.namespace())+fmt.Sprintf(format, args...))
}

func (n *node) namespace() string { return fmt.Sprintf("/proc/%d/ns/net", n.holder.cmd.Process.Pid) }

func (a *apart) node(member string) *node {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.nodes[member]
}

func (a *apart) serverHost(i int) (string, bool) {
	return a.node(fmt.Sprintf("%s-%d", partServer, i)).address, false
}

func (a *apart) namespace(member string) string {
	if n := a.node(member); n != nil {
		return n.namespace()
	}
	return ""
}

func (a *apart) url(_ string, servers []string) (string, error) { return join(servers), nil }

// close removes everything: a namespace is gone with its last process, and with it both ends of its cable.
func (a *apart) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.nodes {
		n.holder.kill()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(ip(ctx, "link del %s", bridge), ip(ctx, "link del %s", elsewhere))
}
