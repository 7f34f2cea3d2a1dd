package streams

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

func setupEmpty(t *testing.T) *fixture {
	t.Helper()
	server := devtest.Server(t)
	return &fixture{TB: t, ctx: testContext(t), server: server, nc: devtest.Conn(t, server)}
}

func TestPlanThenApply(t *testing.T) {
	t.Parallel()
	f := setupEmpty(t)
	_, err := Open(f.ctx, f.nc, "prod")
	f.is(err, ErrNamespaceNotFound)
	if !strings.Contains(err.Error(), "millrace namespace create prod") {
		t.Errorf("the error does not name the command: %v", err)
	}
	all, err := Namespaces(f.ctx, f.nc)
	if err != nil || len(all) != 0 {
		t.Errorf("namespaces of an empty broker: %v, %v", all, err)
	}

	plan, err := PlanNamespace(f.ctx, f.nc, "prod", CreateOptions{Partitions: 2})
	f.ok(err)
	if want := 1 + 1 + 3 + 2*4; len(plan.Changes) != want || len(plan.Conflicts()) != 0 {
		t.Errorf("%d changes, want %d: %+v", len(plan.Changes), want, plan.Changes)
	}
	_, err = Open(f.ctx, f.nc, "prod")
	f.is(err, ErrNamespaceNotFound) // planning changed nothing
	f.ok(plan.Apply(f.ctx))
	f.ok(plan.Apply(f.ctx)) // as after an interruption
	ns := f.open(f.nc, "prod")
	if ns.Partitions() != 2 || ns.Name() != "prod" || ns.Created().IsZero() {
		t.Errorf("opened %s with %d partitions, created %s", ns.Name(), ns.Partitions(), ns.Created())
	}
	plan, err = PlanNamespace(f.ctx, f.nc, "prod", CreateOptions{})
	f.ok(err)
	if len(plan.Changes) != 0 || plan.Partitions != 2 {
		t.Errorf("a complete namespace needs %+v", plan.Changes)
	}
	f.create("dev", CreateOptions{})
	all, err = Namespaces(f.ctx, f.nc)
	f.ok(err)
	if len(all) != 2 || all[0].Name != "dev" || all[0].Partitions != 1 || all[1].Name != "prod" || all[1].Partitions != 2 {
		t.Errorf("namespaces %+v", all)
	}
	if d := ns.Durability(); d != (Durability{Profile: ProfileDevelopment, Sync: SyncUnverified, Replicas: 1}) {
		t.Errorf("durability %+v", d)
	}
}

func TestPartitionsAreFixed(t *testing.T) {
	t.Parallel()
	f := setup(t, 2)
	plan, err := PlanNamespace(f.ctx, f.nc, "test", CreateOptions{Partitions: 4})
	f.ok(err)
	err = plan.Apply(f.ctx)
	var different *ConfigurationError
	if !errors.As(err, &different) || different.Differences[0] != (Difference{Field: "partitions", Ours: "4", Theirs: "2"}) {
		t.Errorf("error is %v", err)
	}
	if n := f.open(f.nc, "test").Partitions(); n != 2 {
		t.Errorf("%d partitions", n)
	}
}

// Two operators create one namespace with different numbers of partitions: one number wins for both.
func TestCompetingCreators(t *testing.T) {
	t.Parallel()
	f := setupEmpty(t)
	errs := make([]error, 6)
	var group sync.WaitGroup
	for i := range errs {
		plan, err := PlanNamespace(f.ctx, f.nc, "prod", CreateOptions{Partitions: 1 + i%2})
		f.ok(err)
		group.Go(func() { errs[i] = plan.Apply(f.ctx) })
	}
	group.Wait()
	n := f.open(f.nc, "prod").Partitions()
	for i, err := range errs {
		if wins := 1+i%2 == n; wins != (err == nil) || !wins && !errors.Is(err, ErrConfiguration) {
			t.Errorf("creator of %d partitions among %d: %v", 1+i%2, n, err)
		}
	}
}

// A stream that is not as it must be is refused, with every field named, and not touched.
func TestDifferentStreamIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	for name, change := range map[string]func(c *jetstream.StreamConfig){
		"allow_direct":     func(c *jetstream.StreamConfig) { c.AllowDirect = false },
		"duplicate_window": func(c *jetstream.StreamConfig) { c.Duplicates *= 2 },
		"max_msgs":         func(c *jetstream.StreamConfig) { c.MaxMsgs = 1000 },
		"republish":        func(c *jetstream.StreamConfig) { c.RePublish = nil },
		"metadata":         func(c *jetstream.StreamConfig) { c.Metadata["millrace.partitions"] = "7" },
		"discard":          func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
	} {
		ours := blueprint{"test", 1, 1, false}.history(0)
		theirs := blueprint{"test", 1, 1, false}.history(0)
		change(&theirs)
		f.ok(f.ns.api(f.ctx, "STREAM.UPDATE."+theirs.Name, theirs, nil))
		_, err := Open(f.ctx, f.nc, "test")
		var different *ConfigurationError
		if !errors.As(err, &different) || len(different.Differences) != 1 || different.Differences[0].Field != name ||
			different.Object != "stream "+ours.Name {
			t.Errorf("%s: %v", name, err)
		}
		plan, err := PlanNamespace(f.ctx, f.nc, "test", CreateOptions{})
		f.ok(err)
		f.is(plan.Apply(f.ctx), ErrConfiguration)
		info, err := f.ns.streamInfo(f.ctx, ours.Name)
		f.ok(err)
		if d, err := compareStream(theirs, info.Config); err != nil || len(d) > 0 {
			t.Errorf("%s: a plan that was refused changed %+v, %v", name, d, err)
		}
		f.ok(f.ns.api(f.ctx, "STREAM.UPDATE."+ours.Name, ours, nil))
	}
	f.open(f.nc, "test")
}

// persist_mode async acknowledges what is not written: such a stream is refused.
func TestAsyncPersistenceIsRefused(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	cfg := blueprint{"test", 1, 1, false}.history(0)
	f.ok(f.ns.api(f.ctx, "STREAM.DELETE."+cfg.Name, nil, nil))
	_, err := Open(f.ctx, f.nc, "test")
	f.is(err, ErrConfiguration) // a stream is missing
	cfg.PersistMode = jetstream.AsyncPersistMode
	f.ok(f.ns.createStream(f.ctx, cfg))
	_, err = Open(f.ctx, f.nc, "test")
	var different *ConfigurationError
	if !errors.As(err, &different) || different.Differences[0].Field != "persist_mode" {
		t.Errorf("error is %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	f := setupEmpty(t)
	for name, o := range map[string]CreateOptions{
		"a": {Partitions: -1}, "b": {Partitions: 1000}, "c": {Replicas: 6}, "d.e": {}, "": {},
	} {
		_, err := PlanNamespace(f.ctx, f.nc, name, o)
		f.is(err, ErrInvalid)
	}
}
