package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
)

// deploymentsKey is beside the namespace's own entry in the registry, whose name has no dot.
func (n *Namespace) deploymentsKey() string { return registryKey(n.name) + ".deployments" }

// ReadDeployments returns the table of deployments, nil for none, and its revision.
func (n *Namespace) ReadDeployments(ctx context.Context) (data []byte, revision uint64, err error) {
	m, err := n.last(ctx, kvStreamPrefix+registryBucket, n.deploymentsKey())
	var missing *missingError
	if errors.As(err, &missing) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read deployments of namespace %s: %w", n.name, err)
	}
	return m.data, m.seq, nil
}

// WriteDeployments replaces the table, which must have the given revision: otherwise it fails with ErrConflict. It returns
// the new revision.
func (n *Namespace) WriteDeployments(ctx context.Context, data []byte, revision uint64) (uint64, error) {
	m := &nats.Msg{Subject: n.deploymentsKey(), Header: nats.Header{}, Data: data}
	expect(m.Header, "", revision)
	seq, err := n.putRetried(ctx, m)
	var refused *refusedError
	if errors.As(err, &refused) {
		err = ErrConflict
	}
	if err != nil {
		return 0, fmt.Errorf("write deployments of namespace %s: %w", n.name, err)
	}
	return seq, nil
}
