package healing

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/daemon"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

func (s *site) inspect() *streams.Status {
	s.Helper()
	status, err := streams.Inspect(s.ctx, s.nc, "default")
	s.must(err)
	return status
}

// broken are the streams that are not as they must be.
func broken(status *streams.Status) (names []string) {
	for _, x := range status.Streams {
		if x.Problem != nil {
			names = append(names, x.Name)
		}
	}
	return names
}

func TestStatusTellsWhatIsMissingAndWhatWasHealed(t *testing.T) {
	s := setup(t)
	s.work(func(w worker.Worker) { w.RegisterWorkflow(charge) })
	if status := s.inspect(); len(broken(status))+len(status.Healed)+len(status.Losses)+len(status.Stuck)+len(status.Problems) > 0 {
		t.Errorf("something is wrong from the beginning: %+v", status)
	}
	run := s.start("w", charge, "payments")
	s.until("task", func() bool { return s.count("TASKS", "millrace.default.0.task.payments.>") > 0 })
	s.must(s.js.DeleteStream(s.ctx, name("TASKS")))
	s.must(s.js.DeleteStream(s.ctx, "MILLRACE_default_DEADLETTER"))
	status := s.inspect()
	if got := broken(status); len(got) != 2 || got[0] != "MILLRACE_default_DEADLETTER" || got[1] != name("TASKS") || len(status.Problems) != 1 {
		t.Errorf("broken are %v, not known %v", got, status.Problems)
	}
	s.heal()
	s.await("send task")
	s.until("note of what was healed", func() bool { return s.inspect().Healed["send task"].Count > 0 })
	status = s.inspect()
	if h := status.Healed["create stream"]; h.Count != 2 || time.Since(h.Last) > time.Minute || len(broken(status)) > 0 {
		t.Errorf("created %+v, broken %v", h, broken(status))
	}
	if h := status.Healed["send task"]; !strings.Contains(h.Object, run.GetRunID()) {
		t.Errorf("sent %+v, should be that of run %s", h, run.GetRunID())
	}
}

func TestStatusTellsWhatTheBrokerHasLost(t *testing.T) {
	s := setup(t)
	s.work(func(w worker.Worker) { w.RegisterWorkflow(charge); w.RegisterActivity(pay) })
	s.ends(s.start("w", charge, queue), "paid")
	ctx, stop := context.WithCancel(s.ctx)
	page, looked := metrics.NewPage(), make(chan struct{})
	audit := daemon.NewAudit(s.ns, daemon.AuditConfig{Every: 100 * time.Millisecond, Ready: func() { close(looked) },
		Lost: func(streams.Loss) { metrics.Losses(page, "default").Inc(1) }})
	ended := make(chan error, 1)
	go func() { ended <- audit.Run(ctx) }()
	<-looked
	s.purge("HISTORY", "millrace.default.0.run.w.>")
	s.until("loss", func() bool { return len(s.inspect().Losses) > 0 })
	stop()
	s.must(<-ended)
	if losses := s.inspect().Losses; len(losses) != 1 || !strings.Contains(losses[0].Reason, name("HISTORY")) {
		t.Errorf("losses are %+v", losses)
	}
	if got := textOf(page); !strings.Contains(got, `millrace_losses{namespace="default"} 1`) {
		t.Errorf("metrics are %s", got)
	}
}

func TestStatusTellsWhichRunsAreStuck(t *testing.T) {
	s := setup(t)
	page := metrics.NewPage()
	c, err := client.NewClientFromExisting(s.client, client.Options{MetricsHandler: page})
	s.must(err)
	t.Cleanup(c.Close)
	w := worker.New(c, queue, worker.Options{})
	w.RegisterWorkflowWithOptions(func(workflow.Context) error { panic("no way") }, workflow.RegisterOptions{Name: "panics"})
	w.RegisterWorkflow(nap)
	s.must(w.Start())
	t.Cleanup(w.Stop)
	s.start("sleeps", nap, time.Hour)
	run := s.start("w", "panics")
	s.until("stuck run", func() bool { return len(s.inspect().Stuck) > 0 })
	stuck := s.inspect().Stuck
	if len(stuck) != 1 || stuck[0].Run.RunID != run.GetRunID() || stuck[0].Quarantined || !strings.Contains(stuck[0].Reason, "no way") {
		t.Errorf("stuck are %+v", stuck)
	}
	if got := textOf(page); !strings.Contains(got, `millrace_stuck_runs{cause="code",namespace="default",task_queue="healing"} `) {
		t.Errorf("metrics are %s", got)
	}
	s.must(s.client.TerminateWorkflow(s.ctx, "w", "", ""))
	if stuck := s.inspect().Stuck; len(stuck) > 0 {
		t.Errorf("stuck are %+v, though the run is terminated", stuck)
	}
}

func textOf(p *metrics.Page) string {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, nil)
	return w.Body.String()
}
