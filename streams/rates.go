package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

// rateKey is beside the namespace's own entry in the registry, like the deployments.
func (n *Namespace) rateKey(queue string) string {
	return registryKey(n.name) + ".rate." + EncodeToken(queue)
}

// TakeTurns books turns on a task queue, each of the given length, after all that were booked before, and not before now. It
// returns when the first begins. Who books and dies leaves a gap, no debt.
func (n *Namespace) TakeTurns(ctx context.Context, queue string, turns int, length time.Duration) (first time.Time, err error) {
	for {
		first, err = n.takeTurns(ctx, queue, time.Duration(turns)*length)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return first, fmt.Errorf("book turns of task queue %s: %w", queue, err)
		}
		return first, nil
	}
}

func (n *Namespace) takeTurns(ctx context.Context, queue string, length time.Duration) (time.Time, error) {
	first := time.Now()
	m, err := n.last(ctx, kvStreamPrefix+registryBucket, n.rateKey(queue))
	var missing *missingError
	revision := uint64(0)
	switch {
	case errors.As(err, &missing):
	case err != nil:
		return first, err
	default:
		revision = m.seq
		booked, err := strconv.ParseInt(string(m.data), 10, 64)
		if err != nil {
			return first, fmt.Errorf("entry of the registry: %w", err)
		}
		if until := time.Unix(0, booked); until.After(first) {
			first = until
		}
	}
	put := &nats.Msg{Subject: n.rateKey(queue), Header: nats.Header{}, Data: strconv.AppendInt(nil, first.Add(length).UnixNano(), 10)}
	expect(put.Header, "", revision)
	_, err = n.putRetried(ctx, put)
	var refused *refusedError
	if errors.As(err, &refused) {
		err = ErrConflict
	}
	return first, err
}
