package streams

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
)

// The durability profiles: what an acknowledged write survives.
const (
	// ProfileDevelopment promises that it survives the death of any process.
	ProfileDevelopment = "development"
	// ProfileDurable promises that it survives the loss of power, too: the server flushes before it acknowledges.
	ProfileDurable = "durable"
	// ProfileReplicated promises that it survives the loss of a server, too: three servers or more, each of which flushes.
	ProfileReplicated = "replicated"
)

// Sync is what is known of when servers flush writes to their disks.
type Sync string

const (
	// SyncUnverified: nobody could be asked. A client cannot see it, unless it may ask the system account.
	SyncUnverified Sync = "unverified"
	// SyncAssumed: an operator has said that every write is flushed.
	SyncAssumed Sync = "assumed"
	// SyncAlways: the servers have said that they flush every write before they acknowledge it.
	SyncAlways Sync = "always"
	// SyncLazy: a server has said that it flushes from time to time.
	SyncLazy Sync = "lazy"
)

// Durability is what a namespace promises.
type Durability struct {
	// Profile is what was asked for when the namespace was created, or since: development unless anything was.
	Profile string
	// Sync is what was known then.
	Sync Sync
	// Replicas is the smallest number of servers that one of the namespace's streams is stored on.
	Replicas int
}

// Survives says in words what an acknowledged write survives.
func (d Durability) Survives() string {
	power := map[Sync]string{SyncAlways: "", SyncAssumed: ", if every server has sync_interval: always, as was said"}[d.Sync]
	switch d.Profile {
	case ProfileDurable:
		return "the death of any process and the loss of power" + power
	case ProfileReplicated:
		return fmt.Sprintf("the death of any process, the loss of power, and the loss of %d of %d servers%s", (d.Replicas-1)/2, d.Replicas, power)
	}
	if d.Replicas >= 3 {
		return fmt.Sprintf("the death of any process, and the loss of %d of %d servers, but not the loss of power", (d.Replicas-1)/2, d.Replicas)
	}
	return "the death of any process, but not the loss of power"
}

// CheckProfile refuses the name of a profile that there is not.
func CheckProfile(name string) error {
	if slices.Contains([]string{ProfileDevelopment, ProfileDurable, ProfileReplicated}, name) {
		return nil
	}
	return &InvalidError{Field: "durability profile", Value: name, Limit: "development, durable or replicated"}
}

// flushes says whether a profile needs servers that flush every write.
func flushes(profile string) bool { return profile == ProfileDurable || profile == ProfileReplicated }

// fewestReplicas is how many servers the replicated profile needs.
const fewestReplicas = 3

// check refuses a profile that servers which flush so cannot give. verified says that an unknown setting is refused, too.
func (d Durability) check(object string, verified bool) error {
	var differences []Difference
	if flushes(d.Profile) {
		switch {
		case d.Sync == SyncLazy:
			differences = append(differences, Difference{Field: "sync_interval", Ours: "always", Theirs: "an interval, so that acknowledged writes are lost with the power"})
		case d.Sync != SyncAlways && d.Sync != SyncAssumed && verified:
			differences = append(differences, Difference{Field: "sync_interval", Ours: "always",
				Theirs: "unverified (a client cannot see it: let the monitoring page or the system account be asked, or state it by --assume-sync)"})
		}
	}
	if d.Profile == ProfileReplicated && d.Replicas < fewestReplicas {
		differences = append(differences, Difference{Field: "num_replicas", Ours: fmt.Sprintf("%d or more", fewestReplicas), Theirs: jsonText(d.Replicas)})
	}
	if len(differences) > 0 {
		return &ConfigurationError{Object: fmt.Sprintf("%s with the %s profile", object, d.Profile), Differences: differences}
	}
	return nil
}

// Durability is what the namespace promises, as of when it was opened.
func (n *Namespace) Durability() Durability { return n.durability }

// CheckSync refuses what contradicts the namespace's profile: servers that are known to flush lazily cannot give more than
// development. The error matches ErrConfiguration.
func (n *Namespace) CheckSync(sync Sync) error {
	if sync != SyncLazy {
		return nil
	}
	d := n.durability
	d.Sync = sync
	return d.check("namespace "+n.name, true)
}

// syncPatience is how long servers have for telling how they flush.
const syncPatience = 300 * time.Millisecond

// ServerConfig is what a server's monitoring tells of its JetStream (`/jsz`, or `$SYS.REQ.SERVER.PING.JSZ`).
type ServerConfig struct {
	Disabled bool `json:"disabled"`
	Config   struct {
		SyncAlways bool `json:"sync_always"`
	} `json:"config"`
}

// Sync is how the server flushes.
func (c ServerConfig) Sync() Sync {
	if c.Config.SyncAlways {
		return SyncAlways
	}
	return SyncLazy
}

// AskSync asks the servers how they flush, by the system account. Connections of other accounts get no answer, which is
// SyncUnverified. One server that flushes lazily makes it SyncLazy.
func AskSync(ctx context.Context, nc *nats.Conn) (Sync, error) {
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return SyncUnverified, fmt.Errorf("ask servers how they flush: %w: %w", ErrUnavailable, err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only with the connection
	if err := nc.PublishRequest("$SYS.REQ.SERVER.PING.JSZ", inbox, []byte(`{"config":true}`)); err != nil {
		return SyncUnverified, fmt.Errorf("ask servers how they flush: %w: %w", ErrUnavailable, err)
	}
	ctx, cancel := context.WithTimeout(ctx, syncPatience)
	defer cancel()
	found := SyncUnverified
	for {
		m, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return found, nil // nobody else answers
		}
		var answer struct {
			Data ServerConfig `json:"data"`
		}
		if m.Header.Get(headerNATSStatus) == statusNoResponders || json.Unmarshal(m.Data, &answer) != nil {
			return found, nil
		}
		if answer.Data.Disabled {
			continue // it stores nothing
		}
		if found != SyncLazy {
			found = answer.Data.Sync()
		}
	}
}

// SetProfile changes what a namespace promises, after its servers were changed. It is refused when they cannot give it, with
// an error that matches ErrConfiguration.
func SetProfile(ctx context.Context, nc *nats.Conn, name, profile string, sync Sync) error {
	n, err := Open(ctx, nc, name)
	if err == nil {
		err = CheckProfile(profile)
	}
	if err != nil {
		return fmt.Errorf("set durability profile: %w", err)
	}
	d := Durability{Profile: profile, Sync: sync, Replicas: n.durability.Replicas}
	if err := d.check("namespace "+name, true); err != nil {
		return fmt.Errorf("set durability profile: %w", err)
	}
	if err := n.promise(ctx, d); err != nil {
		return fmt.Errorf("set durability profile of namespace %s: %w", name, err)
	}
	return nil
}

// promise replaces the profile in the namespace's registry entry.
func (n *Namespace) promise(ctx context.Context, d Durability) error {
	for {
		m, err := n.last(ctx, kvStreamPrefix+registryBucket, registryKey(n.name))
		if err != nil {
			return err
		}
		var entry registryEntry
		if err := json.Unmarshal(m.data, &entry); err != nil {
			return fmt.Errorf("%w: registry entry %.80q: %w", ErrConfiguration, m.data, err)
		}
		entry.Profile, entry.Sync = d.Profile, d.Sync
		data, err := json.Marshal(entry)
		if err != nil {
			return fmt.Errorf("encode registry entry: %w", err)
		}
		put := &nats.Msg{Subject: registryKey(n.name), Header: nats.Header{}, Data: data}
		expect(put.Header, "", m.seq)
		var refused *refusedError
		if _, err = n.putRetried(ctx, put); !errors.As(err, &refused) {
			return err
		}
	}
}
