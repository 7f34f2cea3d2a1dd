package streams

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// intakeAckWait is how long the daemon may take over one message.
const intakeAckWait = 30 * time.Second

// IntakeMessage is a request from outside, in whatever form its sender gave it: a verb, a name and an ID from the
// subject, headers and a body. Nothing about it is trusted.
//
// Its subject is millrace.<namespace>.intake.<verb>[.<name>[.<id>]], and .request. instead of .intake. for one that
// waits for a reply.
type IntakeMessage struct {
	// Verb is "start" or "signal"; any other text is possible. Name is the workflow type or the signal's name, ID the
	// workflow ID; both may be empty. They are decoded like all tokens; one that no encoding yields stands for itself.
	Verb, Name, ID string
	Subject        string
	Headers        map[string][]string
	Data           []byte
	// Key identifies the message among all that were ever sent to this namespace, and is the same on each delivery.
	// It is empty for a message that came by ServeIntake, which is delivered once.
	Key        string
	Published  time.Time
	Deliveries int

	// Acker is nil for a message that came by ServeIntake.
	Acker
}

// IntakeConsumer delivers what was published to the intake subjects.
type IntakeConsumer interface {
	// Pull is that of Consumer.
	Pull(ctx context.Context, max int) ([]*IntakeMessage, error)
	// Close is that of Consumer.
	Close() error
}

func intakeSubject(namespace string) string  { return subjectRoot + "." + namespace + ".intake" }
func requestSubject(namespace string) string { return subjectRoot + "." + namespace + ".request" }

// Intake opens the intake: plain publishes, which wait in the INTAKE stream until someone acknowledges them.
func (n *Namespace) Intake(ctx context.Context) (IntakeConsumer, error) {
	stream := intakeStream(n.name)
	info, err := n.streamInfo(ctx, stream)
	var p *puller
	if err == nil {
		p, err = n.openPuller(ctx, []durable{{stream: stream, config: jetstream.ConsumerConfig{
			Name: "intake", Durable: "intake", Description: "Millrace: starts and signals published by anyone",
			DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckExplicitPolicy,
			ReplayPolicy: jetstream.ReplayInstantPolicy, AckWait: intakeAckWait, MaxDeliver: -1, MaxAckPending: -1,
			MaxWaiting: maxWaiting, FilterSubject: intakeSubject(n.name) + ".>",
			Metadata: map[string]string{"millrace.format": strconv.Itoa(formatVersion)},
		}}})
	}
	if err != nil {
		return nil, fmt.Errorf("open intake of namespace %s: %w", n.name, err)
	}
	return &intakeConsumer{namespace: n, puller: p, created: info.Created}, nil
}

type intakeConsumer struct {
	namespace *Namespace
	puller    *puller
	created   time.Time // of the stream: another stream counts its sequences anew
	closeOnce sync.Once
	closeErr  error
}

func (c *intakeConsumer) Close() error {
	c.closeOnce.Do(func() { c.closeErr = c.puller.close() })
	return c.closeErr
}

func (c *intakeConsumer) Pull(ctx context.Context, max int) ([]*IntakeMessage, error) {
	messages, err := c.puller.pull(ctx, max)
	if err != nil {
		return nil, err
	}
	taken := make([]*IntakeMessage, 0, len(messages))
	for _, p := range messages {
		m := intakeMessage(p.msg, intakeSubject(c.namespace.name))
		m.Key = fmt.Sprintf("%s-%d-%d", c.namespace.name, c.created.UnixNano(), p.at.seq)
		m.Published, m.Deliveries = p.at.published, p.at.deliveries
		m.Acker = p.acker
		taken = append(taken, m)
	}
	return taken, nil
}

func intakeMessage(msg *nats.Msg, prefix string) *IntakeMessage {
	m := &IntakeMessage{Subject: msg.Subject, Headers: msg.Header, Data: msg.Data}
	tokens := strings.SplitN(strings.TrimPrefix(msg.Subject, prefix+"."), ".", 3)
	for i, field := range []*string{&m.Verb, &m.Name, &m.ID} {
		if i >= len(tokens) {
			break
		}
		text, err := DecodeToken(tokens[i])
		if err != nil {
			text = tokens[i]
		}
		*field = text
	}
	return m
}

// ServeIntake answers intake requests, which wait for a reply and are not stored: nobody answers them while no daemon
// runs. handle and stop are those of ServeQueries.
func (n *Namespace) ServeIntake(handle func(ctx context.Context, m *IntakeMessage) []byte) (stop func(), err error) {
	prefix := requestSubject(n.name)
	stop, err = n.serve(prefix+".>", func(ctx context.Context, msg *nats.Msg) []byte {
		m := intakeMessage(msg, prefix)
		m.Published, m.Deliveries = time.Now(), 1
		return handle(ctx, m)
	})
	if err != nil {
		return nil, fmt.Errorf("serve intake of namespace %s: %w", n.name, err)
	}
	return stop, nil
}
