package streams

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// TestProfilesThatServersCannotGiveAreRefused when a namespace is created, and the refusal says what is missing.
func TestProfilesThatServersCannotGiveAreRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	for _, c := range []struct {
		profile  string
		sync     Sync
		replicas int
		refused  string // what the refusal names, empty for none
	}{
		{"", SyncLazy, 1, ""},
		{ProfileDevelopment, SyncUnverified, 1, ""},
		{ProfileDevelopment, SyncLazy, 3, ""},
		{ProfileDurable, SyncAlways, 1, ""},
		{ProfileDurable, SyncAssumed, 1, ""},
		{ProfileDurable, SyncUnverified, 1, "--assume-sync"},
		{ProfileDurable, "", 1, "--assume-sync"},
		{ProfileDurable, SyncLazy, 1, "sync_interval"},
		{ProfileReplicated, SyncAlways, 3, ""},
		{ProfileReplicated, SyncAlways, 0, "num_replicas is 1 instead of 3 or more"},
		{ProfileReplicated, SyncLazy, 1, "num_replicas is 1"},
		{ProfileReplicated, SyncUnverified, 3, "sync_interval"},
		{"durabel", SyncAlways, 1, "development, durable or replicated"},
	} {
		plan, err := PlanNamespace(f.ctx, f.nc, "other", CreateOptions{Profile: c.profile, Sync: c.sync, Replicas: c.replicas})
		switch {
		case c.refused == "" && err != nil:
			t.Errorf("%+v is refused: %v", c, err)
		case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
			t.Errorf("%+v: error is %v", c, err)
		case c.refused != "" && !errors.Is(err, ErrConfiguration) && !errors.Is(err, ErrInvalid):
			t.Errorf("%+v: error %v has no kind", c, err)
		case err == nil && plan.Durability.Survives() == "":
			t.Errorf("%+v survives nothing", c)
		}
	}
}

func TestWhatANamespacePromisesIsKept(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	ns := f.create("durable", CreateOptions{Profile: ProfileDurable, Sync: SyncAssumed})
	if d := ns.Durability(); d != (Durability{Profile: ProfileDurable, Sync: SyncAssumed, Replicas: 1}) || !strings.Contains(d.Survives(), "as was said") {
		t.Errorf("durability is %+v: %s", d, d.Survives())
	}
	f.ok(ns.CheckSync(SyncUnverified))
	f.ok(ns.CheckSync(SyncAlways))
	f.is(ns.CheckSync(SyncLazy), ErrConfiguration)
	f.ok(f.ns.CheckSync(SyncLazy)) // development

	// Asked for again it is complete; asked for otherwise it is refused; without a wish it stays.
	plan, err := PlanNamespace(f.ctx, f.nc, "durable", CreateOptions{Profile: ProfileDevelopment})
	f.ok(err)
	if c := plan.Conflicts(); len(c) != 1 || c[0].Differences[0].Field != "durability profile" {
		t.Errorf("conflicts %+v, want one about the profile", c)
	}
	f.is(plan.Apply(f.ctx), ErrConfiguration)
	plan, err = PlanNamespace(f.ctx, f.nc, "durable", CreateOptions{})
	f.ok(err)
	if len(plan.Changes) > 0 || plan.Durability.Profile != ProfileDurable {
		t.Errorf("plan is %+v", plan)
	}
	f.is(SetProfile(f.ctx, f.nc, "durable", ProfileReplicated, SyncAlways), ErrConfiguration)
	f.is(SetProfile(f.ctx, f.nc, "test", ProfileDurable, SyncUnverified), ErrConfiguration)
	f.is(SetProfile(f.ctx, f.nc, "test", "best", SyncAlways), ErrInvalid)
	f.ok(SetProfile(f.ctx, f.nc, "test", ProfileDurable, SyncAlways))
	if d := f.open(f.nc, "test").Durability(); d.Profile != ProfileDurable || d.Sync != SyncAlways {
		t.Errorf("durability is %+v after it was set", d)
	}
	f.ok(SetProfile(f.ctx, f.nc, "test", ProfileDevelopment, SyncLazy))

	// Streams that were scaled down cannot give what was promised.
	f.ok(ns.promise(f.ctx, Durability{Profile: ProfileReplicated, Sync: SyncAlways}))
	_, err = Open(f.ctx, f.nc, "durable")
	f.is(err, ErrConfiguration)
	if !strings.Contains(err.Error(), "num_replicas is 1 instead of 3 or more") {
		t.Errorf("error is %v", err)
	}
}

// TestServersAreAskedHowTheyFlush by a connection to the system account; others learn nothing.
func TestServersAreAskedHowTheyFlush(t *testing.T) {
	t.Parallel()
	for _, always := range []bool{true, false} {
		users := server.NewAccount("USERS")
		system := server.NewAccount("SYS")
		s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
			SyncAlways: always, SyncInterval: time.Minute, Accounts: []*server.Account{users, system}, SystemAccount: "SYS",
			Users: []*server.User{{Username: "user", Password: "p", Account: users}, {Username: "sys", Password: "p", Account: system}}})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		if !s.ReadyForConnections(10 * time.Second) {
			t.Fatal("the server does not start")
		}
		for user, want := range map[string]Sync{"user": SyncUnverified, "sys": map[bool]Sync{true: SyncAlways, false: SyncLazy}[always]} {
			nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, "p"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(nc.Close)
			if got, err := AskSync(t.Context(), nc); err != nil || got != want {
				t.Errorf("with sync always %v %s learns %q, %v, want %q", always, user, got, err, want)
			}
		}
	}
}
