package security_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/daemon"
	"github.com/millrace-dev/millrace/internal/security"
	"github.com/millrace-dev/millrace/internal/security/securitytest"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
)

// TestTheEngineMayHeal: a daemon has no more permissions than the engine, and needs some that nothing else needs.
func TestTheEngineMayHeal(t *testing.T) {
	t.Parallel()
	s := open(t, securitytest.Start(t, security.Installation{Engine: []security.User{operator, engine},
		Tenants: []security.Tenant{{Account: "ACME", Namespaces: []string{"acme"}, Users: []security.User{alice}}}}))
	w := worker.New(s.dial(engine), "main", worker.Options{})
	w.RegisterWorkflow(buy)
	s.ok(w.Start())
	defer w.Stop()
	start := func(id string) {
		t.Helper()
		_, err := s.dial(engine).ExecuteWorkflow(s.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: "main"}, buy, "a boat")
		s.ok(err)
	}
	start("first")
	s.await("task", func() bool { return s.count("MILLRACE_acme_0_TASKS") == 1 })
	tasks, err := s.js.Stream(s.ctx, "MILLRACE_acme_0_TASKS")
	s.ok(err)
	s.ok(tasks.Purge(s.ctx))
	_, err = s.js.PauseConsumer(s.ctx, "MILLRACE_acme_0_HISTORY", "starts+main", time.Now().Add(time.Hour))
	s.ok(err)
	start("second") // it waits at the consumer

	nc := s.server.Connect(engine, func(err error) { t.Errorf("the engine is refused: %v", err) })
	ns, err := streams.Open(s.ctx, nc, "acme")
	s.ok(err)
	var mu sync.Mutex
	healed := map[string]int{}
	h := daemon.NewHealer(ns, daemon.HealerConfig{Every: 200 * time.Millisecond, StallAfter: time.Second, ScanEvery: 300 * time.Millisecond,
		Age: time.Second, Rate: 1000, Healed: func(h daemon.Healing) {
			mu.Lock()
			defer mu.Unlock()
			healed[h.Measure]++
		}})
	ctx, stop := context.WithCancel(s.ctx)
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	s.await("both tasks", func() bool { return s.count("MILLRACE_acme_0_TASKS") == 2 })
	s.await("word of the last measure", func() bool { // which may have had its effect before it was answered
		mu.Lock()
		defer mu.Unlock()
		return healed["recreate consumer"] > 0
	})
	stop()
	s.ok(<-ended)
	noted, err := ns.Healed(s.ctx)
	s.ok(err)
	for _, measure := range []string{"send task", "reset consumer", "recreate consumer"} {
		if healed[measure] == 0 || noted[measure].Count != uint64(healed[measure]) {
			t.Errorf("%s: done %d times, noted %+v", measure, healed[measure], noted[measure])
		}
	}
}
