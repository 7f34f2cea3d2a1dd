package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// killMember kills a process with SIGKILL and starts another in its place at once.
type killMember struct {
	name  verify.FaultKind
	parts []part
}

func (k killMember) kind() verify.FaultKind { return k.name }

func (k killMember) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	m := claim(r, s.fleet.of(k.parts...))
	if m == nil {
		return nil, nil
	}
	if err := s.awaitHeld(ctx, m, false); err != nil {
		return nil, err
	}
	before := s.load.asking.Load()
	pid := m.process().cmd.Process.Pid
	if err := m.kill(); err != nil {
		return nil, err
	}
	hit, err := s.struck(m)
	err = errors.Join(err, s.countKilled(m))
	if m.part == partDaemon && before > 0 {
		hit = fmt.Sprintf("%d requests that the daemon had to answer", before)
	}
	return &strike{target: m.name, pid: pid, hit: hit, heal: func(ctx context.Context) error {
		defer m.release()
		return m.start(ctx)
	}}, err
}

const (
	// heldSoon is how long a fault waits for its moment: work comes back some seconds after the fault before it.
	heldSoon = 5 * time.Second
	// mostKilled is how many processes are killed while they decide one and the same run. Who waits for a decision to
	// begin finds that of the run whose process was killed last: it is delivered again, and has the process to itself. When
	// four have died of nothing else the engine takes the run for poison, rightly by all that it can know.
	mostKilled = 2
)

// awaitHeld waits for the moment to befall a member: when it holds something, or executes an activity if that is asked for.
// If that does not come soon, any will do in which it decides no run that has had its share.
func (s *scene) awaitHeld(ctx context.Context, m *member, toExecute bool) error {
	soon := time.Now().Add(heldSoon)
	for {
		executing, deciding, err := m.inFlight()
		held := executing > 0 || len(deciding) > 0 && !toExecute || m.part == partDaemon && s.load.asking.Load() > 0
		if err != nil || (held || time.Now().After(soon)) && !s.spares(deciding) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// spares says whether one of the runs has had its share of killed processes.
func (s *scene) spares(runs []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(runs, func(run string) bool { return s.killed[run] >= mostKilled })
}

// countKilled notes which runs a member's process decided when it was killed.
func (s *scene) countKilled(m *member) error {
	_, deciding, err := m.inFlight()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, run := range deciding {
		s.killed[run]++
	}
	return err
}

// struck says what a member's process has begun and not ended.
func (s *scene) struck(m *member) (string, error) {
	executing, deciding, err := m.inFlight()
	if executing+len(deciding) == 0 || err != nil {
		return "", err
	}
	return fmt.Sprintf("%d activities, %d decisions", executing, len(deciding)), nil
}

// underWay says what waits for the servers.
func (s *scene) underWay() (string, error) {
	executing, err := s.fleet.executing()
	waiting := s.load.waiting.Load()
	if int64(executing)+waiting == 0 || err != nil {
		return "", err
	}
	return fmt.Sprintf("%d requests, %d activities", waiting, executing), nil
}

// underWayAt says what a member holds: a server what waits for all of them, a worker what it has begun, the clients their
// requests.
func (s *scene) underWayAt(name string) (string, error) {
	for _, m := range s.fleet.of(partWorker, partCoordinator, partActivities) {
		if m.name == name {
			return s.struck(m)
		}
	}
	return s.underWay()
}

// killServers kills servers with SIGKILL: the one that choose names, or all.
type killServers struct {
	name verify.FaultKind
	// choose gives the servers to kill, none when that cannot be said just now.
	choose func(ctx context.Context, f *fleet, r *rand.Rand) []*member
	// down is for how long they stay down.
	down time.Duration
}

func (k killServers) kind() verify.FaultKind { return k.name }

func (k killServers) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	victims := k.choose(ctx, s.fleet, r)
	if len(victims) == 0 {
		return nil, nil
	}
	hit, err := s.underWay()
	if err != nil {
		return nil, err
	}
	st := &strike{hit: hit, hold: k.down}
	for _, m := range victims {
		st.target += " " + m.name
		if err := m.kill(); err != nil {
			return nil, err
		}
	}
	st.heal = func(ctx context.Context) error { return startAll(ctx, victims) }
	return st, nil
}

// startAll starts members side by side: servers of a cluster wait for each other.
func startAll(ctx context.Context, members []*member) error {
	errs := make(chan error, len(members))
	for _, m := range members {
		go func() { errs <- m.start(ctx) }()
	}
	var all error
	for range members {
		all = errors.Join(all, <-errs)
	}
	return all
}

func anyServer(_ context.Context, f *fleet, r *rand.Rand) []*member {
	servers := f.of(partServer)
	return servers[r.IntN(len(servers)):][:1]
}

func allServers(_ context.Context, f *fleet, _ *rand.Rand) []*member { return f.of(partServer) }
