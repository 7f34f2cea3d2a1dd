package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// frozenInCut stops a process that holds something, cuts a server off, and lets both go on: the process first, which finds
// the network cut, or the network first, where the process finds that everything has gone on.
type frozenInCut struct {
	freezeMember
	server func(ctx context.Context, f *fleet, r *rand.Rand) []*member
}

func (z frozenInCut) kind() verify.FaultKind { return z.name }

// between is how long the one goes on before the other.
const between = 2 * time.Second

func (z frozenInCut) inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error) {
	frozen, err := z.freezeMember.inject(ctx, s, r)
	if frozen == nil || err != nil {
		return nil, err
	}
	severed, err := cut{z.name, z.server, z.hold}.inject(ctx, s, r)
	if severed == nil || err != nil {
		return nil, errors.Join(err, frozen.heal(ctx))
	}
	frozen.target += " while" + severed.target + " is cut off"
	first, second := frozen.heal, severed.heal
	if r.IntN(2) == 0 {
		first, second = second, first
	}
	frozen.heal = func(ctx context.Context) error {
		err := first(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(between):
		}
		return errors.Join(err, second(ctx))
	}
	return frozen, nil
}
