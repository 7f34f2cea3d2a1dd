package security_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/internal/security"
	"github.com/millrace-dev/millrace/internal/security/securitytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The users whose permissions are tried, one for each role, and one of another tenant.
var users = map[security.Role]security.User{
	security.RoleOperator:  {Name: "operator", Role: security.RoleOperator},
	security.RoleInstaller: {Name: "installer", Role: security.RoleInstaller},
	security.RoleEngine:    {Name: "engine", Role: security.RoleEngine},
	security.RoleStarter:   {Name: "alice", Role: security.RoleStarter, Namespace: "acme"},
	security.RoleViewer:    {Name: "vera", Role: security.RoleViewer, Namespace: "acme"},
	security.RoleWorker:    {Name: "walt", Role: security.RoleWorker, Namespace: "acme", Queues: []string{"pay", "in.kind"}},
}

var bound = security.User{Name: "bea", Role: security.RoleStarter, Namespace: "acme", Queues: []string{"main"}}

func server(t *testing.T) *securitytest.Server {
	t.Helper()
	i := security.Installation{Tenants: []security.Tenant{
		{Account: "ACME", Namespaces: []string{"acme"}},
		{Account: "BOLT", Namespaces: []string{"bolt"}, Users: []security.User{{Name: "bob", Role: security.RoleStarter, Namespace: "bolt"}}},
	}}
	for _, r := range security.Roles() {
		if r.Trusted() {
			i.Engine = append(i.Engine, users[r])
		} else {
			i.Tenants[0].Users = append(i.Tenants[0].Users, users[r])
		}
	}
	i.Tenants[0].Users = append(i.Tenants[0].Users, bound)
	return securitytest.Start(t, i)
}

// The roles by their first letters: operator, installer, engine, starter, viewer, worker.
const roleLetters = "oiesvw"

// classes are one subject of each class, and the roles that may publish and that may subscribe to it.
var classes = []struct{ subject, publish, subscribe string }{
	{"millrace.acme.gateway.info", "oiesvw", "oie"},
	{"millrace.acme.gateway.start.main", "oies", "oie"},
	{"millrace.acme.gateway.signal-with-start.main", "oies", "oie"},
	{"millrace.acme.gateway.signal", "oies", "oie"},
	{"millrace.acme.gateway.cancel", "oies", "oie"},
	{"millrace.acme.gateway.terminate", "oies", "oie"},
	{"millrace.acme.gateway.query", "oies", "oie"},
	{"millrace.acme.gateway.update", "oies", "oie"},
	{"millrace.acme.gateway.outcome", "oies", "oie"},
	{"millrace.acme.gateway.describe", "oiesv", "oie"},
	{"millrace.acme.gateway.result", "oiesv", "oie"},
	{"millrace.acme.gateway.poll.pay", "oiew", "oie"},
	{"millrace.acme.gateway.complete.pay", "oiew", "oie"},
	{"millrace.acme.gateway.heartbeat.pay", "oiew", "oie"},
	{"millrace.acme.gateway.poll.in=2Ekind", "oiew", "oie"},
	// Another queue, another verb, another namespace.
	{"millrace.acme.gateway.poll.other", "oie", "oie"},
	{"millrace.acme.gateway.complete.other", "oie", "oie"},
	{"millrace.acme.gateway.poll.in.kind", "oie", "oie"},
	{"millrace.acme.gateway.unknown", "oie", "oie"},
	{"millrace.bolt.gateway.start.main", "oie", "oie"},
	{"millrace.bolt.gateway.poll.pay", "oie", "oie"},
	{"millrace.acme.lease.3f2f", "oie", "oie"},
	// Streams, what is published live, what others may ask in the engine's account.
	{"millrace.acme.0.run.w.r.history", "oie", "oie"},
	{"millrace.acme.0.run.w.r.start.main.-", "oie", "oie"},
	{"millrace.acme.0.inbox.main.-.w.r.s", "oie", "oie"},
	{"millrace.acme.0.timer.w.r", "oie", "oie"},
	{"millrace.acme.0.task.pay.-.-.w.r.5", "oie", "oie"},
	{"millrace.acme.live.w.r", "oie", "oie"},
	{"millrace.acme.done.x.r", "oie", "oie"},
	{"millrace.acme.query.main.-", "oie", "oie"},
	{"millrace.acme.intake.start.T.w", "oie", "oie"},
	{"millrace.acme.request.start.T.w", "oie", "oie"},
	{"$KV.MILLRACE_NAMESPACES.acme.gateway", "oie", "o"},
	// JetStream.
	{"$JS.API.INFO", "oie", "o"},
	{"$JS.API.STREAM.INFO.MILLRACE_acme_0_HISTORY", "oie", "o"},
	{"$JS.API.STREAM.MSG.GET.MILLRACE_acme_0_HISTORY", "oie", "o"},
	{"$JS.API.DIRECT.GET.MILLRACE_acme_0_HISTORY", "oie", "o"},
	{"$JS.API.CONSUMER.CREATE.MILLRACE_acme_0_TASKS.c.f", "oie", "o"},
	{"$JS.API.CONSUMER.MSG.NEXT.MILLRACE_acme_0_TASKS.c", "oie", "o"},
	{"$JS.ACK.MILLRACE_acme_0_TASKS.c.1.1.1.1.0", "oie", "o"},
	{"$JS.API.STREAM.PURGE.MILLRACE_acme_0_TASKS", "oie", "o"},
	{"$JS.API.STREAM.CREATE.MILLRACE_x", "oi", "o"},
	{"$JS.API.STREAM.UPDATE.MILLRACE_acme_0_HISTORY", "oi", "o"},
	{"$JS.API.STREAM.DELETE.MILLRACE_acme_0_HISTORY", "o", "o"},
	{"$JS.API.STREAM.RESTORE.MILLRACE_acme_0_HISTORY", "o", "o"},
	{"$JS.API.STREAM.SNAPSHOT.MILLRACE_acme_0_HISTORY", "o", "o"},
	{"$JS.API.STREAM.LEADER.STEPDOWN.MILLRACE_acme_0_HISTORY", "o", "o"},
	{"$JS.API.STREAM.NAMES", "oie", "o"},
	{"$JS.API.CONSUMER.LIST.MILLRACE_acme_0_TASKS", "oie", "o"},
	{"$JS.API.CONSUMER.DELETE.MILLRACE_acme_0_TASKS.c", "oie", "o"},
	{"$JS.API.CONSUMER.RESET.MILLRACE_acme_0_TASKS.c", "oie", "o"},
	{"$JS.API.CONSUMER.LEADER.STEPDOWN.MILLRACE_acme_0_TASKS.c", "oie", "o"},
	{"$JS.EVENT.ADVISORY.API", "o", "o"},
	// Inboxes: of the engine, one's own, somebody else's.
	{"_INBOX.x.y", "oie", "oie"},
	{"_INBOX_alice.x.y", "o", "os"},
	{"_INBOX_walt.x.y", "o", "ow"},
	{"_INBOX_bob.x.y", "o", "o"},
	{"_R_.x.y", "oie", "o"},
	{"$SRV.PING", "o", "oie"},
	{"anything.else", "o", "o"},
	{">", "o", "o"},
	{"millrace.>", "oie", "oie"},
}

func TestEachRoleMayUseItsSubjectsAndNoOthers(t *testing.T) {
	s := server(t)
	for i, role := range security.Roles() {
		nc := s.Connect(users[role], nil)
		letter := roleLetters[i : i+1]
		for _, c := range classes {
			if !strings.HasSuffix(c.subject, ">") {
				check(t, nc, string(role)+" Publish", c.subject, strings.Contains(c.publish, letter), func() error { return nc.Publish(c.subject, nil) })
			}
			check(t, nc, string(role)+" Subscription", c.subject, strings.Contains(c.subscribe, letter), func() error {
				sub, err := nc.SubscribeSync(c.subject)
				if err == nil {
					t.Cleanup(func() { _ = sub.Unsubscribe() })
				}
				return err
			})
		}
	}
	nc := s.Connect(bound, nil)
	for subject, allowed := range map[string]bool{"millrace.acme.gateway.start.main": true, "millrace.acme.gateway.start.pay": false} {
		check(t, nc, "bound Publish", subject, allowed, func() error { return nc.Publish(subject, nil) })
	}
}

// check does something with a subject and compares what the server says to it with what it should. The server's refusal
// comes before its answer to the flush, and names the subject.
func check(t *testing.T, nc *nats.Conn, what, subject string, allowed bool, do func() error) {
	t.Helper()
	if err := do(); err != nil {
		t.Errorf("%s %s: %v", what, subject, err)
		return
	}
	if err := nc.FlushTimeout(5 * time.Second); err != nil {
		t.Fatalf("%s %s: %v", what, subject, err)
	}
	last := nc.LastError()
	refused := errors.Is(last, nats.ErrPermissionViolation) && strings.Contains(last.Error(), strings.Fields(what)[1]) &&
		strings.Contains(last.Error(), `"`+subject+`"`)
	if refused == allowed {
		t.Errorf("%s %s: allowed is %v, should be %v (%v)", what, subject, !refused, allowed, last)
	}
}

func TestPermissionsAreListsOfWhatIsAllowed(t *testing.T) {
	for role, u := range users {
		p, err := u.Permissions()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range append(p.Publish, p.Subscribe...) {
			tenants := strings.HasPrefix(s, "millrace.acme.gateway.") || strings.HasPrefix(s, u.InboxPrefix()+".")
			if !role.Trusted() && (!tenants || strings.Contains(s, ">") && !strings.HasPrefix(s, "_INBOX_")) {
				t.Errorf("%s has %q", role, s)
			}
		}
	}
}

func TestUsersThatMakeNoSenseAreRefused(t *testing.T) {
	for _, u := range []security.User{
		{},
		{Name: "a.b", Role: security.RoleEngine},
		{Name: "a", Role: "king"},
		{Name: "a", Role: security.RoleEngine, Namespace: "acme"},
		{Name: "a", Role: security.RoleWorker, Namespace: "acme"},
		{Name: "a", Role: security.RoleStarter},
		{Name: "a", Role: security.RoleStarter, Namespace: "ac.me"},
		{Name: "a", Role: security.RoleViewer, Namespace: "acme", Queues: []string{"q"}},
		{Name: "a", Role: security.RoleWorker, Namespace: "acme", Queues: []string{""}},
	} {
		if p, err := u.Permissions(); !errors.Is(err, security.ErrInvalid) {
			t.Errorf("%+v: %v, %v", u, p, err)
		}
	}
}

func TestAnAccountCannotImportWhatItWasNotGiven(t *testing.T) {
	i := security.Installation{
		Engine: []security.User{users[security.RoleEngine]},
		Tenants: []security.Tenant{
			{Account: "ACME", Namespaces: []string{"acme"}, Users: []security.User{users[security.RoleStarter]}},
			{Account: "BOLT", Namespaces: []string{"bolt"}, Users: []security.User{{Name: "bob", Role: security.RoleStarter, Namespace: "bolt"}}},
		},
	}
	text, err := i.Accounts(func(string, security.User) string { return securitytest.Password })
	if err != nil {
		t.Fatal(err)
	}
	if err := securitytest.Check(t, text); err != nil {
		t.Fatalf("the installation itself: %v", err)
	}
	// BOLT's import is changed; the export stays.
	forged := strings.Replace(text, `{service: {account: ENGINE, subject: "millrace.bolt.gateway.>"}}`, `{service: {account: ENGINE, subject: "millrace.acme.gateway.>"}}`, 1)
	if forged == text {
		t.Fatal("nothing was changed")
	}
	if err := securitytest.Check(t, forged); err == nil {
		t.Error("the server lets an account import the gateway of a namespace that it was not given")
	}
}
