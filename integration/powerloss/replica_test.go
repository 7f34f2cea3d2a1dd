//go:build linux

package powerloss

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/integration/verify"
	"github.com/millrace-dev/millrace/internal/devserver"
	"github.com/millrace-dev/millrace/streams"
)

// replicaKinds are the files of one server of three that are damaged, in turn.
var replicaKinds = append([]kind{
	{"block of HISTORY", func(n string) bool { return strings.Contains(n, "_HISTORY/msgs/") && strings.HasSuffix(n, ".blk") }},
	{"snapshot of the meta group", func(n string) bool { return strings.Contains(n, "/_meta_/snapshots/") }},
	{"log of a Raft group of a stream", func(n string) bool { return strings.Contains(n, "/S-R3F-") && strings.HasSuffix(n, ".blk") }},
	{"snapshot of a Raft group of a stream or consumer", func(n string) bool {
		return strings.Contains(n, "/snapshots/") && !strings.Contains(n, "/_meta_/")
	}},
	{"log of the meta group", func(n string) bool { return strings.Contains(n, "/_meta_/msgs/") && strings.HasSuffix(n, ".blk") }},
	{"term, vote or peers of a Raft group", func(n string) bool { return strings.HasSuffix(n, "tav.idx") || strings.HasSuffix(n, "peers.idx") }},
}, kinds...)

const (
	// catchUp is how long a server that was started again may take to have everything.
	catchUp = 30 * time.Second
	// silence is for how long a server that has gone may still count as there.
	silence = 4 * time.Second
	// handOver is how long it may take until a server leads that was asked to.
	handOver = 20 * time.Second
	// looks is how often everything must be found well: who is behind may not be the one that is asked.
	looks = 4
	// lookTimeout bounds one look: servers wait some seconds for what a consumer without a leader has to say.
	lookTimeout = 15 * time.Second
	// rest keeps HISTORY small, on whatever machine: all of it is read again several times a case.
	rest = 200 * time.Millisecond
	// heldSoon is how long a case waits for an operation to be in flight.
	heldSoon = 5 * time.Second
	// readers is how many messages are read at a time.
	readers = 16
)

// TestAReplicaWithDamagedFilesCostsNothing damages files of one of three servers while it is down and the others go on.
// Started again it has to catch up and be as good as the others, also when it leads, or it has to be said that it is not:
// then it is started with an empty disk, as docs/durability.md says, and has to catch up. Nothing may be lost in the end,
// and nobody may be told anything else than what was stored.
func TestAReplicaWithDamagedFilesCostsNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute*time.Duration(*replicaCases)+4*settle)
	t.Cleanup(cancel)
	w := newWard(ctx, newSite(t, 3, nil, devserver.Config{SyncAlways: true}))
	outcomes := map[string]int{}
	for n := range *replicaCases {
		r := rand.New(rand.NewPCG(*seed, uint64(n)))
		outcome := w.treat(ctx, n, replicaKinds[n%len(replicaKinds)], r)
		outcomes[outcome]++
		w.tick()
	}
	t.Logf("outcomes of %d cases: %v; %d operations acknowledged", *replicaCases, outcomes, w.acked.Load())
	w.finish(settle)
	report := w.judge(ctx, settle)
	for _, v := range report.Violations {
		t.Error(v)
	}
	if c := report.Faults["damaged replica"]; c == nil || c.Hit == 0 {
		t.Error("VOID: no damage was done while an operation was in flight")
	}
}

// ward is a cluster under load of which a server is damaged now and then.
type ward struct {
	*load
	site *site
	js   jetstream.JetStream
	ns   *streams.Namespace
	last int            // which server was damaged last
	lost []streams.Loss // found by the audit
	// stored are the sums of the messages of HISTORY by their sequences, as far as they were read.
	stored map[uint64][sha256.Size]byte
}

func newWard(ctx context.Context, s *site) *ward {
	s.Helper()
	s.start(s.servers...)
	w := &ward{load: newLoad(ctx, s, streams.CreateOptions{Replicas: 3}), site: s, stored: map[uint64][sha256.Size]byte{}}
	var err error
	if w.js, err = jetstream.New(w.conn); err != nil {
		s.Fatal(err)
	}
	if w.ns, err = streams.Open(ctx, w.conn, client.DefaultNamespace); err != nil {
		s.Fatal(err)
	}
	w.ns.OnLoss(func(l streams.Loss) { w.lost = append(w.lost, l) })
	w.rest = rest
	w.run(ctx, 2, 3, *replicaCases)
	return w
}

// treat damages a file of a kind on one server, starts it again and says what has become of that.
func (w *ward) treat(ctx context.Context, n int, k kind, r *rand.Rand) string {
	w.Helper()
	w.awaitFor(ctx, between/3, recovery)
	if missing := w.read(ctx); missing > 0 {
		w.Fatalf("%d messages of HISTORY are gone before case %d", missing, n)
	}
	if err := w.audit(ctx); err != nil {
		w.Fatal(err)
	}
	// Never the same again: without this one the one before is needed for every majority.
	w.last = (w.last + 1 + r.IntN(2)) % len(w.site.servers)
	patient := w.site.servers[w.last]
	for soon := time.Now().Add(heldSoon); w.inFlight.Load() == 0 && time.Now().Before(soon); {
		time.Sleep(time.Millisecond) // no event tells of it
	}
	fault := verify.Fault{ID: fmt.Sprint(n), Kind: "damaged replica", Target: patient.config.ServerName, Begun: verify.Now()}
	if open := w.inFlight.Load(); open > 0 {
		fault.Hit = fmt.Sprintf("%d operations", open)
	}
	w.note(w.faults.Append(fault))
	gone := time.NewTimer(silence)
	defer gone.Stop()
	if r.IntN(2) == 0 {
		patient.kill()
	} else {
		patient.stop() // it notes what it has, and believes that later
	}
	files := w.files(patient, k)
	if len(files) == 0 { // some are written by a server that is stopped
		w.site.start(patient)
		patient.stop()
		files = w.files(patient, k)
	}
	if len(files) == 0 {
		w.Fatalf("%s has no %s", patient.config.ServerName, k.name)
	}
	name := files[r.IntN(len(files))]
	what := damage(w.T, filepath.Join(patient.config.StoreDir, name), r)
	w.awaitFor(ctx, between/3, recovery)
	<-gone.C
	outcome, detail := w.bringBack(ctx, patient)
	if outcome != wardCured || mayHideHole(name) {
		w.replace(ctx, patient)
	}
	fault.Ended = verify.Now()
	w.awaitFor(ctx, 1, recovery)
	fault.Recovered = verify.Now()
	w.note(w.faults.Append(fault))
	w.Logf("%d: %s, %s of %s: %s %s", n, patient.config.ServerName, what, name, outcome, detail)
	return outcome
}

func (w *ward) files(m *machine, k kind) []string {
	return slices.DeleteFunc(filesOf(w.T, m.config.StoreDir), func(name string) bool { return !k.matches(name) })
}

// mayHideHole says whether a file holds messages of a stream other than HISTORY: nobody looks for holes there, so that the
// rule of docs/durability.md has to be followed, an empty disk in the place of any that was damaged.
func mayHideHole(name string) bool {
	return strings.Contains(name, "/$G/") && strings.HasSuffix(name, ".blk") && !strings.Contains(name, "_HISTORY/")
}

// What becomes of a damaged server.
const (
	wardCured   = "it caught up"
	wardRefused = "it refused to start"
	wardBehind  = "it did not catch up, and the status said so"
	wardLost    = "a loss was reported while it led"
)

// bringBack starts a damaged server and lets it lead, the hardest that can be asked of it: the others may have what it
// lacks, but nobody asks them. It returns what became of that, with details.
func (w *ward) bringBack(ctx context.Context, patient *machine) (outcome, detail string) {
	w.Helper()
	if err := w.site.tryStart(patient); err != nil {
		return wardRefused, err.Error()
	}
	for range looks {
		if err := w.await(ctx, catchUp, w.isWhole); err != nil {
			return wardBehind, err.Error()
		}
	}
	for _, kind := range []string{"HISTORY", "INBOX", "TASKS"} {
		stream := "MILLRACE_" + client.DefaultNamespace + "_0_" + kind
		if err := w.await(ctx, handOver, func(ctx context.Context) error { return w.leads(ctx, patient, stream) }); err != nil {
			w.Errorf("%s says that it is current and does not lead: %v", patient.config.ServerName, err)
			return wardBehind, err.Error()
		}
	}
	w.lost = nil
	missing := w.read(ctx)
	if err := w.audit(ctx); err != nil {
		w.Fatal(err)
	}
	switch {
	case missing > 0 && len(w.lost) == 0:
		w.Errorf("%d messages of HISTORY are gone where %s leads, and nobody has said so", missing, patient.config.ServerName)
		return wardLost, ""
	case missing > 0:
		if !slices.ContainsFunc(w.lost, func(l streams.Loss) bool { return l.Server == patient.config.ServerName }) {
			w.Errorf("the loss where %s leads is reported as %v", patient.config.ServerName, w.lost)
		}
		return wardLost, fmt.Sprint(w.lost)
	case len(w.lost) > 0:
		w.Errorf("a loss was reported that there was not: %v", w.lost)
	}
	w.awaitFor(ctx, between/3, recovery)
	return wardCured, ""
}

// replace starts a server with an empty disk in the place of a damaged one, as an operator does, and waits until it has
// everything.
func (w *ward) replace(ctx context.Context, patient *machine) {
	w.Helper()
	patient.kill()
	err := os.RemoveAll(patient.config.StoreDir)
	if err == nil {
		err = os.MkdirAll(patient.config.StoreDir, 0o755)
	}
	if err != nil {
		w.Fatal(err)
	}
	w.site.start(patient)
	if err := w.await(ctx, recovery, w.isWhole); err != nil {
		w.Fatalf("%s does not catch up from nothing: %v", patient.config.ServerName, err)
	}
}

// audit is what the daemon does every ten seconds.
func (w *ward) audit(ctx context.Context) error {
	return w.await(ctx, recovery, func(context.Context) error { // a loss is confirmed after longer than a look takes
		_, err := w.ns.Audit(ctx)
		return err
	})
}

// await looks until there is no error any more, at most for so long.
func (w *ward) await(ctx context.Context, limit time.Duration, look func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		once, done := context.WithTimeout(ctx, lookTimeout)
		err := look(once)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// isWhole says what `millrace status` shows to be wrong with the namespace: who is behind in what.
func (w *ward) isWhole(ctx context.Context) error {
	status, err := streams.Inspect(ctx, w.conn, client.DefaultNamespace)
	if err != nil {
		return err
	}
	errs := slices.Clone(status.Problems)
	for _, s := range status.Streams {
		if s.Behind > 0 {
			errs = append(errs, fmt.Errorf("%d of %d replicas of %s are behind", s.Behind, s.Replicas, s.Name))
		}
		errs = append(errs, s.Problem)
	}
	return errors.Join(errs...)
}

// leads asks that a server leads a stream, unless it does.
func (w *ward) leads(ctx context.Context, m *machine, stream string) error {
	s, err := w.js.Stream(ctx, stream)
	if err != nil {
		return err
	}
	leader := s.CachedInfo().Cluster.Leader
	if leader == m.config.ServerName {
		return nil
	}
	_, err = w.conn.RequestWithContext(ctx, "$JS.API.STREAM.LEADER.STEPDOWN."+stream,
		fmt.Appendf(nil, `{"placement":{"preferred":%q}}`, m.config.ServerName))
	return errors.Join(fmt.Errorf("%s leads %s", leader, stream), err)
}

// read reads HISTORY from the server that leads it, notes what it has not seen before and returns how much is gone: no run is
// deleted here, so every sequence has a message. What has become something else is an error.
func (w *ward) read(ctx context.Context) (missing int) {
	w.Helper()
	s, err := w.js.Stream(ctx, "MILLRACE_"+client.DefaultNamespace+"_0_HISTORY")
	if err != nil {
		w.Fatal(err)
	}
	last := s.CachedInfo().State.LastSeq
	for seq := range w.stored {
		last = max(last, seq)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex // guards w.stored and missing
	for i := range uint64(readers) {
		wg.Go(func() {
			for seq := i + 1; seq <= last; seq += readers {
				m, err := w.get(ctx, s, seq)
				mu.Lock()
				was, known := w.stored[seq]
				switch {
				case errors.Is(err, jetstream.ErrMsgNotFound):
					missing++
				case err != nil:
					w.Errorf("read HISTORY %d: %v", seq, err)
				case known && m != was:
					w.Errorf("HISTORY %d is not what it was", seq)
				default:
					w.stored[seq] = m
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return missing
}

// get is the sum of a message, which the leader is asked for until it answers.
func (w *ward) get(ctx context.Context, s jetstream.Stream, seq uint64) (sum [sha256.Size]byte, err error) {
	var missing error
	err = w.await(ctx, handOver, func(ctx context.Context) error {
		m, err := s.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			missing = err
			return nil
		}
		if err == nil {
			sum = sha256.Sum256([]byte(m.Subject + "\n" + string(m.Data)))
		}
		return err
	})
	return sum, errors.Join(err, missing)
}
