package security_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/gateway"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/internal/security"
	"github.com/millrace-dev/millrace/internal/security/securitytest"
	"github.com/millrace-dev/millrace/streams"
)

var (
	operator = security.User{Name: "operator", Role: security.RoleOperator}
	engine   = security.User{Name: "engine", Role: security.RoleEngine}
	alice    = security.User{Name: "alice", Role: security.RoleStarter, Namespace: "acme"}
	walt     = security.User{Name: "walt", Role: security.RoleWorker, Namespace: "acme", Queues: []string{"pay"}}
	wendy    = security.User{Name: "wendy", Role: security.RoleWorker, Namespace: "bolt", Queues: []string{"pay"}}
	otto     = security.User{Name: "otto", Role: security.RoleWorker, Namespace: "acme", Queues: []string{"other"}}
)

// Subjects that nobody but the engine may write to: a run's history, and commands to a run.
const (
	victimHistory = "millrace.acme.0.run.victim.r.history"
	victimInbox   = "millrace.acme.0.inbox.main.-.victim.r.s"
	secretInbox   = "millrace.acme.0.inbox.main.-.secret.r.s"
)

// site is a server with the namespace "acme", and in the tests of accounts also "bolt", seen by the engine.
type site struct {
	testing.TB
	ctx    context.Context
	server *securitytest.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	ns     *streams.Namespace
}

// naive is a site where all share an account, and an attacker has one permission, a harmless one by its name.
func naive(t *testing.T, may string) (*site, *nats.Conn) {
	t.Helper()
	t.Parallel()
	s := open(t, securitytest.StartConfig(t, fmt.Sprintf(`authorization { users: [
		{user: operator, password: %[1]s}
		{user: attacker, password: %[1]s, permissions: {publish: {allow: [%[2]q]}, subscribe: {allow: ["_INBOX.>"]}}}
	] }`, securitytest.Password, may)))
	return s, s.server.Connect(security.User{Name: "attacker", Role: security.RoleOperator}, nil)
}

// accounts is a site with the accounts of internal/security, whose gateways are served.
func accounts(t *testing.T) *site {
	t.Helper()
	t.Parallel()
	s := open(t, securitytest.Start(t, security.Installation{
		Engine: []security.User{operator, engine},
		Tenants: []security.Tenant{
			{Account: "ACME", Namespaces: []string{"acme"}, Users: []security.User{alice, walt, otto}},
			{Account: "BOLT", Namespaces: []string{"bolt"}, Users: []security.User{wendy}},
		},
	}))
	s.create("bolt")
	s.serve("acme")
	s.serve("bolt")
	return s
}

func open(t *testing.T, server *securitytest.Server) *site {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
	t.Cleanup(cancel)
	s := &site{TB: t, ctx: ctx, server: server, conn: server.Connect(operator, nil)}
	var err error
	s.js, err = jetstream.New(s.conn)
	s.ok(err)
	s.create("acme")
	s.ns, err = streams.Open(ctx, s.conn, "acme")
	s.ok(err)
	return s
}

func (s *site) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) create(namespace string) {
	s.Helper()
	plan, err := streams.PlanNamespace(s.ctx, s.conn, namespace, streams.CreateOptions{})
	s.ok(err)
	s.ok(plan.Apply(s.ctx))
}

// serve serves a namespace's gateway until the test ends.
func (s *site) serve(namespace string) {
	s.Helper()
	c, err := client.DialContext(s.ctx, client.Options{Namespace: namespace, ConnectionOptions: client.ConnectionOptions{Conn: s.conn}})
	s.ok(err)
	ready, ended := make(chan struct{}), make(chan error, 1)
	g, err := gateway.New(gateway.Config{Client: c, Ready: func() { close(ready) }})
	s.ok(err)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- g.Run(ctx) }()
	s.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.Errorf("gateway ended with %v", err)
		}
		c.Close()
	})
	<-ready
}

// last is the last message on a subject of a stream, nil for none.
func (s *site) last(stream, subject string) *jetstream.RawStreamMsg {
	s.Helper()
	st, err := s.js.Stream(s.ctx, stream)
	s.ok(err)
	m, err := st.GetLastMsgForSubject(s.ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	s.ok(err)
	return m
}

// count is how many messages a stream holds.
func (s *site) count(stream string) uint64 {
	s.Helper()
	st, err := s.js.Stream(s.ctx, stream)
	s.ok(err)
	info, err := st.Info(s.ctx)
	s.ok(err)
	return info.State.Msgs
}

// await looks until something is so, for a time that is long for a server.
func (s *site) await(what string, look func() bool) {
	s.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for over := time.After(10 * time.Second); !look(); {
		select {
		case <-tick.C:
		case <-over:
			s.Fatalf("no %s after 10 s: the attack does not work where it should, and this test shows nothing", what)
		}
	}
}

// settle returns when the server and the gateways have dealt with all that a tenant has sent: an honest request that was
// sent later is answered.
func (s *site) settle(nc *nats.Conn) {
	s.Helper()
	_, err := nc.Request("millrace.acme.gateway.info", nil, 5*time.Second)
	s.ok(err)
	s.ok(s.conn.FlushTimeout(5 * time.Second))
}

const historyStream, inboxStream, tasksStream = "MILLRACE_acme_0_HISTORY", "MILLRACE_acme_0_INBOX", "MILLRACE_acme_0_TASKS"

func TestInOneAccountAPublishersReplyLandsInAHistory(t *testing.T) {
	s, attacker := naive(t, "millrace.acme.intake.>")
	s.ok(attacker.Publish(victimHistory, []byte("direct")))
	s.ok(attacker.PublishRequest("millrace.acme.intake.start.T.w", victimHistory, []byte("1")))
	s.await("acknowledgement in the history", func() bool { return s.last(historyStream, victimHistory) != nil })
	if m := s.last(historyStream, victimHistory); !strings.Contains(string(m.Data), `"stream"`) {
		t.Errorf("stored is %q", m.Data)
	}
}

func TestATenantsReplyLandsNowhere(t *testing.T) {
	s := accounts(t)
	nc := s.server.Connect(alice, nil)
	before := s.count(historyStream)
	for _, subject := range []string{"millrace.acme.gateway.info", "millrace.acme.gateway.describe", "millrace.acme.gateway.start.main", "millrace.acme.intake.start.T.w"} {
		for _, reply := range []string{victimHistory, victimInbox, "$JS.API.STREAM.DELETE." + historyStream} {
			s.ok(nc.PublishRequest(subject, reply, []byte(`{"workflowId": "w"}`)))
		}
	}
	s.settle(nc)
	if m := s.last(historyStream, victimHistory); m != nil || s.count(historyStream) != before || s.last(inboxStream, victimInbox) != nil {
		t.Errorf("something was stored: %+v", m)
	}
}

func TestAGatewayAnswersInboxesOnlyAlsoWhereAllShareAnAccount(t *testing.T) {
	s, attacker := naive(t, "millrace.acme.gateway.info")
	s.serve("acme")
	s.ok(attacker.PublishRequest("millrace.acme.gateway.info", victimHistory, nil))
	s.settle(attacker)
	if m := s.last(historyStream, victimHistory); m != nil {
		t.Errorf("stored is %q", m.Data)
	}
}

// queueTask puts a task into the queue "pay" and opens its consumer.
func (s *site) queueTask() streams.Consumer {
	s.Helper()
	run := history.Address{Run: history.Run{WorkflowID: "w", RunID: "r"}, Queue: "main"}
	data, err := history.Encode(&history.Task{Run: run, Event: 5, ActivityID: "5", Type: "T", Queue: "pay", FirstAttempt: 1, Scheduled: time.Now()})
	s.ok(err)
	_, err = s.ns.PublishTask(s.ctx, taskRef, data)
	s.ok(err)
	c, err := s.ns.Consume(s.ctx, streams.LaneTasks, "pay", "", streams.ConsumeOptions{})
	s.ok(err)
	return c
}

var taskRef = streams.TaskRef{Run: history.Run{WorkflowID: "w", RunID: "r"}, Queue: "pay", Activity: 5}

func TestInOneAccountAPullersReplyPutsATaskIntoAHistory(t *testing.T) {
	s, attacker := naive(t, "$JS.API.CONSUMER.MSG.NEXT."+tasksStream+".*")
	s.ok(s.queueTask().Close())
	before := s.count(historyStream)
	s.ok(attacker.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+tasksStream+".tasks+pay", victimHistory, []byte(`{"batch":1}`)))
	s.await("task in the history", func() bool { return s.count(historyStream) > before })
}

func TestATenantsPollPutsNothingIntoAHistory(t *testing.T) {
	s := accounts(t)
	s.ok(s.queueTask().Close())
	nc := s.server.Connect(walt, nil)
	before := s.count(historyStream)
	s.ok(nc.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+tasksStream+".tasks+pay", victimHistory, []byte(`{"batch":1}`)))
	s.ok(nc.PublishRequest("millrace.acme.gateway.poll.pay", victimHistory, []byte(`{"waitMillis":2000}`)))
	s.settle(nc)
	// An honest poll is answered, after the other: the queue was served.
	if _, err := nc.Request("millrace.acme.gateway.poll.pay", []byte(`{"waitMillis":2500}`), 10*time.Second); err != nil {
		t.Error(err)
	}
	if m := s.last(historyStream, victimHistory); m != nil || s.count(historyStream) != before {
		t.Errorf("something was stored: %+v", m)
	}
}

// deputy arms a schedule that copies a secret to where commands are taken from.
func deputy(subject string) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Header.Set("Nats-Schedule", "@at "+time.Now().Add(300*time.Millisecond).UTC().Format(time.RFC3339Nano))
	m.Header.Set("Nats-Schedule-Source", secretInbox)
	m.Header.Set("Nats-Schedule-Target", victimInbox)
	return m
}

func TestInOneAccountAScheduleCopiesASecretToACommand(t *testing.T) {
	s, attacker := naive(t, "millrace.acme.0.timer.>")
	_, err := s.js.Publish(s.ctx, secretInbox, []byte("secret"))
	s.ok(err)
	s.ok(attacker.PublishMsg(deputy("millrace.acme.0.timer.x.y")))
	s.await("secret among the commands", func() bool {
		m := s.last(inboxStream, victimInbox)
		return m != nil && string(m.Data) == "secret"
	})
}

func TestATenantArmsNoSchedule(t *testing.T) {
	s := accounts(t)
	_, err := s.js.Publish(s.ctx, secretInbox, []byte("secret"))
	s.ok(err)
	before := s.count(inboxStream)
	nc := s.server.Connect(alice, nil)
	s.ok(nc.PublishMsg(deputy("millrace.acme.0.timer.x.y")))
	for _, subject := range []string{"millrace.acme.gateway.info", "millrace.acme.gateway.signal"} {
		m := deputy(subject)
		m.Reply = nc.NewInbox()
		m.Data = []byte(`{"workflowId": "victim", "id": "1", "name": "x"}`)
		s.ok(nc.PublishMsg(m))
	}
	s.settle(nc)
	// What is not stored does not fire either: no need to wait until it would.
	if n := s.count(inboxStream); n != before || s.last(inboxStream, victimInbox) != nil {
		t.Errorf("INBOX has %d messages instead of %d", n, before)
	}
}

func TestInOneAccountAForgedAcknowledgementRemovesATask(t *testing.T) {
	s, attacker := naive(t, "$JS.ACK."+tasksStream+".>")
	c := s.queueTask()
	defer func() { s.ok(c.Close()) }()
	held, err := c.Pull(s.ctx, 1)
	s.ok(err)
	s.ok(attacker.Publish(fmt.Sprintf("$JS.ACK.%s.tasks+pay.1.%d.1.%d.0", tasksStream, held[0].Seq, time.Now().UnixNano()), []byte("+TERM")))
	s.await("removal of the task", func() bool {
		queued, err := s.ns.TaskQueued(s.ctx, taskRef)
		s.ok(err)
		return !queued
	})
}

func TestNobodyEndsATaskThatIsNotHis(t *testing.T) {
	s := accounts(t)
	s.ok(s.queueTask().Close())
	mine := s.server.Connect(walt, nil)
	var task struct {
		Token    []byte `json:"token"`
		Activity int64  `json:"activity"`
	}
	answer, err := mine.Request("millrace.acme.gateway.poll.pay", []byte(`{"waitMillis":5000}`), 10*time.Second)
	s.ok(err)
	s.ok(json.Unmarshal(answer.Data, &task))
	if task.Activity != 5 {
		t.Fatalf("task is %s", answer.Data)
	}
	forged := append([]byte{}, task.Token...)
	forged[len(forged)-1] ^= 1
	for _, x := range []struct {
		who            security.User
		what, subject  string
		token          []byte
		withoutAnswers bool
	}{
		{who: walt, what: "a forged token", subject: "millrace.acme.gateway.complete.pay", token: forged},
		{who: walt, what: "no token", subject: "millrace.acme.gateway.complete.pay"},
		{who: otto, what: "a token of another queue", subject: "millrace.acme.gateway.complete.other", token: task.Token},
		{who: otto, what: "another queue", subject: "millrace.acme.gateway.complete.pay", token: task.Token, withoutAnswers: true},
		{who: wendy, what: "a token of another tenant", subject: "millrace.bolt.gateway.complete.pay", token: task.Token},
		{who: wendy, what: "another tenant's gateway", subject: "millrace.acme.gateway.complete.pay", token: task.Token, withoutAnswers: true},
		{who: wendy, what: "an acknowledgement", subject: "$JS.ACK." + tasksStream + ".tasks+pay.1.1.1.1.0", withoutAnswers: true},
	} {
		body, err := json.Marshal(map[string]any{"token": x.token})
		s.ok(err)
		nc := s.server.Connect(x.who, nil)
		if x.withoutAnswers {
			s.ok(nc.Publish(x.subject, body))
			s.ok(nc.FlushTimeout(5 * time.Second))
			if !errors.Is(nc.LastError(), nats.ErrPermissionViolation) {
				t.Errorf("%s by %s: %v", x.what, x.who.Name, nc.LastError())
			}
			continue
		}
		answer, err := nc.Request(x.subject, body, 5*time.Second)
		if err != nil || !strings.Contains(string(answer.Data), `"denied"`) {
			t.Errorf("%s by %s: %s, %v", x.what, x.who.Name, answer.Data, err)
		}
	}
	queued, err := s.ns.TaskQueued(s.ctx, taskRef)
	if err != nil || !queued {
		t.Errorf("task is queued: %v, %v", queued, err)
	}
	// Its holder still has it.
	body, err := json.Marshal(map[string]any{"token": task.Token})
	s.ok(err)
	answer, err = mine.Request("millrace.acme.gateway.heartbeat.pay", body, 5*time.Second)
	if err != nil || !strings.Contains(string(answer.Data), `"leased":true`) {
		t.Errorf("heartbeat: %s, %v", answer.Data, err)
	}
}
