package streams

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// openParallel bounds the requests that Open has under way.
const openParallel = 8

// Open reads the namespace's registry entry and compares its streams with what they must be. It returns
// ErrNamespaceNotFound for a namespace that was not created, and a ConfigurationError for each stream that is missing
// or differs, or when the streams cannot give what the namespace promises. nc must stay open as long as the Namespace is used; closing it is all there is to clean up.
func Open(ctx context.Context, nc *nats.Conn, name string) (*Namespace, error) {
	n, entry, err := registered(ctx, nc, name)
	if err != nil {
		return nil, fmt.Errorf("open namespace %s: %w", name, err)
	}
	infos, err := n.inspect(ctx)
	if err != nil {
		return nil, fmt.Errorf("open namespace %s: %w", name, err)
	}
	n.durability = entry.durability(fewest(infos))
	if err := n.durability.check("namespace "+name, false); err != nil {
		return nil, fmt.Errorf("open namespace %s: %w", name, err)
	}
	n.direct = true
	grouped := map[string]bool{}
	for _, info := range infos {
		n.direct = n.direct && directReads(info.Config.Replicas)
		grouped[info.Config.Name] = groups(info.Config)
	}
	for i := range n.partitions {
		p := &n.partitions[i]
		if grouped[p.history] {
			p.group = newGroup(n.broker)
		}
		if n.direct {
			p.looks = &looks{broker: n.broker, stream: p.streamNames.inbox, alone: looksAlone}
			p.keyLooks = &looks{broker: n.broker, stream: p.heartbeats, alone: looksAlone}
		}
	}
	return n, nil
}

// registered is a namespace as its registry entry says. Of its streams nothing is known yet.
func registered(ctx context.Context, nc *nats.Conn, name string) (*Namespace, *registryEntry, error) {
	if err := CheckNamespace(name); err != nil {
		return nil, nil, err
	}
	b := broker{nc: nc}
	entry, _, err := b.readRegistry(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if entry == nil {
		return nil, nil, fmt.Errorf("%w: create it with: millrace namespace create %s", ErrNamespaceNotFound, name)
	}
	if err := entry.check(name); err != nil {
		return nil, nil, err
	}
	b.link = newLink(nc, noticesSubject(name))
	n := &Namespace{broker: b, name: name, created: entry.Created, limits: LimitsOf(nc.MaxPayload()),
		instance: uuid.NewString()}
	for p := range entry.Partitions {
		names := namesOf(name, p)
		n.partitions = append(n.partitions, partition{
			partitionSubjects: partitionSubjects{partitionPrefix(name, p)}, streamNames: names,
			records: newWitness(names.history), messages: newWitness(names.inbox),
			marks: newMarks(),
		})
	}
	return n, entry, nil
}

// inspect looks at every stream of the namespace and refuses what is missing or different.
func (n *Namespace) inspect(ctx context.Context) ([]*jetstream.StreamInfo, error) {
	configs := blueprint{n.name, len(n.partitions), 0, false}.configs()
	infos := make([]*jetstream.StreamInfo, len(configs))
	errs := make([]error, len(configs))
	slots := make(chan struct{}, openParallel)
	var wg sync.WaitGroup
	for i, cfg := range configs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			infos[i], errs[i] = n.inspectStream(ctx, cfg)
		})
	}
	wg.Wait()
	return infos, errors.Join(errs...)
}

func (n *Namespace) inspectStream(ctx context.Context, cfg jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	info, err := n.streamInfo(ctx, cfg.Name)
	var missing *missingError
	if errors.As(err, &missing) {
		return nil, fmt.Errorf("stream %s is missing (%w): complete the namespace with: millrace namespace create %s",
			cfg.Name, ErrConfiguration, n.name)
	}
	if err != nil {
		return nil, err
	}
	differences, err := compareStream(storedOn(cfg, info.Config.Replicas), info.Config)
	if err == nil && len(differences) > 0 {
		err = &ConfigurationError{Object: "stream " + cfg.Name, Differences: differences}
	}
	return info, err
}

// fewest is the smallest number of servers that one of the streams is stored on.
func fewest(infos []*jetstream.StreamInfo) int {
	replicas := 0
	for _, info := range infos {
		if replicas == 0 || info.Config.Replicas < replicas {
			replicas = info.Config.Replicas
		}
	}
	return replicas
}
