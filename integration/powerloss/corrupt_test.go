//go:build linux

package powerloss

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/worker"
)

// kept is a namespace as it was before its files were damaged.
type kept struct {
	dir     string // the server's
	records map[history.Run][][]byte
	closed  map[history.Run]bool
}

// TestDamagedFilesAreNoticed flips bits in files of a stopped server, or cuts them off, and looks what becomes of that.
// Each run must be what it was, or be reported: as damaged, or as missing together with the loss of its stream. No run may
// be something else, and runs that are whole go on.
func TestDamagedFilesAreNoticed(t *testing.T) {
	k := &kept{dir: t.TempDir(), records: map[history.Run][][]byte{}, closed: map[history.Run]bool{}}
	if !t.Run("fill", k.fill) {
		t.FailNow()
	}
	files := filesOf(t, k.dir)
	outcomes := map[string]int{}
	for n := range *cases {
		r := rand.New(rand.NewPCG(*seed, uint64(n)))
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			kind := kinds[n%len(kinds)]
			candidates := slices.DeleteFunc(slices.Clone(files), func(name string) bool { return !kind.matches(name) })
			if len(candidates) == 0 {
				t.Fatalf("the server has no %s", kind.name)
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(k.dir)); err != nil {
				t.Fatal(err)
			}
			name := candidates[r.IntN(len(candidates))]
			what := damage(t, filepath.Join(dir, name), r)
			outcome := k.examine(t, dir)
			outcomes[outcome]++
			t.Logf("%s of %s: %s", what, name, outcome)
		})
	}
	t.Logf("outcomes of %d cases: %v", *cases, outcomes)
}

// kind is a kind of file.
type kind struct {
	name    string
	matches func(name string) bool
}

// kinds are what is damaged, in turn.
var kinds = []kind{
	{"block of HISTORY", func(n string) bool { return strings.Contains(n, "_HISTORY/msgs/") && strings.HasSuffix(n, ".blk") }},
	{"index of HISTORY", func(n string) bool { return strings.Contains(n, "_HISTORY/msgs/") && strings.HasSuffix(n, "index.db") }},
	{"block of INBOX or TASKS", func(n string) bool {
		return (strings.Contains(n, "_INBOX/msgs/") || strings.Contains(n, "_TASKS/msgs/")) && strings.HasSuffix(n, ".blk")
	}},
	{"block of HISTORY", func(n string) bool { return strings.Contains(n, "_HISTORY/msgs/") && strings.HasSuffix(n, ".blk") }},
	{"state of a consumer", func(n string) bool { return strings.Contains(n, "/obs/") && strings.HasSuffix(n, "o.dat") }},
	{"block of HEARTBEATS or of the registry", func(n string) bool {
		return strings.Contains(n, "/KV_") && strings.HasSuffix(n, ".blk")
	}},
	{"description of a stream or consumer", func(n string) bool { return strings.HasSuffix(n, "meta.inf") || strings.HasSuffix(n, "meta.sum") }},
}

// fill fills a server with closed runs and with open ones that wait for a signal, stops it and takes its files.
func (k *kept) fill(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), settle)
	t.Cleanup(cancel)
	s := newSite(t, 1, nil, devserver.Config{})
	s.start(s.servers...)
	l := newLoad(ctx, s, streams.CreateOptions{})
	l.run(ctx, 8, 0, 0)
	l.awaitFor(ctx, 200, recovery)
	l.finish(settle)
	for i := range 10 {
		if _, err := l.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: fmt.Sprintf("open-%d", i), TaskQueue: queue}, order, 2); err != nil {
			t.Fatal(err)
		}
		if err := l.client.SignalWorkflow(ctx, fmt.Sprintf("open-%d", i), "", signalName, fmt.Sprintf("open-%d/0", i)); err != nil {
			t.Fatal(err)
		}
	}
	for !l.drained(ctx) && ctx.Err() == nil {
		<-time.After(50 * time.Millisecond)
	}
	ns, err := streams.Open(ctx, l.conn, client.DefaultNamespace)
	if err == nil {
		_, err = ns.Audit(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	for start, err := range ns.ListStarts(ctx, streams.StartFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		run := start.Run.Run
		loaded, err := ns.Load(ctx, run, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range loaded.Records {
			k.records[run] = append(k.records[run], r.Data)
		}
		k.closed[run] = !strings.HasPrefix(run.WorkflowID, "open-")
	}
	s.servers[0].stop()
	if err := os.CopyFS(k.dir, os.DirFS(s.servers[0].config.StoreDir)); err != nil {
		t.Fatal(err)
	}
}

func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			below, _ := filepath.Rel(dir, name) // it is below
			all = append(all, filepath.ToSlash(below))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// damage flips some bits, or cuts off the end, and says which.
func damage(t *testing.T, name string, r *rand.Rand) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	what := ""
	if len(data) == 0 {
		data, what = []byte("junk"), "something in place of nothing"
	} else if r.IntN(3) == 0 {
		size := r.IntN(len(data))
		data, what = data[:size], fmt.Sprintf("cut to %d of %d bytes", size, len(data))
	} else {
		at := r.IntN(len(data))
		for i := range 1 + r.IntN(8) {
			data[min(at+i, len(data)-1)] ^= 1 << r.IntN(8)
		}
		what = fmt.Sprintf("flipped at %d of %d bytes", at, len(data))
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return what
}

// examine starts a server on damaged files and says what has become of the runs.
func (k *kept) examine(t *testing.T, dir string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s := newSite(t, 1, nil, devserver.Config{StoreDir: dir})
	if err := s.tryStart(s.servers...); err != nil {
		return "refused by the server: " + err.Error()
	}
	nc, err := nats.Connect(s.url())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ns, err := streams.Open(ctx, nc, client.DefaultNamespace)
	if errors.Is(err, streams.ErrConfiguration) || errors.Is(err, streams.ErrNamespaceNotFound) {
		return "refused at start"
	}
	if err != nil {
		t.Fatal(err)
	}
	said := &journal{}
	var lost []streams.Loss
	ns.OnLoss(func(l streams.Loss) { lost = append(lost, l) })
	if _, err := ns.Audit(ctx); err != nil {
		t.Fatal(err)
	}
	whole, damaged, missing := k.compare(ctx, t, ns, len(lost) > 0)
	err = k.goOn(ctx, t, s, said, whole, damaged)
	switch {
	case err != nil:
		t.Log(err)
		return "refused by workers"
	case len(damaged)+len(missing) > 0:
		return "runs were reported"
	case len(lost) > 0:
		return "a loss was reported"
	}
	return "nothing was lost"
}

// compare reads every run.
func (k *kept) compare(ctx context.Context, t *testing.T, ns *streams.Namespace, reported bool) (whole, damaged, missing []history.Run) {
	t.Helper()
	for run, records := range k.records {
		_, err := ns.FindStart(ctx, run)
		if errors.Is(err, streams.ErrNotFound) {
			if missing = append(missing, run); !reported {
				t.Errorf("run %s is gone, and nobody has said so", run)
			}
			continue
		}
		var loaded *streams.Loaded
		if err == nil {
			loaded, err = ns.Load(ctx, run, 0)
		}
		if errors.Is(err, streams.ErrDamaged) {
			damaged = append(damaged, run)
			continue
		}
		if err != nil {
			t.Errorf("run %s: %v", run, err)
			continue
		}
		for i, r := range loaded.Records {
			if i >= len(records) || !bytes.Equal(r.Data, records[i]) {
				t.Errorf("run %s: record %d is not the one that was stored", run, i+1)
			}
		}
		switch {
		case len(loaded.Records) == len(records):
			whole = append(whole, run)
		case !reported:
			t.Errorf("run %s has %d records of %d, and nobody has said so", run, len(loaded.Records), len(records))
			fallthrough
		default:
			missing = append(missing, run)
		}
	}
	return whole, damaged, missing
}

// goOn serves the runs: those that are whole and open have to come to their ends, those that are damaged have to be shown
// as such. An error is that for which the worker refused to work: a consumer that the server cannot bring back.
func (k *kept) goOn(ctx context.Context, t *testing.T, s *site, said *journal, whole, damaged []history.Run) error {
	t.Helper()
	c, err := client.DialContext(ctx, client.Options{HostPort: s.url(), Logger: said.of("worker"),
		ConnectionOptions: client.ConnectionOptions{NATS: []nats.Option{nats.ReconnectWait(50 * time.Millisecond)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var refused *refusal
	w := worker.New(c, queue, worker.Options{WorkerLossTimeout: workerLoss, OnFatalError: func(err error) {
		cancel(&refusal{err})
	}})
	w.RegisterWorkflow(order)
	w.RegisterActivityWithOptions(func(_ context.Context, item string) (string, error) {
		_, number, _ := strings.Cut(item, "/")
		return number, nil
	}, activity.RegisterOptions{Name: "handle"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	for _, run := range damaged {
		_, err := c.DescribeWorkflow(ctx, run.WorkflowID, run.RunID)
		var dataLoss *serviceerror.DataLoss
		if !errors.As(err, &dataLoss) {
			t.Errorf("damaged run %s is described: %v", run, err)
		}
	}
	for _, run := range whole {
		if k.closed[run] {
			continue
		}
		var got string
		err := c.SignalWorkflow(ctx, run.WorkflowID, run.RunID, signalName, run.WorkflowID+"/1")
		if err == nil {
			err = c.GetWorkflow(ctx, run.WorkflowID, run.RunID).Get(ctx, &got)
		}
		if errors.As(context.Cause(ctx), &refused) {
			return refused
		}
		if err != nil || got != "0,1" {
			t.Errorf("run %s, which is whole, does not go on: %q, %v; said: %q", run, got, err, said.last(5))
		}
	}
	return nil
}

// refusal is why a worker does not work.
type refusal struct{ cause error }

func (r *refusal) Error() string { return r.cause.Error() }
func (r *refusal) Unwrap() error { return r.cause }
