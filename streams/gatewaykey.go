package streams

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// gatewayKeySize is the size in bytes of the key of a gateway.
const gatewayKeySize = 32

// gatewayKeyKey is beside the namespace's own entry in the registry, whose name has no dot.
func (n *Namespace) gatewayKeyKey() string { return registryKey(n.name) + ".gateway" }

// GatewayKey is the secret by which the daemons that serve the namespace's gateway recognize what they have handed out.
// The first of them chooses it. Whoever can read the registry can read it.
func (n *Namespace) GatewayKey(ctx context.Context) ([]byte, error) {
	key := make([]byte, gatewayKeySize)
	rand.Read(key) // never fails
	for {
		m, err := n.last(ctx, kvStreamPrefix+registryBucket, n.gatewayKeyKey())
		var missing *missingError
		var absentAt uint64
		switch {
		case errors.As(err, &missing):
		case err != nil:
			return nil, fmt.Errorf("read gateway key of namespace %s: %w", n.name, err)
		case m.header.Get(headerKVOperation) != "": // deleted, to have another one chosen
			absentAt = m.seq
		case len(m.data) != gatewayKeySize:
			return nil, fmt.Errorf("%w: gateway key of namespace %s has %d bytes, must have %d: delete it to have another one chosen",
				ErrConfiguration, n.name, len(m.data), gatewayKeySize)
		default:
			return m.data, nil
		}
		put := &nats.Msg{Subject: n.gatewayKeyKey(), Header: nats.Header{}, Data: key}
		expect(put.Header, "", absentAt)
		_, err = n.putRetried(ctx, put)
		var refused *refusedError
		if err != nil && !errors.As(err, &refused) {
			return nil, fmt.Errorf("choose gateway key of namespace %s: %w", n.name, err)
		}
		// Stored or refused, the one that is there counts.
	}
}
