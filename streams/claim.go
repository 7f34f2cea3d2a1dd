package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// Claim makes claimer the only holder of an activity, for ever, unless someone holds it already, and returns who holds
// it: claimer must be a text that nobody else uses. It is stored beside the history, as durable as that.
func (n *Namespace) Claim(ctx context.Context, run history.Run, activity int64, claimer string) (holder string, err error) {
	if err := checkActivity(run, activity); err != nil {
		return "", fmt.Errorf("claim activity %d of run %s: %w", activity, run, err)
	}
	p := n.at(run.WorkflowID)
	m := &nats.Msg{Subject: p.claim(run, activity), Header: nats.Header{}, Data: []byte(claimer)}
	expect(m.Header, "", 0)
	var patience patience
	for {
		_, err := n.putRetried(ctx, m)
		if err == nil {
			return claimer, nil
		}
		var refused *refusedError
		if errors.As(err, &refused) {
			var held *stored
			if held, err = n.last(ctx, p.history, m.Subject); err == nil {
				return string(held.data), nil
			}
		}
		// A refusal and then no claim: the read was answered by a leader that has just been replaced.
		if !isNoMessage(err) {
			return "", fmt.Errorf("claim activity %d of run %s: %w", activity, run, err)
		}
		if err := patience.wait(ctx, err); err != nil {
			return "", fmt.Errorf("claim activity %d of run %s: %w", activity, run, err)
		}
	}
}
