package streams

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxPartitions bounds what a namespace asks of the broker: four streams for each.
const maxPartitions = 256

// CreateOptions describe a namespace to create.
type CreateOptions struct {
	// Partitions is fixed for ever; 0 means 1 for a new namespace and "as it is" for an existing one. At most 256.
	Partitions int
	// Replicas is the number of servers that store each new stream, 1 to 5. 0 means 3 when the connection knows of a
	// cluster of three servers or more, else 1. Streams that exist keep theirs.
	Replicas int
	// GroupCommit lets the writes of many runs to a new HISTORY share a flush to disk. It is for brokers that flush every
	// write before they acknowledge it (sync_interval: always); where they do not it costs more than it earns. Replicated
	// streams group their writes anyway. Streams that exist keep what they have.
	GroupCommit bool
	// Profile is the durability profile to promise: ProfileDevelopment, ProfileDurable or ProfileReplicated, which needs three
	// replicas. Empty means development for a new namespace and "as it is" for an existing one.
	Profile string
	// Sync is what is known of how the servers flush; what flushes lazily, or is unverified, cannot promise more than
	// development.
	Sync Sync
}

func (o CreateOptions) check() error {
	if o.Profile != "" {
		if err := CheckProfile(o.Profile); err != nil {
			return err
		}
	}
	if o.Partitions < 0 || o.Partitions > maxPartitions {
		return &InvalidError{Field: "partitions", Value: strconv.Itoa(o.Partitions), Limit: fmt.Sprintf("1 to %d", maxPartitions)}
	}
	if o.Replicas < 0 || o.Replicas > 5 {
		return &InvalidError{Field: "replicas", Value: strconv.Itoa(o.Replicas), Limit: "1 to 5"}
	}
	return nil
}

// Plan is what Apply would do to make a namespace complete.
type Plan struct {
	Namespace  string
	Partitions int
	// Replicas is the number of servers that store each stream which the plan creates, GroupCommit whether writes to
	// those that hold histories are grouped.
	Replicas    int
	GroupCommit bool
	// Durability is what the namespace promises, or will.
	Durability Durability
	// Changes are in the order in which Apply makes them. An empty list means that the namespace is complete.
	Changes []Change

	broker broker
}

// Change is one line of a plan: an object that is missing, or one that differs.
type Change struct {
	// Object is "stream NAME" or "namespace NAME".
	Object string
	// Create says that the object is missing and that Apply creates it. Otherwise it exists and differs, and Apply
	// refuses.
	Create bool
	// Detail says in words what is created.
	Detail      string
	Differences []Difference

	config *jetstream.StreamConfig // nil for the registry entry
}

// PlanNamespace compares what the broker has with what the namespace needs. It changes nothing.
func PlanNamespace(ctx context.Context, nc *nats.Conn, name string, o CreateOptions) (*Plan, error) {
	if err := errors.Join(CheckNamespace(name), o.check()); err != nil {
		return nil, fmt.Errorf("plan namespace: %w", err)
	}
	b := broker{nc: nc}
	p, err := b.plan(ctx, name, o)
	if err != nil {
		return nil, fmt.Errorf("plan namespace %s: %w", name, err)
	}
	return p, nil
}

func (b broker) plan(ctx context.Context, name string, o CreateOptions) (*Plan, error) {
	p := &Plan{Namespace: name, Partitions: max(o.Partitions, 1), Replicas: o.Replicas, GroupCommit: o.GroupCommit, broker: b}
	if p.Replicas == 0 {
		p.Replicas = b.defaultReplicas()
	}
	p.Durability = registryEntry{Profile: o.Profile, Sync: o.Sync}.durability(p.Replicas)
	if err := p.Durability.check("namespace "+name, true); err != nil {
		return nil, err
	}
	if err := p.compare(ctx, registryConfig(p.Replicas)); err != nil {
		return nil, err
	}
	entry, _, err := b.readRegistry(ctx, name)
	if err != nil {
		return nil, err
	}
	if entry == nil {
		p.Changes = append(p.Changes, Change{Object: "namespace " + name, Create: true,
			Detail: fmt.Sprintf("%d partitions, fixed for ever; %s profile", p.Partitions, p.Durability.Profile)})
	} else {
		if err := entry.check(name); err != nil {
			return nil, err
		}
		if o.Partitions > 0 && o.Partitions != entry.Partitions {
			p.Changes = append(p.Changes, Change{Object: "namespace " + name, Differences: []Difference{
				{Field: "partitions", Ours: jsonText(o.Partitions), Theirs: jsonText(entry.Partitions)}}})
		}
		p.Partitions = entry.Partitions
		p.compareProfile(o, *entry)
	}
	for _, cfg := range (blueprint{name, p.Partitions, p.Replicas, p.GroupCommit}).configs() {
		if err := p.compare(ctx, cfg); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// compareProfile adds to the plan that an existing namespace promises something else than is asked for.
func (p *Plan) compareProfile(o CreateOptions, entry registryEntry) {
	there := entry.durability(p.Replicas)
	if o.Profile != "" && o.Profile != there.Profile {
		p.Changes = append(p.Changes, Change{Object: "namespace " + p.Namespace, Differences: []Difference{
			{Field: "durability profile", Ours: jsonText(o.Profile), Theirs: jsonText(there.Profile)}}})
	}
	p.Durability = there
}

// defaultReplicas is 3 where the connection has heard of as many servers.
func (b broker) defaultReplicas() int {
	if b.nc.ConnectedClusterName() != "" && len(b.nc.Servers()) >= 3 {
		return 3
	}
	return 1
}

// compare adds to the plan what has to happen to one stream.
func (p *Plan) compare(ctx context.Context, cfg jetstream.StreamConfig) error {
	c := Change{Object: "stream " + cfg.Name, config: &cfg}
	info, err := p.broker.streamInfo(ctx, cfg.Name)
	var missing *missingError
	switch {
	case errors.As(err, &missing):
		c.Create = true
		c.Detail = fmt.Sprintf("%s; %d replicas", cfg.Description, cfg.Replicas)
	case err != nil:
		return err
	default:
		if c.Differences, err = compareStream(storedOn(cfg, info.Config.Replicas), info.Config); err != nil {
			return err
		}
		if len(c.Differences) == 0 {
			return nil
		}
	}
	p.Changes = append(p.Changes, c)
	return nil
}

// Conflicts are the changes that Apply refuses to make: objects that exist and differ.
func (p *Plan) Conflicts() []Change {
	var conflicts []Change
	for _, c := range p.Changes {
		if !c.Create {
			conflicts = append(conflicts, c)
		}
	}
	return conflicts
}

// Apply creates what is missing. It refuses, with a ConfigurationError for each and without changing anything, when
// anything differs. It never updates and never deletes. Several processes may apply equal plans at the same time, and
// one that was interrupted is completed by a new plan.
func (p *Plan) Apply(ctx context.Context) error {
	var refusals []error
	for _, c := range p.Conflicts() {
		refusals = append(refusals, &ConfigurationError{Object: c.Object, Differences: c.Differences})
	}
	err := errors.Join(refusals...)
	for i := 0; err == nil && i < len(p.Changes); i++ {
		err = p.make(ctx, p.Changes[i])
	}
	if err != nil {
		return fmt.Errorf("create namespace %s: %w", p.Namespace, err)
	}
	return nil
}

func (p *Plan) make(ctx context.Context, c Change) error {
	if c.config == nil {
		return p.broker.register(ctx, p.Namespace, registryEntry{
			Version: formatVersion, Partitions: p.Partitions, Hash: hashName, Created: time.Now().UTC().Truncate(time.Millisecond),
			Profile: p.Durability.Profile, Sync: p.Durability.Sync,
		})
	}
	err := p.broker.createStream(ctx, *c.config)
	var exists *existsError
	if !errors.As(err, &exists) {
		return err
	}
	// Somebody created it since the plan was made, perhaps with other replicas than ours.
	info, err := p.broker.streamInfo(ctx, c.config.Name)
	if err != nil {
		return err
	}
	differences, err := compareStream(storedOn(*c.config, info.Config.Replicas), info.Config)
	if err == nil && len(differences) > 0 {
		err = &ConfigurationError{Object: c.Object, Differences: differences}
	}
	return err
}
