package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// freezeMember stops a process with SIGSTOP for longer than others wait for it, and lets it go on as if nothing had
// happened: a zombie, which believes that what it held is still its own.
type freezeMember struct {
	name  verify.FaultKind
	parts []part
	hold  time.Duration
	// executing says that the process must hold an activity: a decision is not enough.
	executing bool
}

func (z freezeMember) kind() verify.FaultKind { return z.name }

func (z freezeMember) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	m := claim(r, s.fleet.of(z.parts...))
	if m == nil {
		return nil, nil
	}
	c := m.process()
	if err := s.awaitHeld(ctx, m, z.executing); err != nil {
		return nil, err
	}
	if err := c.freeze(); err != nil {
		return nil, err
	}
	hit, err := s.struck(m)
	return &strike{target: m.name, pid: c.cmd.Process.Pid, hit: hit, hold: z.hold, heal: func(context.Context) error {
		defer m.release()
		return c.thaw()
	}}, err
}

// freezeServer stops a server: the one that whom names.
type freezeServer struct {
	name verify.FaultKind
	whom func(ctx context.Context, f *fleet, r *rand.Rand) []*member
	hold time.Duration
}

func (z freezeServer) kind() verify.FaultKind { return z.name }

func (z freezeServer) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	victims := z.whom(ctx, s.fleet, r)
	if len(victims) == 0 {
		return nil, nil
	}
	hit, err := s.underWay()
	if err != nil {
		return nil, err
	}
	c := victims[0].process()
	if err := c.freeze(); err != nil {
		return nil, err
	}
	return &strike{target: victims[0].name, hit: hit, hold: z.hold, heal: func(context.Context) error {
		return c.thaw()
	}}, nil
}

const (
	streamHistory = "HISTORY"
	streamInbox   = "INBOX"
	streamTasks   = "TASKS"
)

// leaderOf chooses the server that leads a stream.
func leaderOf(stream string) func(ctx context.Context, f *fleet, r *rand.Rand) []*member {
	return func(ctx context.Context, f *fleet, _ *rand.Rand) []*member {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		name, err := f.leader(ctx, stream)
		if err != nil {
			return nil // there is none just now
		}
		for _, m := range f.of(partServer) {
			if m.name == name {
				return []*member{m}
			}
		}
		return nil
	}
}

// apiStream is a stream's name as the broker has it.
func apiStream(stream string) string { return fmt.Sprintf("MILLRACE_%s_0_%s", namespace, stream) }
