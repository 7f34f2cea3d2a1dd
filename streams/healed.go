package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// Healed is how often something was put right by one measure.
type Healed struct {
	Count uint64 `json:"count"`
	// Last is when that was last, and Object what.
	Last   time.Time `json:"last"`
	Object string    `json:"object,omitempty"`
}

// Plus is h and what came after it.
func (h Healed) Plus(later Healed) Healed {
	later.Count += h.Count
	if later.Last.Before(h.Last) {
		later.Last, later.Object = h.Last, h.Object
	}
	return later
}

// healedKey is beside the namespace's own entry in the registry, whose name has no dot.
func (n *Namespace) healedKey() string { return registryKey(n.name) + ".healed" }

// Healed is what healers have put right in the namespace since it was created, by measure.
func (n *Namespace) Healed(ctx context.Context) (map[string]Healed, error) {
	all, _, err := n.readHealed(ctx)
	if err != nil {
		return nil, fmt.Errorf("read what was healed in namespace %s: %w", n.name, err)
	}
	return all, nil
}

// readHealed also returns the sequence that a replacement expects.
func (n *Namespace) readHealed(ctx context.Context) (map[string]Healed, uint64, error) {
	m, err := n.last(ctx, kvStreamPrefix+registryBucket, n.healedKey())
	if isNoMessage(err) {
		return map[string]Healed{}, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	return decodeHealed(m.data), m.seq, nil
}

// decodeHealed takes what cannot be read for nothing: it is only for show.
func decodeHealed(data []byte) map[string]Healed {
	all := map[string]Healed{}
	if json.Unmarshal(data, &all) != nil || all == nil {
		return map[string]Healed{}
	}
	return all
}

// NoteHealed adds to Healed. When its answer is lost the same may be counted twice.
func (n *Namespace) NoteHealed(ctx context.Context, by map[string]Healed) error {
	for {
		all, seq, err := n.readHealed(ctx)
		if err != nil {
			return fmt.Errorf("note what was healed in namespace %s: %w", n.name, err)
		}
		for measure, h := range by {
			all[measure] = all[measure].Plus(h)
		}
		data, err := json.Marshal(all)
		if err != nil {
			return fmt.Errorf("encode what was healed: %w", err)
		}
		m := &nats.Msg{Subject: n.healedKey(), Header: nats.Header{}, Data: data}
		expect(m.Header, "", seq)
		var refused *refusedError
		if _, err = n.putRetried(ctx, m); errors.As(err, &refused) {
			continue // another daemon has noted something, or this is a repetition
		}
		if err != nil {
			return fmt.Errorf("note what was healed in namespace %s: %w", n.name, err)
		}
		return nil
	}
}
