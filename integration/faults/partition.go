package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// command runs a tool whose arguments hold no spaces.
func command(ctx context.Context, tool, args string) error {
	out, err := exec.CommandContext(ctx, tool, strings.Fields(args)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", tool, args, err, out)
	}
	return nil
}

// cut takes the cable of one machine out.
type cut struct {
	name verify.FaultKind
	// whom chooses the machine.
	whom func(ctx context.Context, f *fleet, r *rand.Rand) []*member
	hold time.Duration
}

func (c cut) kind() verify.FaultKind { return c.name }

func (c cut) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	return partition(ctx, s, c.whom(ctx, s.fleet, r), c.hold, func(ctx context.Context, nodes []*node) error {
		return ip(ctx, "link set %s down", nodes[0].link)
	}, func(ctx context.Context, nodes []*node) error {
		return ip(ctx, "link set %s up", nodes[0].link)
	})
}

// side puts machines on the other side of a partition, where they see each other and nobody else.
type side struct {
	name verify.FaultKind
	whom func(ctx context.Context, f *fleet, r *rand.Rand) []*member
	hold time.Duration
}

func (p side) kind() verify.FaultKind { return p.name }

func (p side) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	move := func(to string) func(ctx context.Context, nodes []*node) error {
		return func(ctx context.Context, nodes []*node) error {
			var errs []error
			for _, n := range nodes {
				errs = append(errs, ip(ctx, "link set %s master %s", n.link, to))
			}
			return errors.Join(errs...)
		}
	}
	return partition(ctx, s, p.whom(ctx, s.fleet, r), p.hold, move(elsewhere), move(bridge))
}

// oneWay keeps a server from sending to the other servers, whom it goes on hearing; or, when it is deaf, from hearing them.
type oneWay struct {
	name verify.FaultKind
	whom func(ctx context.Context, f *fleet, r *rand.Rand) []*member
	deaf bool
	hold time.Duration
}

func (o oneWay) kind() verify.FaultKind { return o.name }

func (o oneWay) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	routes := func(verb string) func(ctx context.Context, nodes []*node) error {
		return func(ctx context.Context, nodes []*node) error {
			var errs []error
			for _, m := range s.fleet.of(partServer) {
				from, to := nodes[0], s.fleet.net.(*apart).node(m.name)
				if from == to {
					continue
				}
				if o.deaf {
					from, to = to, from
				}
				errs = append(errs, from.ip(ctx, "route %s blackhole %s/32", verb, to.address))
			}
			return errors.Join(errs...)
		}
	}
	return partition(ctx, s, o.whom(ctx, s.fleet, r), o.hold, routes("add"), routes("del"))
}

// partition does something to the machines of members, for a while.
func partition(ctx context.Context, s *scene, members []*member, hold time.Duration,
	do, undo func(ctx context.Context, nodes []*node) error) (*strike, error) {
	if len(members) == 0 {
		return nil, nil
	}
	st := &strike{hold: hold}
	if len(members) == 1 && members[0].part != partServer {
		st.pid = members[0].process().cmd.Process.Pid
		if err := s.awaitHeld(ctx, members[0], false); err != nil {
			return nil, err
		}
	}
	var nodes []*node
	for _, m := range members {
		nodes = append(nodes, s.fleet.net.(*apart).node(m.name))
		st.target += " " + m.name
	}
	var err error
	if st.hit, err = s.underWayAt(members[0].name); err != nil {
		return nil, err
	}
	st.heal = func(ctx context.Context) error { return undo(ctx, nodes) }
	return st, do(ctx, nodes)
}

// minority is the leader of the histories together with a process of each given part that has a machine of its own.
func minority(parts ...part) func(ctx context.Context, f *fleet, r *rand.Rand) []*member {
	return func(ctx context.Context, f *fleet, r *rand.Rand) []*member {
		members := leaderOf(streamHistory)(ctx, f, r)
		if len(members) == 0 {
			return nil
		}
		for _, m := range f.of(parts...) {
			if f.net.(*apart).node(m.name) != nil {
				members = append(members, m)
			}
		}
		return members
	}
}

// aProcess is a process of a part that has a machine of its own.
func aProcess(p part) func(ctx context.Context, f *fleet, r *rand.Rand) []*member {
	return func(_ context.Context, f *fleet, r *rand.Rand) []*member {
		members := f.of(p)
		for _, i := range r.Perm(len(members)) {
			if f.net.(*apart).node(members[i].name) != nil {
				return members[i : i+1]
			}
		}
		return nil
	}
}
