// Package ask is how clients and workers speak to a namespace's gateway: one call for each request, repeated until there is
// a definite answer.
package ask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/streams"
)

const (
	// patience bounds the repetition of a request that is not to wait for ever: the daemon may be starting, the broker may
	// be choosing a leader.
	patience = 60 * time.Second
	// answerTime is what an answer may take, and lateness what one may take beyond the time that its request is to wait.
	answerTime = 5 * time.Second
	lateness   = 3 * time.Second
	// LongWait is how long a request waits at the gateway for something to happen. It is short, because an answer does not
	// come late when a daemon dies: it does not come.
	LongWait = 5 * time.Second

	firstPause = 10 * time.Millisecond
	lastPause  = time.Second
)

// Caller asks a namespace's gateway. It is safe for concurrent use.
type Caller struct{ gateway *streams.Gateway }

// New returns a Caller.
func New(g *streams.Gateway) *Caller { return &Caller{gateway: g} }

// Namespace is the name of the namespace.
func (c *Caller) Namespace() string { return c.gateway.Name() }

// Call asks for a verb until there is a definite answer, which it decodes into out unless that is nil. The request is to
// wait at the gateway for as long as wait says. It gives up when ctx ends and, for a request that does not wait, after a
// minute. Errors are those of package api/serviceerror, wrapped, or the context's.
func (c *Caller) Call(ctx context.Context, verb gatewire.Verb, queue string, wait time.Duration, in, out any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode request %s: %w", verb, err)
	}
	timeout := wait + lateness
	var over <-chan time.Time
	if wait == 0 {
		timeout = answerTime
		timer := time.NewTimer(patience)
		defer timer.Stop()
		over = timer.C
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		again, err := c.once(ctx, verb, queue, timeout, data, out)
		if !again {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-over:
			return err
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// Once is Call without repetition.
func (c *Caller) Once(ctx context.Context, verb gatewire.Verb, queue string, timeout time.Duration, in, out any) error {
	data, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode request %s: %w", verb, err)
	}
	_, err = c.once(ctx, verb, queue, timeout, data, out)
	return err
}

// once asks one time, and says whether that is worth a repetition.
func (c *Caller) once(ctx context.Context, verb gatewire.Verb, queue string, timeout time.Duration, data []byte, out any) (again bool, err error) {
	answer, err := c.gateway.Ask(ctx, verb.OnWire(), queue, data, timeout)
	if err != nil {
		e := gatewire.ErrorOf(err)
		return e.Again() && ctx.Err() == nil, e.ServiceError()
	}
	var head struct {
		Error *gatewire.Error `json:"error"`
	}
	if err := json.Unmarshal(answer, &head); err != nil {
		return false, fmt.Errorf("gateway answers %s with %.80q: %w", verb, answer, err)
	}
	if head.Error != nil {
		return head.Error.Again(), head.Error.ServiceError()
	}
	if out == nil {
		return false, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return false, fmt.Errorf("gateway answers %s with %.80q: %w", verb, answer, err)
	}
	return false, nil
}
