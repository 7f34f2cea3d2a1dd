package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/gateway/gatewire"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

// Limits bound what the tenants of a namespace can ask of one gateway, all of them together. What is 0 has its default.
type Limits struct {
	// RequestsPerSecond is how many requests are taken. Default 2,000; a burst of a second's worth is let through.
	RequestsPerSecond float64
	// Requests is how many are worked on, or wait for something, at a time. Default 4,000.
	Requests int
	// Queues is how many task queues tenants' workers can be served in the gateway's life: each one costs the broker a
	// consumer in every partition. Default 100.
	Queues int
}

func (l Limits) withDefaults() Limits {
	if l.RequestsPerSecond == 0 {
		l.RequestsPerSecond = 2000
	}
	if l.Requests == 0 {
		l.Requests = 4000
	}
	if l.Queues == 0 {
		l.Queues = 100
	}
	return l
}

// Config configures a Gateway. Client is required.
type Config struct {
	// Client is of the namespace to serve, made with default converters and without a gateway. It must stay open until Run
	// has returned.
	Client client.Client
	Limits Limits
	// Version is shown among the micro services of NATS, as in semantic versioning. Default "0.0.0".
	Version string
	// Logger receives what was refused. Default: none.
	Logger log.Logger
	// Ready, when set, is called once, when requests are answered. It must not block.
	Ready func()
}

// Gateway serves one namespace.
type Gateway struct {
	config  Config
	backend *client.Backend
	ns      *streams.Namespace
	sealer  gatewire.Sealer
	rate    *rate.Limiter
	// busy has a token for each request that is worked on.
	busy  chan struct{}
	desks desks
}

// New is a gateway; it does nothing before Run.
func New(c Config) (*Gateway, error) {
	if c.Logger == nil {
		c.Logger = log.Discard{}
	}
	if c.Version == "" {
		c.Version = "0.0.0"
	}
	c.Limits = c.Limits.withDefaults()
	if c.Limits.RequestsPerSecond < 0 || c.Limits.Requests < 0 || c.Limits.Queues < 0 {
		return nil, fmt.Errorf("gateway: limits %+v: must not be negative", c.Limits)
	}
	backend, err := client.BackendOf(c.Client)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	burst := max(int(c.Limits.RequestsPerSecond), 1)
	g := &Gateway{config: c, backend: backend, ns: backend.Streams(), rate: rate.NewLimiter(rate.Limit(c.Limits.RequestsPerSecond), burst),
		busy: make(chan struct{}, c.Limits.Requests)}
	g.desks.init(g)
	return g, nil
}

// Run serves until ctx ends, and returns nil when everything has ended. It can be called once.
func (g *Gateway) Run(ctx context.Context) error {
	key, err := g.ns.GatewayKey(ctx)
	if err != nil {
		return err
	}
	g.sealer = gatewire.NewSealer(key)
	stopLeases, err := g.ns.ServeLeases(g.desks.instance, g.answerLease)
	if err != nil {
		return err
	}
	defer stopLeases()
	var verbs []streams.GatewayVerb
	for _, v := range gatewire.Verbs() {
		verbs = append(verbs, v.OnWire())
	}
	stop, err := g.ns.ServeGateway(streams.GatewayServer{Verbs: verbs, Version: g.config.Version, Admit: g.admit, Foreign: func(subject, reply string) {
		g.config.Logger.Warn("request is not answered: its reply subject is no inbox", "subject", subject, "reply", reply)
	}})
	if err != nil {
		return err
	}
	if g.config.Ready != nil {
		g.config.Ready()
	}
	<-ctx.Done()
	g.desks.stop()
	stop()
	return nil
}

// handlers are what is done for each verb.
func (g *Gateway) handler(v gatewire.Verb) func(ctx context.Context, queue string, data []byte) (any, error) {
	switch v {
	case gatewire.Info:
		return decoded(g.info)
	case gatewire.Start:
		return decoded(g.start)
	case gatewire.SignalWithStart:
		return decoded(g.signalWithStart)
	case gatewire.Signal:
		return decoded(g.signal)
	case gatewire.Cancel:
		return decoded(g.cancel)
	case gatewire.Terminate:
		return decoded(g.terminate)
	case gatewire.Query:
		return decoded(g.query)
	case gatewire.Update:
		return decoded(g.update)
	case gatewire.Outcome:
		return decoded(g.outcome)
	case gatewire.Describe:
		return decoded(g.describe)
	case gatewire.Result:
		return decoded(g.result)
	case gatewire.Poll:
		return decoded(g.poll)
	case gatewire.Complete:
		return decoded(g.complete)
	case gatewire.Heartbeat:
		return decoded(g.heartbeat)
	}
	return nil
}

// decoded makes a handler of a function that takes a request decoded and checked.
func decoded[T any](do func(ctx context.Context, queue string, r *T) (any, error)) func(context.Context, string, []byte) (any, error) {
	return func(ctx context.Context, queue string, data []byte) (any, error) {
		r := new(T)
		if err := gatewire.Decode(data, r); err != nil {
			return nil, err
		}
		return do(ctx, queue, r)
	}
}

// admit refuses what is too much, and leaves the rest to be worked on.
func (g *Gateway) admit(r streams.GatewayRequest) (answer []byte, work func(context.Context) []byte) {
	verb := gatewire.Verb(r.Verb)
	handle := g.handler(verb)
	switch {
	case handle == nil:
		return g.reply(verb, nil, &gatewire.Error{Code: gatewire.Unimplemented, Message: fmt.Sprintf("gateway has no verb %.40q", r.Verb)}), nil
	case len(r.Data) > gatewire.MaxBody:
		return g.reply(verb, nil, gatewire.Refuse("request has %d bytes, the limit is %d", len(r.Data), gatewire.MaxBody)), nil
	case !g.rate.Allow():
		return g.reply(verb, nil, &gatewire.Error{Code: gatewire.Busy, Message: fmt.Sprintf(
			"namespace %s has more than %v requests a second at its gateway: try again a little later", g.ns.Name(), g.config.Limits.RequestsPerSecond)}), nil
	}
	if verb.Queued() {
		if err := checkQueue(r.Queue); err != nil {
			return g.reply(verb, nil, err), nil
		}
	}
	select {
	case g.busy <- struct{}{}:
	default:
		return g.reply(verb, nil, &gatewire.Error{Code: gatewire.Busy, Message: fmt.Sprintf(
			"namespace %s has %d requests at its gateway that are not answered yet: try again a little later", g.ns.Name(), g.config.Limits.Requests)}), nil
	}
	return nil, func(ctx context.Context) []byte {
		defer func() { <-g.busy }()
		reply, err := handle(ctx, r.Queue, r.Data)
		return g.reply(verb, reply, err)
	}
}

// reply encodes an answer.
func (g *Gateway) reply(verb gatewire.Verb, reply any, err error) []byte {
	var data []byte
	if err == nil {
		data, err = json.Marshal(reply)
		if err == nil && len(data) > gatewire.MaxBody {
			err = gatewire.Refuse("answer has %d bytes, the limit is %d: only clients that reach the streams can have it", len(data), gatewire.MaxBody)
		}
		if err == nil {
			return data
		}
	}
	e := gatewire.ErrorOf(err)
	if e.Code == gatewire.Invalid || e.Code == gatewire.Denied {
		g.config.Logger.Info("request is refused", "verb", string(verb), "reason", e.Message)
	}
	data, err = json.Marshal(struct {
		Error *gatewire.Error `json:"error"`
	}{e})
	if err != nil { // an Error is text only
		g.config.Logger.Error("reply has no encoding", "verb", string(verb), "error", err)
	}
	return data
}

// maxWait bounds how long a request may wait for something. The server forgets where an answer to another account goes
// after two minutes.
const maxWait = 30 * time.Second

// waitOf is how long a request is to wait.
func waitOf(millis int64) time.Duration {
	return time.Duration(min(max(millis, 0), maxWait.Milliseconds())) * time.Millisecond
}

func (g *Gateway) info(context.Context, string, *struct{}) (any, error) {
	return gatewire.InfoReply{Namespace: g.ns.Name(), Version: g.config.Version, MaxPayload: gatewire.MaxPayload, MaxBody: gatewire.MaxBody}, nil
}
