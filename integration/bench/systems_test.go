package main

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func newGround(t *testing.T) (context.Context, *ground) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	o, err := parseOptions([]string{"-partitions", "2"})
	if err != nil {
		t.Fatal(err)
	}
	g, err := openGround(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, g
}

// stored is how many messages were ever stored in the streams of one kind, and how many of them are left.
func stored(ctx context.Context, t *testing.T, g *ground, namespace, kind string) (published, left uint64) {
	t.Helper()
	js, err := jetstream.New(g.admin)
	if err != nil {
		t.Fatal(err)
	}
	for _, partition := range []string{"0", "1"} {
		s, err := js.Stream(ctx, "MILLRACE_"+namespace+"_"+partition+"_"+kind)
		if err != nil {
			t.Fatal(err)
		}
		state := s.CachedInfo().State
		published += state.LastSeq
		left += state.Msgs
	}
	return published, left
}

// The ratios mean something only while the bare forms ask of the broker what they are said to.
func TestBareFormsPublishWhatARunPublishes(t *testing.T) {
	const runs = 4
	for _, tc := range []struct {
		name                  string
		system                contestant
		job                   job
		history, tasks, inbox uint64 // publishes of one run; a history of 0 is not checked
	}{
		{"one activity by the queue", bareQueue(), job{steps: 1}, 3, 1, 1},
		{"one activity, eager", bareEager(), job{steps: 1}, 3, 0, 0},
		{"ten activities by the queue", bareQueue(), job{steps: 10}, 12, 10, 10},
		{"ten activities, eager", bareEager(), job{steps: 10}, 12, 0, 0},
		{"a fan-out of 250", bareQueue(), job{fan: 250}, 5, 250, 250},
		{"signals", bareQueue(), job{signals: 30, inFlight: 4}, 0, 0, 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx, g := newGround(t)
			namespace, remove, err := g.namespace(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer remove()
			sys, err := tc.system.open(ctx, g, namespace)
			if err != nil {
				t.Fatal(err)
			}
			defer sys.close()
			for _, id := range [runs]string{"w-1", "w-2", "w-3", "w-4"} {
				if err := sys.do(ctx, id, tc.job); err != nil {
					t.Fatal(err)
				}
			}
			for _, want := range []struct {
				kind string
				each uint64
			}{{"HISTORY", tc.history}, {"TASKS", tc.tasks}, {"INBOX", tc.inbox}} {
				got, _ := stored(ctx, t, g, namespace, want.kind)
				if got != runs*want.each && (want.kind != "HISTORY" || tc.history > 0) {
					t.Errorf("%s has %d messages of %d runs, want %d", want.kind, got, runs, runs*want.each)
				}
			}
			awaitEmpty(ctx, t, g, namespace)
		})
	}
}

// awaitEmpty waits until everything is acknowledged: acknowledgements are not confirmed, so they may still be on their way.
func awaitEmpty(ctx context.Context, t *testing.T, g *ground, namespace string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		_, tasks := stored(ctx, t, g, namespace, "TASKS")
		_, inbox := stored(ctx, t, g, namespace, "INBOX")
		if tasks == 0 && inbox == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%d tasks and %d inbox messages are left unacknowledged", tasks, inbox)
		}
	}
}

func TestMillraceDoesEachJob(t *testing.T) {
	ctx, g := newGround(t)
	namespace, remove, err := g.namespace(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	o, err := observe(g, namespace)
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	sys, err := millrace().open(ctx, g, namespace)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.close()
	for id, j := range map[string]job{"steps": {steps: 3}, "fan": {fan: 12}, "signals": {signals: 10, inFlight: 3}} {
		if err := sys.do(ctx, id, j); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	if err := o.awaitClosed(ctx, 3); err != nil {
		t.Fatal(err)
	}
	for id, at := range o.closed {
		if at.IsZero() || at.After(o.seen[id]) {
			t.Errorf("run %s: closed at %v, seen at %v: the time of storing is not what the broker says", id, at, o.seen[id])
		}
	}
}

// On replicas the first request can come before its server knows who leads the consumer.
func TestAPullThatReachesNobodyIsRepeated(t *testing.T) {
	ctx, g := newGround(t)
	nc, err := g.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	got := make(chan string, 1)
	p := &barePull{nc: nc, next: "late", inbox: nc.NewInbox(), handle: func(m *nats.Msg) { got <- string(m.Data) }}
	asked := make(chan struct{}, 1)
	if _, err := nc.Subscribe(p.inbox, func(m *nats.Msg) {
		if nobody(m) {
			select {
			case asked <- struct{}{}:
			default:
			}
		}
		p.receive(m)
	}); err != nil {
		t.Fatal(err)
	}
	if err := p.request(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-asked: // in vain
	case <-ctx.Done():
		t.Fatal("a request that reaches nobody was not answered")
	}
	if _, err := g.admin.Subscribe("late", func(m *nats.Msg) {
		if err := g.admin.PublishRequest(m.Reply, "ack", []byte("first")); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case data := <-got:
		if left := p.left.Load(); data != "first" || left != pullBatch-1 {
			t.Errorf("received %q with %d left, want first with %d", data, left, pullBatch-1)
		}
	case <-ctx.Done():
		t.Fatal("the request was not repeated")
	}
}

// On replicas a stream refuses to judge an expectation while another message for the subject is on its way.
func TestABusyStreamIsAskedAgain(t *testing.T) {
	ctx, g := newGround(t)
	var asked atomic.Int64
	if _, err := g.admin.Subscribe("stream", func(m *nats.Msg) {
		answer := `{"stream":"S", "seq":7}`
		if asked.Add(1) < 3 {
			answer = `{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"},"stream":"S","seq":0}`
		}
		if err := m.Respond([]byte(answer)); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := g.admin.Flush(); err != nil {
		t.Fatal(err)
	}
	nc, err := g.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	c, err := newBareConn(nc, fail)
	if err != nil {
		t.Fatal(err)
	}
	stored := make(chan uint64, 1)
	c.publish("stream", nil, bareBody, func(seq uint64) { stored <- seq })
	select {
	case seq := <-stored:
		if seq != 7 || asked.Load() != 3 {
			t.Errorf("stored at %d after %d publishes, want 7 after 3", seq, asked.Load())
		}
	case <-ctx.Done():
		t.Fatal(context.Cause(ctx))
	}
}
