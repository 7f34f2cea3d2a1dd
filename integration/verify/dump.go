package verify

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Message is a message of a stream.
type Message struct {
	Seq     uint64 `json:"seq"`
	Subject string `json:"subject"`
	// Time is when the broker stored it.
	Time    int64               `json:"time"`
	Headers map[string][]string `json:"headers,omitempty"`
	Data    []byte              `json:"data,omitempty"`
}

// Stream is what is known of a stream beside its messages.
type Stream struct {
	Name      string     `json:"name"`
	Messages  uint64     `json:"messages"`
	FirstSeq  uint64     `json:"first"`
	LastSeq   uint64     `json:"last"`
	Consumers []Consumer `json:"consumers,omitempty"`
}

// Consumer is a durable consumer of a stream.
type Consumer struct {
	Name   string `json:"name"`
	Filter string `json:"filter,omitempty"`
	// Pending counts what was not delivered yet, AckPending what was delivered and not acknowledged, Redelivered what
	// of that was delivered more than once.
	Pending     uint64 `json:"pending"`
	AckPending  int    `json:"ackPending"`
	Redelivered int    `json:"redelivered"`
	// Deliveries counts all deliveries that the broker remembers.
	Deliveries uint64 `json:"deliveries"`
}

const (
	dumpDirectory = "dump"
	messagesFile  = ".jsonl.gz"
	plainFile     = ".jsonl"
	streamFile    = ".json"
)

// Dump writes all streams of a namespace, and the state of their durable consumers, into a directory of evidence. It
// reads stream by stream: the system must have come to rest, otherwise what moves meanwhile is seen twice or never. A
// stream of which a message cannot be read is an error.
func Dump(ctx context.Context, nc *nats.Conn, namespace, dir string) error {
	dir = filepath.Join(dir, dumpDirectory)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("dump: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("dump: %w", err)
	}
	found := 0
	list := js.ListStreams(ctx)
	for info := range list.Info() {
		if !ofNamespace(info.Config.Name, namespace) {
			continue
		}
		found++
		if err := dumpStream(ctx, js, info.Config.Name, dir); err != nil {
			return fmt.Errorf("dump stream %s: %w", info.Config.Name, err)
		}
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("dump: list streams: %w", err)
	}
	if found == 0 {
		return fmt.Errorf("dump: namespace %q has no streams", namespace)
	}
	return nil
}

// ofNamespace says whether a stream, or the stream of a bucket, belongs to the namespace.
func ofNamespace(stream, namespace string) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(stream, "KV_"), "MILLRACE_"+namespace+"_")
	if !ok {
		return false
	}
	_, kind := kindOf(rest)
	return kind != ""
}

// kindOf splits what follows the namespace in a stream's name: a partition and a kind, or a kind only.
func kindOf(rest string) (partition, kind string) {
	partition, kind, split := strings.Cut(rest, "_")
	if !split {
		partition, kind = "", rest
	}
	switch kind {
	case kindHistory, kindInbox, kindTasks, kindHeartbeats, kindIntake, kindDeadLetter, kindPayloads:
		return partition, kind
	}
	return "", ""
}

// The kinds of streams.
const (
	kindHistory    = "HISTORY"
	kindInbox      = "INBOX"
	kindTasks      = "TASKS"
	kindHeartbeats = "HEARTBEATS"
	kindIntake     = "INTAKE"
	kindDeadLetter = "DEADLETTER"
	kindPayloads   = "PAYLOADS"
)

func dumpStream(ctx context.Context, js jetstream.JetStream, name, dir string) error {
	s, err := js.Stream(ctx, name)
	if err != nil {
		return err
	}
	info := s.CachedInfo()
	described := Stream{Name: name, Messages: info.State.Msgs, FirstSeq: info.State.FirstSeq, LastSeq: info.State.LastSeq}
	consumers := s.ListConsumers(ctx)
	for c := range consumers.Info() {
		if c.Config.Durable == "" {
			continue
		}
		described.Consumers = append(described.Consumers, Consumer{Name: c.Name, Filter: c.Config.FilterSubject, Pending: c.NumPending,
			AckPending: c.NumAckPending, Redelivered: c.NumRedelivered, Deliveries: c.Delivered.Consumer})
	}
	if err := consumers.Err(); err != nil {
		return fmt.Errorf("list consumers: %w", err)
	}
	w, err := createDump(filepath.Join(dir, name+messagesFile))
	if err != nil {
		return err
	}
	read := scanLimits
	if info.Config.Retention == jetstream.WorkQueuePolicy {
		read = scanQueue
	}
	if err = read(ctx, js, s, w.append); err == nil {
		err = w.close()
	} else {
		err = errors.Join(err, w.close())
	}
	if err != nil {
		return err
	}
	data, err := json.Marshal(described)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+streamFile), data, 0o644)
}

// scanLimits reads a stream that keeps its messages, by a consumer.
func scanLimits(ctx context.Context, js jetstream.JetStream, s jetstream.Stream, each func(Message) error) error {
	state := s.CachedInfo().State
	if state.Msgs == 0 {
		return nil
	}
	c, err := js.OrderedConsumer(ctx, s.CachedInfo().Config.Name, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	messages, err := c.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	for left := state.Msgs; left > 0; left-- {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("%d of %d messages are missing: %w", left, state.Msgs, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if err := each(Message{Seq: meta.Sequence.Stream, Subject: m.Subject(), Time: meta.Timestamp.UnixNano(), Headers: m.Headers(), Data: m.Data()}); err != nil {
			return err
		}
	}
	return nil
}

// scanQueue reads a work queue message by message: no second consumer of it is allowed.
func scanQueue(ctx context.Context, _ jetstream.JetStream, s jetstream.Stream, each func(Message) error) error {
	for seq := s.CachedInfo().State.FirstSeq; ; {
		m, err := s.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(">"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("message from %d: %w", seq, err)
		}
		if err := each(Message{Seq: m.Sequence, Subject: m.Subject, Time: m.Time.UnixNano(), Headers: m.Header, Data: m.Data}); err != nil {
			return err
		}
		seq = m.Sequence + 1
	}
}

// dumpWriter writes messages as compressed lines.
type dumpWriter struct {
	file    *os.File
	zip     *gzip.Writer
	lines   *bufio.Writer
	encoder *json.Encoder
}

func createDump(name string) (*dumpWriter, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		f.Close()
		return nil, err
	}
	lines := bufio.NewWriterSize(z, 1<<16)
	return &dumpWriter{file: f, zip: z, lines: lines, encoder: json.NewEncoder(lines)}, nil
}

func (w *dumpWriter) append(m Message) error { return w.encoder.Encode(m) }

func (w *dumpWriter) close() error {
	return errors.Join(w.lines.Flush(), w.zip.Close(), w.file.Close())
}

// Drained says what still waits: tasks, and messages in inboxes, of a namespace that is coming to rest, wake-ups of the
// future not counted.
type Drained struct {
	Tasks, Inbox, Intake uint64
	// At is when this was read.
	At time.Time
}

// Left counts everything that waits.
func (d Drained) Left() uint64 { return d.Tasks + d.Inbox + d.Intake }

// Waiting reads what still waits in a namespace. It is cheap enough to be asked several times a second.
func Waiting(ctx context.Context, nc *nats.Conn, namespace string) (Drained, error) {
	var d Drained
	js, err := jetstream.New(nc)
	if err != nil {
		return d, fmt.Errorf("look what waits: %w", err)
	}
	list := js.ListStreams(ctx)
	for info := range list.Info() {
		rest, ok := strings.CutPrefix(info.Config.Name, "MILLRACE_"+namespace+"_")
		if !ok {
			continue
		}
		switch _, kind := kindOf(rest); kind {
		case kindTasks:
			d.Tasks += info.State.Msgs
		case kindIntake:
			d.Intake += info.State.Msgs
		case kindInbox:
			n, err := inboxMessages(ctx, js, info.Config.Name)
			if err != nil {
				return d, fmt.Errorf("look what waits in %s: %w", info.Config.Name, err)
			}
			d.Inbox += n
		}
	}
	d.At = time.Now()
	if err := list.Err(); err != nil {
		return d, fmt.Errorf("look what waits: %w", err)
	}
	return d, nil
}

// inboxMessages counts the messages of an inbox that are no armed wake-ups.
func inboxMessages(ctx context.Context, js jetstream.JetStream, stream string) (uint64, error) {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return 0, err
	}
	info, err := s.Info(ctx, jetstream.WithSubjectFilter("millrace.*.*.inbox.>"))
	if err != nil {
		return 0, err
	}
	n := uint64(0)
	for _, count := range info.State.Subjects {
		n += count
	}
	return n, nil
}
