package streams

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// formatVersion is the layout of streams and subjects that this version writes and reads.
const formatVersion = 1

// hashName names the hash that assigns workflow IDs to partitions.
const hashName = "fnv1a-64"

const (
	registryBucket = "MILLRACE_NAMESPACES"
	kvStreamPrefix = "KV_"
	kvRoot         = "$KV."

	// dedupWindow is how long the broker remembers message IDs, at about 150 bytes each. It saves repeated messages,
	// and no decision relies on it.
	dedupWindow = 30 * time.Second

	deadLetterAge   = 7 * 24 * time.Hour
	deadLetterBytes = 1 << 30
)

// streamNames are the names of a partition's streams.
type streamNames struct {
	history, inbox, tasks, heartbeats string
}

func namesOf(namespace string, partition int) streamNames {
	prefix := fmt.Sprintf("MILLRACE_%s_%d_", namespace, partition)
	return streamNames{
		history: prefix + "HISTORY", inbox: prefix + "INBOX", tasks: prefix + "TASKS",
		heartbeats: kvStreamPrefix + prefix + "HEARTBEATS",
	}
}

func deadLetterStream(namespace string) string { return "MILLRACE_" + namespace + "_DEADLETTER" }
func intakeStream(namespace string) string     { return "MILLRACE_" + namespace + "_INTAKE" }

// blueprint is what the streams of a namespace are made of.
type blueprint struct {
	namespace            string
	partitions, replicas int
	groupCommit          bool
}

// configs are the configurations of all streams of the namespace.
func (b blueprint) configs() []jetstream.StreamConfig {
	all := []jetstream.StreamConfig{b.intake(), b.deadLetters(), b.payloads()}
	for p := range b.partitions {
		all = append(all, b.history(p), b.inbox(p), b.tasks(p), b.heartbeats(p))
	}
	return all
}

// base is what all streams have in common: files, no limits, nothing that deletes by itself.
func (b blueprint) base(name, description string, subjects ...string) jetstream.StreamConfig {
	return storedOn(jetstream.StreamConfig{
		Name: name, Description: description, Subjects: subjects,
		Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Discard: jetstream.DiscardNew,
		MaxConsumers: -1, MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1,
		Duplicates: dedupWindow, DenyDelete: true,
		Metadata: map[string]string{
			"millrace.namespace":  b.namespace,
			"millrace.format":     strconv.Itoa(formatVersion),
			"millrace.partitions": strconv.Itoa(b.partitions),
			"millrace.hash":       hashName,
		},
	}, b.replicas)
}

// directReads says whether a stream answers direct reads, which cost a quarter of a read through the JetStream API.
// With one replica the leader answers them; with more a replica that lags might (docs/adr/0013-direct-reads.md).
func directReads(replicas int) bool { return replicas <= 1 }

// groups says whether writes to a stream share flushes to disk. Replicas do so without our help: their Raft log writes
// what has come in meanwhile at one time (docs/adr/0015-group-commit.md).
func groups(c jetstream.StreamConfig) bool { return c.AllowAtomicPublish && c.Replicas <= 1 }

func (b blueprint) partitioned(partition int, name, description string, subjects ...string) jetstream.StreamConfig {
	c := b.base(name, fmt.Sprintf("Millrace namespace %s, partition %d: %s", b.namespace, partition, description), subjects...)
	c.Metadata["millrace.partition"] = strconv.Itoa(partition)
	return c
}

func (b blueprint) history(partition int) jetstream.StreamConfig {
	p := partitionSubjects{partitionPrefix(b.namespace, partition)}
	c := b.partitioned(partition, namesOf(b.namespace, partition).history, "starts and histories of runs (the truth)",
		p.prefix+runTree+".>")
	c.AllowAtomicPublish = b.groupCommit
	c.RePublish = &jetstream.RePublish{
		Source:      p.allRecords(),
		Destination: subjectRoot + "." + b.namespace + ".live.{{wildcard(1)}}.{{wildcard(2)}}",
	}
	return c
}

// inbox needs roll-ups and may not discard new messages: message schedules ask for it.
func (b blueprint) inbox(partition int) jetstream.StreamConfig {
	prefix := partitionPrefix(b.namespace, partition)
	c := b.partitioned(partition, namesOf(b.namespace, partition).inbox, "messages that runs have not consumed, and wake-ups",
		prefix+string(kindInbox)+".>", prefix+string(kindWakeUp)+".>")
	c.Retention, c.Discard = jetstream.WorkQueuePolicy, jetstream.DiscardOld
	c.AllowMsgSchedules, c.AllowRollup = true, true
	c.DenyDelete = false
	return c
}

// tasks refuses a second message on a subject: one task per activity.
func (b blueprint) tasks(partition int) jetstream.StreamConfig {
	c := b.partitioned(partition, namesOf(b.namespace, partition).tasks, "activity tasks, one for each scheduled activity",
		partitionPrefix(b.namespace, partition)+string(kindTask)+".>")
	c.Retention = jetstream.WorkQueuePolicy
	c.MaxMsgsPerSubject, c.DiscardNewPerSubject = 1, true
	c.DenyDelete = false
	return c
}

func (b blueprint) heartbeats(partition int) jetstream.StreamConfig {
	name := namesOf(b.namespace, partition).heartbeats
	c := b.partitioned(partition, name, "heartbeats, cancel requests and start markers of activities",
		kvRoot+strings.TrimPrefix(name, kvStreamPrefix)+".>")
	return asBucket(c)
}

// asBucket makes c what clients of NATS know as a key/value bucket without history.
func asBucket(c jetstream.StreamConfig) jetstream.StreamConfig {
	c.MaxMsgsPerSubject, c.AllowRollup = 1, true
	return storedOn(c, c.Replicas)
}

func isBucket(c jetstream.StreamConfig) bool { return strings.HasPrefix(c.Name, kvStreamPrefix) }

func (b blueprint) intake() jetstream.StreamConfig {
	c := b.base(intakeStream(b.namespace), "Millrace namespace "+b.namespace+": starts and signals published by anyone",
		intakeSubject(b.namespace)+".>")
	c.Retention, c.DenyDelete = jetstream.WorkQueuePolicy, false
	return c
}

func (b blueprint) deadLetters() jetstream.StreamConfig {
	c := b.base(deadLetterStream(b.namespace), "Millrace namespace "+b.namespace+": messages that could not be used",
		deadLetterSubject(b.namespace, "")+">")
	c.Discard, c.MaxAge, c.MaxBytes, c.DenyDelete = jetstream.DiscardOld, deadLetterAge, deadLetterBytes, false
	return c
}

// payloads refuses a second message on a subject: the same content is stored once per run.
func (b blueprint) payloads() jetstream.StreamConfig {
	c := b.base(payloadsStream(b.namespace), "Millrace namespace "+b.namespace+": payloads too large for messages, by run and hash",
		payloadTree(b.namespace)+">")
	c.MaxMsgsPerSubject, c.DiscardNewPerSubject = 1, true
	return c
}

// registryConfig is the bucket of all namespaces of the broker.
func registryConfig(replicas int) jetstream.StreamConfig {
	c := blueprint{replicas: replicas}.base(kvStreamPrefix+registryBucket, "Millrace: the namespaces of this NATS account",
		kvRoot+registryBucket+".>")
	c.Metadata = map[string]string{"millrace.format": strconv.Itoa(formatVersion)}
	return asBucket(c)
}

// operatorsChoice are the fields in which a stream may differ from what we create: where and how often it is stored,
// how it is described, and whether writes to it may share a flush.
func operatorsChoice(field string) bool {
	switch field {
	case "num_replicas", "placement", "description", "compression", "allow_atomic":
		return true
	}
	return false
}

// storedOn is our configuration of a stream that an operator stores on that many servers.
func storedOn(c jetstream.StreamConfig, replicas int) jetstream.StreamConfig {
	c.Replicas = replicas
	c.AllowDirect = isBucket(c) || directReads(replicas)
	return c
}

// compareStream lists the fields in which a stream differs from our configuration.
func compareStream(ours, theirs jetstream.StreamConfig) ([]Difference, error) {
	theirs.Metadata = ownMetadata(theirs.Metadata)
	return compareJSON(ours, theirs, operatorsChoice)
}

func compareConsumer(ours, theirs jetstream.ConsumerConfig) ([]Difference, error) {
	theirs.Metadata = ownMetadata(theirs.Metadata)
	return compareJSON(ours, theirs, func(field string) bool { return field == "description" || field == "num_replicas" })
}

// ownMetadata leaves out what others, first of all the server, noted.
func ownMetadata(all map[string]string) map[string]string {
	own := map[string]string{}
	for k, v := range all {
		if strings.HasPrefix(k, "millrace.") {
			own[k] = v
		}
	}
	return own
}

// compareJSON compares two configurations field by field as the broker writes them. A zero value and an absent field
// are the same.
func compareJSON(ours, theirs any, ignored func(field string) bool) ([]Difference, error) {
	a, err := jsonFields(ours)
	if err != nil {
		return nil, err
	}
	b, err := jsonFields(theirs)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]bool, len(a)+len(b))
	for k := range a {
		fields[k] = true
	}
	for k := range b {
		fields[k] = true
	}
	var differences []Difference
	for field := range fields {
		if ignored(field) || reflect.DeepEqual(a[field], b[field]) {
			continue
		}
		differences = append(differences, Difference{Field: field, Ours: jsonText(a[field]), Theirs: jsonText(b[field])})
	}
	slices.SortFunc(differences, func(x, y Difference) int { return strings.Compare(x.Field, y.Field) })
	return differences, nil
}

// jsonFields are the fields of v's JSON, without those that hold a zero value.
func jsonFields(v any) (map[string]any, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("encode configuration: %w", err)
	}
	for k, field := range fields {
		if emptyJSON(field) {
			delete(fields, k)
		}
	}
	return fields, nil
}

func emptyJSON(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case float64:
		return v == 0
	case string:
		return v == "" || v == "default" // the zero persist_mode
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, field := range v {
			if !emptyJSON(field) {
				return false
			}
		}
		return true
	}
	return false
}

func jsonText(v any) string {
	if v == nil {
		return ""
	}
	data, err := json.Marshal(v)
	if err != nil { // cannot happen: v came from JSON
		return fmt.Sprint(v)
	}
	return string(data)
}
