package hostile

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/integration/verify"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

var (
	floodMessages = flag.Int("hostile.messages", 600, "how many malformed messages each subject gets")
	floodSeed     = flag.Uint64("hostile.seed", 0, "what makes the same messages again; 0 chooses")
	floodOnly     = flag.String("hostile.only", "", "the subjects that get them, by name and separated by commas; empty for all")
	floodRate     = flag.Int("hostile.rate", 0, "how many messages a second; 0 for as fast as the connection takes them")
	floodStrict   = flag.Bool("hostile.strict", false, "fail when healthy runs take more than twice as long as without the flood, that of any one subject: on a machine that does nothing else")
)

// healthy is what goes on beside the flood.
func healthy(ctx workflow.Context, n int) (int, error) {
	err := workflow.ExecuteActivity(queued(ctx), "double", n).Get(ctx, &n)
	return n, err
}

// victim waits for a word.
func victim(ctx workflow.Context) (string, error) {
	if err := workflow.SetQueryHandler(ctx, "state", func() (string, error) { return "waiting", nil }); err != nil {
		return "", err
	}
	var word string
	for word != "finish" {
		if err := workflow.ExecuteActivity(queued(ctx), "double", 1).Get(ctx, nil); err != nil {
			return "", err
		}
		workflow.GetSignalChannel(ctx, "word").Receive(ctx, &word)
	}
	return word, nil
}

// flood is what is done to one kind of subject.
type flood struct {
	name string
	// bases are valid messages of which malformed ones are made.
	bases []*nats.Msg
	// kept is how many of the subject's tokens stay, so that it stays a subject of its kind.
	kept int
	// replies are reply subjects that a sender may name, so that whoever answers publishes there.
	replies []string
	// mighty allows the headers that trusted processes arm wake-ups with.
	mighty bool
}

func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	e := newEngine(t, "default")
	e.work(queue, map[string]any{"Healthy": healthy, "Victim": victim},
		map[string]any{"double": func(_ context.Context, n int) (int, error) { return 2 * n, nil }})
	seed := *floodSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	start := func(id string) history.Run {
		run, err := e.client.ExecuteWorkflow(e.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, "Victim")
		e.must(err)
		return history.Run{WorkflowID: id, RunID: run.GetRunID()}
	}
	closed, open := start("closed"), start("open")
	e.say("closed", "finish")
	e.must(e.client.GetWorkflow(e.ctx, closed.WorkflowID, "").Get(e.ctx, nil))
	e.await(open, 2)
	before := e.records(closed)

	load := e.startLoad()
	baseline := load.phase(time.Second)
	// A machine with other things to do proves little about milliseconds: without -hostile.strict, what counts is that
	// nothing stands still.
	limit := func(name string, l latencies) {
		most := max(2*baseline.P99, 15*time.Second)
		if *floodStrict {
			most = 2 * baseline.P99
		}
		if l.P99 > most {
			t.Errorf("%s: the p99 of healthy runs rose from %v to %v", name, baseline.P99, l.P99)
		}
	}
	sent := map[string]int{}
	for _, f := range e.floods(closed, open) {
		if *floodOnly != "" && !slices.Contains(strings.Split(*floodOnly, ","), f.name) {
			continue
		}
		began := time.Now()
		sent[f.name] = e.pour(f, seed, *floodMessages)
		poured := time.Since(began).Round(time.Millisecond)
		e.workedOff()
		slow := load.latest()
		t.Logf("%-10s %6d messages in %v, worked off after %v; healthy runs since then: %d, p99 %v, at most %v", f.name, sent[f.name],
			poured, time.Since(began).Round(time.Millisecond), slow.Count, slow.P99, slow.Max)
		limit(f.name, slow)
	}
	during := load.latestOfAll()
	load.stop()
	t.Logf("p99 of healthy runs: %v before, %v during the flood (%d and %d runs), at most %v and %v",
		baseline.P99, during.P99, baseline.Count, during.Count, baseline.Max, during.Max)
	limit("all", during)
	e.checkVictims(closed, open, before)
	e.checkAccounts()
	if strings.Contains(e.log.text(), "panic") {
		t.Errorf("something panicked:\n%s", e.log.text())
	}
	e.checkAll()
}

func (e *engine) say(id, word string) {
	e.Helper()
	e.must(e.client.SignalWorkflow(e.ctx, id, "", "word", word))
}

// records are the bodies of a run's records.
func (e *engine) records(run history.Run) []string {
	e.Helper()
	loaded, err := e.streams.Load(e.ctx, run, 0)
	e.must(err)
	var all []string
	for _, r := range loaded.Records {
		all = append(all, string(r.Data))
	}
	return all
}

// await waits until a run has as many records.
func (e *engine) await(run history.Run, n int) {
	e.Helper()
	f, err := e.streams.Follow(e.ctx, run, 0)
	e.must(err)
	defer f.Close()
	for range n {
		if _, err := f.Next(e.ctx); err != nil {
			e.Fatal(err)
		}
	}
}

// count counts the messages of a stream.
func (e *engine) count(stream, filter string) int {
	e.Helper()
	js, err := jetstream.New(e.conn)
	e.must(err)
	prefix := "MILLRACE_default_"
	if stream != "DEADLETTER" && stream != "INTAKE" {
		prefix += "0_"
	}
	s, err := js.Stream(e.ctx, prefix+stream)
	e.must(err)
	info, err := s.Info(e.ctx, jetstream.WithSubjectFilter(filter))
	e.must(err)
	n := uint64(0)
	for _, k := range info.State.Subjects {
		n += k
	}
	return int(n)
}

// pour publishes malformed messages, without waiting for anything but the connection. It returns how many.
func (e *engine) pour(f flood, seed uint64, n int) int {
	e.Helper()
	r := &mutant{Rand: rand.New(rand.NewPCG(seed, uint64(len(f.name)))), kept: f.kept, headers: append(natsHeaders(), ourHeaders()...)}
	if !f.mighty {
		r.headers = slices.DeleteFunc(r.headers, func(h string) bool { return mightyHeaders()[h] })
	}
	r.replies = f.replies
	sent, began := 0, time.Now()
	for i := range n {
		if *floodRate > 0 && i%50 == 0 {
			time.Sleep(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(*floodRate))))
		}
		m := r.next(f.bases[i%len(f.bases)])
		if err := e.conn.PublishMsg(m); err != nil {
			continue // the client library refuses the subject
		}
		if sent++; sent%100 == 0 {
			e.must(e.conn.FlushWithContext(e.ctx))
		}
	}
	e.must(e.conn.FlushWithContext(e.ctx))
	return sent
}

// workedOff waits until everything that waits has been delivered, and a moment has passed in which there came no more dead
// letters: what malformed messages cost is not over when they have been published.
func (e *engine) workedOff() {
	e.Helper()
	js, err := jetstream.New(e.conn)
	e.must(err)
	var streams []jetstream.Stream
	for _, name := range []string{"0_HISTORY", "0_INBOX", "0_TASKS", "INTAKE"} {
		s, err := js.Stream(e.ctx, "MILLRACE_default_"+name)
		e.must(err)
		streams = append(streams, s)
	}
	letters, err := js.Stream(e.ctx, "MILLRACE_default_DEADLETTER")
	e.must(err)
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for still, last := 0, uint64(0); still < 4; {
		select {
		case <-tick.C:
		case <-e.ctx.Done():
			e.Fatal("the flood is not worked off")
		}
		pending := uint64(0)
		for _, s := range streams {
			for c := range s.ListConsumers(e.ctx).Info() {
				pending += c.NumPending
			}
		}
		info, err := letters.Info(e.ctx)
		e.must(err)
		if still++; pending > 100 || info.State.LastSeq > last {
			still, last = 0, info.State.LastSeq
		}
	}
}

// checkVictims verifies that no history has changed and that the open run goes on.
func (e *engine) checkVictims(closed, open history.Run, before []string) {
	e.Helper()
	if after := e.records(closed); !slices.Equal(before, after) {
		e.Errorf("the closed run had %d records, and has %d others now", len(before), len(after))
	}
	if v, err := e.client.QueryWorkflow(e.ctx, open.WorkflowID, open.RunID, "state"); err != nil {
		e.Errorf("query: %v", err)
	} else if state := ""; v.Get(&state) != nil || state != "waiting" {
		e.Errorf("the open run is %q", state)
	}
	e.say("open", "once more")
	e.say("open", "finish")
	ctx, cancel := context.WithTimeout(e.ctx, 30*time.Second)
	defer cancel()
	var word string
	if err := e.client.GetWorkflow(ctx, open.WorkflowID, open.RunID).Get(ctx, &word); err != nil || word != "finish" {
		e.Fatalf("the open run returned %q, %v\n%s", word, err, e.log.text())
	}
}

// checkAll has the verifier look at everything that is stored. What the flood left waiting is known; nothing else may be
// wrong.
func (e *engine) checkAll() {
	e.Helper()
	dir := e.TempDir()
	e.must(verify.Dump(e.ctx, e.conn, e.namespace, dir))
	e.must(verify.WritePlan(dir, verify.Plan{Junk: true}))
	r, err := verify.Verify(e.ctx, dir, verify.Options{Replay: verify.ReplayWith(e.replayer)})
	e.must(err)
	for _, v := range r.Violations {
		if v.Invariant != verify.I8 && !ofTheFlood(v) {
			e.Errorf("%v", v)
		}
	}
	e.Logf("%d runs, %d records, %d messages that are no records, %d dead letters, %d histories replayed", r.Runs, r.Records, r.Junk, r.DeadLetters, r.Invariants[verify.I6].Examined)
}

// ofTheFlood says whether a violation is that something of the flood still waits, such as a message for a run that may
// yet come, or that a run which the flood started is not served.
func ofTheFlood(v verify.Violation) bool {
	ours := v.WorkflowID == "open" || v.WorkflowID == "closed" || strings.HasPrefix(v.WorkflowID, "healthy-")
	return v.Invariant == verify.I3 && (!ours || strings.Contains(v.What, "waits"))
}

// load is a closed loop of healthy runs.
type load struct {
	e      *engine
	cancel context.CancelFunc
	group  sync.WaitGroup

	mu         sync.Mutex // guards the rest
	latencies  []time.Duration
	from, base int
}

func (e *engine) startLoad() *load {
	ctx, cancel := context.WithCancel(e.ctx)
	l := &load{e: e, cancel: cancel}
	for lane := range 4 {
		l.group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				l.one(fmt.Sprintf("healthy-%d-%d", lane, i), i)
			}
		})
	}
	e.Cleanup(l.stop)
	return l
}

func (l *load) one(id string, n int) {
	began := time.Now()
	run, err := l.e.client.ExecuteWorkflow(l.e.ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, "Healthy", n)
	var got int
	if err == nil {
		err = run.Get(l.e.ctx, &got)
	}
	if err != nil || got != 2*n {
		l.e.Errorf("run %s: %d, %v", id, got, err)
		l.cancel()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latencies = append(l.latencies, time.Since(began))
}

func (l *load) stop() {
	l.cancel()
	l.group.Wait()
}

// phase lets the load run for a while.
func (l *load) phase(d time.Duration) latencies {
	select {
	case <-time.After(d):
	case <-l.e.ctx.Done():
	}
	out := l.latest()
	l.base = l.from
	return out
}

type latencies struct {
	Count    int
	P99, Max time.Duration
}

// latest are the latencies since the last call.
func (l *load) latest() latencies {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := p99(l.latencies[l.from:])
	l.from = len(l.latencies)
	return out
}

// latestOfAll are the latencies since the first phase.
func (l *load) latestOfAll() latencies {
	l.mu.Lock()
	defer l.mu.Unlock()
	return p99(l.latencies[l.base:])
}

func p99(all []time.Duration) latencies {
	sorted := slices.Sorted(slices.Values(all))
	if len(sorted) == 0 {
		return latencies{}
	}
	return latencies{len(sorted), sorted[len(sorted)*99/100], sorted[len(sorted)-1]}
}
