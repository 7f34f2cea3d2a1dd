package streams

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Processes that may not touch a namespace's streams reach it through its gateway: subjects that daemons answer. Their
// account imports these from the account of the streams, so that the namespace in a subject is what the server lets
// the account import, and replies can go nowhere but to who asked.

const (
	gatewayTree = "gateway"
	// gatewayService is the gateway's name among the micro services of NATS.
	gatewayService = "millrace-gateway"
)

// replyRoots are how the inboxes begin that requests are answered at: those of importing accounts, as the server
// rewrites them, and those of clients of the same account. None of them is in a stream.
var replyRoots = [...]string{"_R_.", "_INBOX"}

// GatewayVerb is one thing that a gateway does.
type GatewayVerb struct {
	Name string
	// Queued says that it concerns one task queue, which is in the subject.
	Queued bool
}

// GatewaySubjects are all subjects of a namespace's gateway: what the account of the streams exports.
func GatewaySubjects(namespace string) string { return gatewayPrefix(namespace) + ">" }

// GatewaySubject is where requests go that ask a namespace's gateway for a verb. An empty queue stands for every queue.
func GatewaySubject(namespace string, verb GatewayVerb, queue string) string {
	switch {
	case !verb.Queued:
		return gatewayPrefix(namespace) + verb.Name
	case queue == "":
		return gatewayPrefix(namespace) + verb.Name + ".*"
	}
	return gatewayPrefix(namespace) + verb.Name + "." + EncodeToken(queue)
}

func gatewayPrefix(namespace string) string {
	return subjectRoot + "." + namespace + "." + gatewayTree + "."
}

// GatewayRequest is what somebody asks a gateway. Verb and Queue are those of the subject, which the broker lets only
// those use who may.
type GatewayRequest struct {
	Verb, Queue string
	Data        []byte
}

// GatewayServer says how ServeGateway answers.
type GatewayServer struct {
	Verbs []GatewayVerb
	// Version is the gateway's among the micro services, as in semantic versioning.
	Version string
	// Admit is called for each request in the order of arrival. It returns the answer, or what makes it, which is called
	// on a goroutine of its own with a context that ends when serving does. It must not block.
	Admit func(GatewayRequest) (answer []byte, work func(context.Context) []byte)
	// Foreign, when set, is told of each request that is not answered, because its reply subject is no inbox.
	Foreign func(subject, reply string)
}

// ServeGateway answers the requests for the namespace's gateway, together with everyone else who does: each request
// reaches one. stop ends that: it ends the contexts of work and returns when all work has ended; it may be called again.
func (n *Namespace) ServeGateway(s GatewayServer) (stop func(), err error) {
	g := &gatewayServer{GatewayServer: s, prefix: gatewayPrefix(n.name)}
	g.life, g.cancel = context.WithCancel(context.Background())
	service, err := micro.AddService(n.nc, micro.Config{
		Name: gatewayService, Version: s.Version, QueueGroup: servers,
		Description: "Millrace for processes that may not touch its streams",
		Metadata:    map[string]string{"namespace": n.name},
	})
	for _, v := range s.Verbs {
		if err == nil {
			err = service.AddEndpoint(v.Name, micro.HandlerFunc(g.take), micro.WithEndpointSubject(GatewaySubject(n.name, v, "")))
		}
	}
	if service != nil {
		g.end = service.Stop
	}
	if err != nil {
		g.stop()
		return nil, fmt.Errorf("serve gateway of namespace %s: %w: %w", n.name, ErrUnavailable, err)
	}
	// Only with the subscriptions at the server is the gateway there.
	if err := n.nc.FlushTimeout(firstAttempt); err != nil {
		g.stop()
		return nil, fmt.Errorf("serve gateway of namespace %s: %w: %w", n.name, ErrUnavailable, err)
	}
	return g.stop, nil
}

type gatewayServer struct {
	GatewayServer
	prefix string
	life   context.Context
	cancel context.CancelFunc
	end    func() error

	mu    sync.Mutex // guards group against a request that arrives while stop waits
	group sync.WaitGroup
}

// take takes one request. micro calls it for one after the other.
func (g *gatewayServer) take(r micro.Request) {
	if !isInbox(r.Reply()) {
		if g.Foreign != nil {
			g.Foreign(r.Subject(), r.Reply())
		}
		return
	}
	verb, token, _ := strings.Cut(strings.TrimPrefix(r.Subject(), g.prefix), ".")
	queue, err := DecodeToken(token)
	if err != nil {
		queue = "" // as if none were named: what needs one says so
	}
	answer, work := g.Admit(GatewayRequest{Verb: verb, Queue: queue, Data: r.Data()})
	if work == nil {
		_ = r.Respond(answer) // who gets no answer asks again
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.life.Err() != nil {
		return
	}
	g.group.Go(func() { _ = r.Respond(work(g.life)) })
}

// isInbox says whether an answer may go to a subject. One that its sender made up could otherwise be one of a stream: who
// may ask for something would have the gateway write where it may not write itself.
func isInbox(reply string) bool {
	for _, root := range replyRoots {
		if strings.HasPrefix(reply, root) {
			return true
		}
	}
	return false
}

func (g *gatewayServer) stop() {
	g.mu.Lock()
	g.cancel()
	g.mu.Unlock()
	if g.end != nil {
		_ = g.end() // fails only on a connection that is closed
	}
	g.group.Wait()
}

// Gateway is a namespace as a process reaches it that may not touch its streams. It is safe for concurrent use.
type Gateway struct {
	broker
	name string
}

// NewGateway makes a Gateway of a connection, which must stay open as long as it is used. It asks nobody.
func NewGateway(nc *nats.Conn, namespace string) (*Gateway, error) {
	if err := CheckNamespace(namespace); err != nil {
		return nil, fmt.Errorf("use gateway: %w", err)
	}
	return &Gateway{broker: broker{nc: nc, link: newLink(nc, noticesSubject(namespace))}, name: namespace}, nil
}

// Name is the namespace's name.
func (g *Gateway) Name() string { return g.name }

// Ask sends one request and returns its answer. ErrUnavailable means that no answer came within timeout, or that nobody
// serves the gateway; whether the request had an effect is not known. ErrRejected means that the connection's user may not
// ask for that. It asks once.
func (g *Gateway) Ask(ctx context.Context, verb GatewayVerb, queue string, data []byte, timeout time.Duration) ([]byte, error) {
	if verb.Queued {
		if err := CheckTaskQueue(queue); err != nil {
			return nil, err
		}
	}
	if limit := int(g.nc.MaxPayload()); limit > 0 && len(data) > limit {
		return nil, fmt.Errorf("request of %d bytes is %w: the broker takes %d", len(data), ErrTooLarge, limit)
	}
	if err := g.ready(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	subject := GatewaySubject(g.name, verb, queue)
	answer, err := g.askProcess(ctx, &nats.Msg{Subject: subject, Data: data}, timeout)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("%w: nobody serves the gateway of namespace %s, or it is not imported here", ErrUnavailable, g.name)
	case err != nil && g.denied(subject):
		return nil, fmt.Errorf("this user may not publish to %s: %w", subject, ErrRejected)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return answer.Data, nil
}

// denied says whether the server has refused to take a message on the subject. It answers nothing to a request then, and
// tells the connection.
func (g *Gateway) denied(subject string) bool {
	last := g.nc.LastError()
	return errors.Is(last, nats.ErrPermissionViolation) && strings.Contains(last.Error(), `"`+subject+`"`)
}

// leaseSubject is where a gateway is asked about leases that it gave. It is not among the gateway's subjects: only gateways
// ask there.
func leaseSubject(namespace, instance string) string {
	return subjectRoot + "." + namespace + ".lease." + EncodeToken(instance)
}

// ServeLeases answers what other gateways pass on with AskLease because the instance has given the lease. stop returns
// when all calls of handle have returned.
func (n *Namespace) ServeLeases(instance string, handle func(ctx context.Context, data []byte) []byte) (stop func(), err error) {
	stop, err = n.serve(leaseSubject(n.name, instance), func(ctx context.Context, m *nats.Msg) []byte { return handle(ctx, m.Data) })
	if err != nil {
		return nil, fmt.Errorf("serve leases: %w", err)
	}
	return stop, nil
}

// AskLease passes something on to the gateway that has given a lease. ErrNotFound means that the gateway is gone,
// ErrUnavailable that no answer came.
func (n *Namespace) AskLease(ctx context.Context, instance string, data []byte) ([]byte, error) {
	answer, err := n.askProcess(ctx, &nats.Msg{Subject: leaseSubject(n.name, instance), Data: data}, lastAttempt)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("gateway %s: %w", instance, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("gateway %s: %w: %w", instance, ErrUnavailable, err)
	}
	return answer.Data, nil
}
