package daemon

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fixture struct {
	ctx context.Context
	nc  *nats.Conn
	ns  *streams.Namespace
}

func setup(t *testing.T) fixture {
	t.Helper()
	t.Parallel()
	f := fixture{ctx: t.Context(), nc: devtest.Conn(t, devtest.Server(t))}
	plan, err := streams.PlanNamespace(f.ctx, f.nc, "default", streams.CreateOptions{Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(f.ctx); err != nil {
		t.Fatal(err)
	}
	if f.ns, err = streams.Open(f.ctx, f.nc, "default"); err != nil {
		t.Fatal(err)
	}
	return f
}

// serve runs an intake until the test ends and returns when it is ready.
func (f fixture) serve(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	intake := NewIntake(f.ns, IntakeConfig{Ready: func() { close(ready) }})
	go func() { ended <- intake.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("intake ended with %v", err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		ended <- nil
		t.Fatalf("intake did not start: %v", err)
	}
}

// await calls look until it is satisfied: the intake works in the background and tells nobody.
func await(t *testing.T, what string, look func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !look() {
		select {
		case <-deadline:
			t.Fatalf("no %s after 20 s", what)
		case <-tick.C:
		}
	}
}

func (f fixture) publish(t *testing.T, subject, body string, headers ...string) {
	t.Helper()
	if _, err := f.nc.RequestMsg(message(subject, body, headers...), 5*time.Second); err != nil {
		t.Fatalf("publish to %s: %v", subject, err)
	}
}

func message(subject, body string, headers ...string) *nats.Msg {
	m := &nats.Msg{Subject: subject, Data: []byte(body), Header: nats.Header{}}
	for i := 0; i < len(headers); i += 2 {
		m.Header[headers[i]] = append(m.Header[headers[i]], headers[i+1])
	}
	return m
}

// startOf waits for the start of a workflow ID.
func (f fixture) startOf(t *testing.T, workflowID string) *history.Start {
	t.Helper()
	var start *history.Start
	await(t, "start of "+workflowID, func() bool {
		found, err := f.ns.LastStart(f.ctx, workflowID)
		if err == nil {
			start, err = history.DecodeStart(found.Data)
		}
		return err == nil
	})
	return start
}

func (f fixture) letters(t *testing.T) []streams.DeadLetter {
	t.Helper()
	var all []streams.DeadLetter
	for d, err := range f.ns.DeadLetters(f.ctx, 0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// append closes or continues a run by hand.
func (f fixture) append(t *testing.T, run history.Run, number uint64, expected uint64, at time.Time, events ...history.Event) uint64 {
	t.Helper()
	return f.appendUnder(t, history.StartIdentity, run, number, expected, at, events...)
}

// appendUnder writes a run's next record under a cover.
func (f fixture) appendUnder(t *testing.T, cover string, run history.Run, number uint64, expected uint64, at time.Time, events ...history.Event) uint64 {
	t.Helper()
	data, err := history.Encode(&history.Transition{
		RunID: run.RunID, Number: number, CommitID: "c", Previous: expected, Cover: cover, Time: at, Events: events,
	})
	if err != nil {
		t.Fatal(err)
	}
	seq, err := f.ns.Append(f.ctx, run, data, streams.RecordInfo{Number: number, CommitID: "c", Previous: expected}, expected)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}
