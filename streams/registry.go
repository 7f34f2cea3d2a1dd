package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NamespaceInfo is a line of the registry of namespaces.
type NamespaceInfo struct {
	Name       string
	Partitions int
	Created    time.Time
	// Profile is the durability profile.
	Profile string
}

// registryEntry is a namespace's value in the registry bucket.
type registryEntry struct {
	Version    int       `json:"version"`
	Partitions int       `json:"partitions"`
	Hash       string    `json:"hash"`
	Created    time.Time `json:"created"`
	// Profile is the durability profile that was asked for, empty for development; Sync is what was known of the servers.
	Profile string `json:"profile,omitempty"`
	Sync    Sync   `json:"sync,omitempty"`
}

// durability is what the entry promises, for streams of so many replicas.
func (e registryEntry) durability(replicas int) Durability {
	d := Durability{Profile: e.Profile, Sync: e.Sync, Replicas: replicas}
	if d.Profile == "" {
		d.Profile = ProfileDevelopment
	}
	if d.Sync == "" {
		d.Sync = SyncUnverified
	}
	return d
}

// check says what about an entry this version cannot work with.
func (e registryEntry) check(name string) error {
	var differences []Difference
	if e.Version != formatVersion {
		differences = append(differences, Difference{Field: "version", Ours: jsonText(formatVersion), Theirs: jsonText(e.Version)})
	}
	if e.Hash != hashName {
		differences = append(differences, Difference{Field: "hash", Ours: jsonText(hashName), Theirs: jsonText(e.Hash)})
	}
	if e.Partitions < 1 || e.Partitions > maxPartitions {
		differences = append(differences, Difference{
			Field: "partitions", Ours: fmt.Sprintf("1 to %d", maxPartitions), Theirs: jsonText(e.Partitions)})
	}
	if len(differences) > 0 {
		return &ConfigurationError{Object: "namespace " + name, Differences: differences}
	}
	return nil
}

func registryKey(namespace string) string { return kvRoot + registryBucket + "." + namespace }

// readRegistry reads a namespace's entry. absentAt is, for one that is absent, the sequence that a create expects.
func (b broker) readRegistry(ctx context.Context, name string) (entry *registryEntry, absentAt uint64, err error) {
	m, err := b.last(ctx, kvStreamPrefix+registryBucket, registryKey(name))
	var missing *missingError
	if errors.As(err, &missing) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	if m.header.Get(headerKVOperation) != "" { // deleted or purged
		return nil, m.seq, nil
	}
	entry = &registryEntry{}
	if err := json.Unmarshal(m.data, entry); err != nil {
		return nil, 0, fmt.Errorf("%w: registry entry %.80q: %w", ErrConfiguration, m.data, err)
	}
	return entry, 0, nil
}

// register writes a namespace's entry unless there is one. The first entry decides the number of partitions, so it is
// written before any stream is created.
func (b broker) register(ctx context.Context, name string, entry registryEntry) error {
	for {
		found, absentAt, err := b.readRegistry(ctx, name)
		if err != nil {
			return err
		}
		if found != nil {
			return sameEntry(name, entry, *found)
		}
		data, err := json.Marshal(entry)
		if err != nil {
			return fmt.Errorf("encode registry entry: %w", err)
		}
		m := &nats.Msg{Subject: registryKey(name), Header: nats.Header{}, Data: data}
		expect(m.Header, "", absentAt)
		_, err = b.putRetried(ctx, m)
		var refused *refusedError
		if errors.As(err, &refused) {
			continue // by now there is one: ours, whose acknowledgement was lost, or somebody else's
		}
		return err
	}
}

func sameEntry(name string, ours, theirs registryEntry) error {
	if err := theirs.check(name); err != nil {
		return err
	}
	if ours.Partitions != theirs.Partitions {
		return &ConfigurationError{Object: "namespace " + name, Differences: []Difference{
			{Field: "partitions", Ours: jsonText(ours.Partitions), Theirs: jsonText(theirs.Partitions)}}}
	}
	return nil
}

// Namespaces lists the namespaces of the broker by name.
func Namespaces(ctx context.Context, nc *nats.Conn) ([]NamespaceInfo, error) {
	b := broker{nc: nc}
	var all []NamespaceInfo
	var bad error
	err := b.scan(ctx, kvStreamPrefix+registryBucket, kvRoot+registryBucket+".>", 1, scanBatch, func(m *stored) bool {
		if m.header.Get(headerKVOperation) != "" {
			return true
		}
		name := strings.TrimPrefix(m.subject, registryKey(""))
		if strings.Contains(name, ".") {
			return true // beside a namespace's own entry
		}
		var e registryEntry
		if err := json.Unmarshal(m.data, &e); err != nil {
			bad = fmt.Errorf("%w: registry entry of namespace %s: %w", ErrConfiguration, name, err)
			return false
		}
		all = append(all, NamespaceInfo{Name: name, Partitions: e.Partitions, Created: e.Created, Profile: e.durability(0).Profile})
		return true
	})
	var missing *missingError
	if errors.As(err, &missing) {
		return nil, nil // no registry: no namespace was ever created
	}
	if err = errors.Join(err, bad); err != nil {
		return nil, fmt.Errorf("list namespaces: %w", err)
	}
	slices.SortFunc(all, func(a, b NamespaceInfo) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// streamInfo is the state of a stream; a missing one is a missingError.
func (b broker) streamInfo(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	var info jetstream.StreamInfo
	if err := b.api(ctx, "STREAM.INFO."+name, nil, &info); err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", name, err)
	}
	return &info, nil
}

func (b broker) createStream(ctx context.Context, cfg jetstream.StreamConfig) error {
	if err := b.api(ctx, "STREAM.CREATE."+cfg.Name, cfg, nil); err != nil {
		return fmt.Errorf("create stream %s: %w", cfg.Name, err)
	}
	return nil
}
