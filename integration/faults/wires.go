package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/integration/faults/proxy"
	"github.com/millrace-dev/millrace/integration/verify"
)

// wired is loopback with a proxy of each member's own in front of each server.
type wired struct {
	loopback
	mu    sync.Mutex // guards wires
	wires map[string][]*proxy.Proxy
}

func newWired() *wired { return &wired{wires: map[string][]*proxy.Proxy{}} }

// url is that of the member's proxies, which stay when its process is replaced.
func (w *wired) url(member string, servers []string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	host, _ := w.serverHost(0)
	for i := len(w.wires[member]); i < len(servers); i++ {
		p, err := proxy.Listen(host+":0", servers[i])
		if err != nil {
			return "", err
		}
		w.wires[member] = append(w.wires[member], p)
	}
	var addresses []string
	for _, p := range w.wires[member] {
		addresses = append(addresses, p.Address())
	}
	return join(addresses), nil
}

func (w *wired) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var errs []error
	for _, wires := range w.wires {
		for _, p := range wires {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}

// pick chooses somebody who is connected.
func (w *wired) pick(r *rand.Rand) (string, []*proxy.Proxy) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for name := range w.wires {
		names = append(names, name)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "", nil
	}
	name := names[r.IntN(len(names))]
	return name, w.wires[name]
}

// badWire makes the connections of one process, or of the clients, slow, silent or half dead for a while.
type badWire struct {
	name verify.FaultKind
	mode proxy.Mode
	hold time.Duration
	// cut breaks the connections as well: at the beginning without a mode, else at the end.
	cut bool
}

func (b badWire) kind() verify.FaultKind { return b.name }

func (b badWire) inject(_ context.Context, s *scene, r *rand.Rand) (*strike, error) {
	w, ok := s.fleet.net.(*wired)
	if !ok {
		return nil, fmt.Errorf("the fleet has no proxies")
	}
	name, wires := w.pick(r)
	if len(wires) == 0 {
		return nil, nil
	}
	hit, err := s.underWayAt(name)
	if err != nil {
		return nil, err
	}
	for _, p := range wires {
		if b.cut && b.mode == (proxy.Mode{}) {
			p.Cut()
		}
		p.Set(b.mode)
	}
	return &strike{target: "wires of " + name, hit: hit, hold: b.hold, heal: func(context.Context) error {
		for _, p := range wires {
			p.Set(proxy.Mode{})
			if b.cut {
				p.Cut()
			}
		}
		return nil
	}}, nil
}
