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
	var found []string
	list := js.StreamNames(ctx) // all names before the first dump: the list is given up after 5 s, whoever reads it
	for name := range list.Name() {
		if ofNamespace(name, namespace) {
			found = append(found, name)
		}
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("dump: list streams: %w", err)
	}
	if len(found) == 0 {
		return fmt.Errorf("dump: namespace %q has no streams", namespace)
	}
	for _, name := range found {
		if err := dumpStream(ctx, nc, js, name, dir); err != nil {
			return fmt.Errorf("dump stream %s: %w", name, err)
		}
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

func dumpStream(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, name, dir string) error {
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
	if err = read(ctx, nc, s, w.append); err == nil {
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

// scanWindow is how many messages are on their way at a time.
const scanWindow = 2048

// scanSilence is how long nothing may come of what a stream counts, until it is taken to be unreadable.
const scanSilence = 30 * time.Second

// scanLimits reads a stream that keeps its messages, by a consumer. The client library's own readers take messages that have
// a header named Status and no content for words of the broker, and would not get past them: what is a message is known
// by its reply subject here.
func scanLimits(ctx context.Context, nc *nats.Conn, s jetstream.Stream, each func(Message) error) (err error) {
	info := s.CachedInfo()
	if info.State.Msgs == 0 {
		return nil
	}
	js, err := nc.JetStream(nats.Context(ctx))
	if err != nil {
		return err
	}
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sub.Unsubscribe()) }()
	consumer, err := js.AddConsumer(info.Config.Name, &nats.ConsumerConfig{DeliverSubject: inbox, DeliverPolicy: nats.DeliverAllPolicy,
		AckPolicy: nats.AckAllPolicy, AckWait: time.Minute, MaxAckPending: scanWindow, MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute})
	if err != nil {
		return err
	}
	// One that cannot be deleted goes by itself.
	defer func() { _ = js.DeleteConsumer(info.Config.Name, consumer.Name) }()
	for left, last := info.State.Msgs, uint64(0); left > 0; {
		next, done := context.WithTimeout(ctx, scanSilence)
		m, err := sub.NextMsgWithContext(next)
		done()
		if err != nil {
			return fmt.Errorf("%d of %d messages are missing: %w", left, info.State.Msgs, err)
		}
		meta, err := m.Metadata()
		if err != nil || meta.Sequence.Stream <= last {
			continue // no message, or one that was delivered again
		}
		if err := each(Message{Seq: meta.Sequence.Stream, Subject: m.Subject, Time: meta.Timestamp.UnixNano(), Headers: m.Header, Data: m.Data}); err != nil {
			return err
		}
		last = meta.Sequence.Stream
		if left--; left%(scanWindow/4) == 0 {
			if err := m.Ack(); err != nil {
				return err
			}
		}
	}
	return nil
}

// scanQueue reads a work queue message by message: no second consumer of it is allowed. It asks the API: the answers to
// direct reads hold the message's own headers before the broker's, and the client library believes the first of a name.
func scanQueue(ctx context.Context, nc *nats.Conn, s jetstream.Stream, each func(Message) error) error {
	subject := "$JS.API.STREAM.MSG.GET." + s.CachedInfo().Config.Name
	for seq := max(s.CachedInfo().State.FirstSeq, 1); ; {
		reply, err := nc.RequestWithContext(ctx, subject, fmt.Appendf(nil, `{"seq": %d, "next_by_subj": ">"}`, seq))
		if err != nil {
			return fmt.Errorf("message from %d: %w", seq, err)
		}
		var answer struct {
			Error   *jetstream.APIError `json:"error"`
			Message struct {
				Subject string    `json:"subject"`
				Seq     uint64    `json:"seq"`
				Headers []byte    `json:"hdrs"`
				Data    []byte    `json:"data"`
				Time    time.Time `json:"time"`
			} `json:"message"`
		}
		if err := json.Unmarshal(reply.Data, &answer); err != nil {
			return fmt.Errorf("message from %d: %w", seq, err)
		}
		m := &answer.Message
		switch {
		case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
			return nil
		case answer.Error != nil:
			return fmt.Errorf("message from %d: %w", seq, answer.Error)
		case m.Seq < seq:
			return fmt.Errorf("message from %d: the broker answers with the one at %d", seq, m.Seq)
		}
		var headers nats.Header
		if len(m.Headers) > 0 {
			if headers, err = nats.DecodeHeadersMsg(m.Headers); err != nil {
				headers = nil // then it has none that mean anything
			}
		}
		if err := each(Message{Seq: m.Seq, Subject: m.Subject, Time: m.Time.UnixNano(), Headers: headers, Data: m.Data}); err != nil {
			return err
		}
		seq = m.Seq + 1
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
