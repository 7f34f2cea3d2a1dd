package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/integration/faults/proxy"
	"github.com/millrace-dev/millrace/integration/verify"
)

// TestMain makes the test binary a server or a worker when the harness started it as one.
func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		os.Exit(playRole(role))
	}
	goleak.VerifyTestMain(m)
}

// everyday is a segment that takes some seconds, and on a busy machine as many more as it takes until each kind of fault has hit.
func everyday(name string, l layout, length time.Duration, lanes ...lane) *segment {
	want := map[verify.FaultKind]int{}
	for _, lane := range lanes {
		for _, f := range lane.faults {
			want[f.kind()] = 1
		}
	}
	return &segment{name: name, layout: l, lanes: lanes, length: length, extra: 45 * time.Second, settle: 90 * time.Second, rate: 300, want: want}
}

// runsSurvive plays a segment, which must be green.
func runsSurvive(t *testing.T, g *segment, millrace string) *played {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	p, err := g.play(ctx, filepath.Join(t.TempDir(), g.name), millrace, seedOf(t))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := p.write(&out); err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	if err := p.verdict(); err != nil {
		t.Fatal(err)
	}
	return p
}

// seedOf makes each run of the tests another one. The output has the seed of a failure.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	o, err := parseOptions(nil, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return o.seed
}

func TestRunsSurviveKills(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes for some seconds")
	}
	millrace, err := buildMillrace(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	runsSurvive(t, everyday("kills", alone(), 6*time.Second,
		lane{killers(), 250 * time.Millisecond},
		lane{[]fault{killServers{name: "server-kill", choose: allServers}}, 1500 * time.Millisecond}), millrace)
}

// A process that was stopped for longer than others wait for it goes on with what is no longer its own.
func TestZombiesChangeNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes for some seconds")
	}
	l := slow()
	l.daemons = 0
	g := everyday("zombies", l, 4*time.Second,
		lane{[]fault{freezeMember{"worker-freeze", []part{partWorker, partActivities}, 5 * time.Second, true}}, 500 * time.Millisecond},
		lane{[]fault{freezeMember{"coordinator-freeze", []part{partCoordinator}, 6 * time.Second, false}}, 500 * time.Millisecond})
	g.contests = true
	p := runsSurvive(t, g, "")
	if p.contests.lost == 0 {
		t.Error("no decision was made twice: no coordinator was a zombie")
	}
	if p.contests.late == 0 {
		t.Error("no activity was completed twice: no worker was a zombie")
	}
}

func TestAClusterSurvivesTheLossOfItsLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes for some seconds")
	}
	l := replicated()
	l.daemons = 0
	runsSurvive(t, everyday("leaders", l, 6*time.Second,
		lane{[]fault{killServers{name: "leader-kill", choose: leaderOf(streamHistory), down: 500 * time.Millisecond}}, time.Second}), "")
}

func TestBadWiresAndDeletedConsumersLoseNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes for some seconds")
	}
	l := alone()
	l.proxied, l.daemons = true, 0
	runsSurvive(t, everyday("wires", l, 4*time.Second, lane{[]fault{
		badWire{name: "wire-cut", cut: true},
		badWire{name: "wire-half-open", mode: proxy.Mode{StallDown: true}, hold: 2 * time.Second, cut: true},
	}, 200 * time.Millisecond}, lane{[]fault{deleteConsumer{}}, 500 * time.Millisecond}), "")
}

// machines is a fleet around three servers, each process on a machine of its own. It needs a network namespace: outside of one the
// test is run again in it, and here is false.
func machines(t *testing.T) (l layout, here bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes for some seconds")
	}
	if !inSandbox() {
		again(t)
		return l, false
	}
	if err := ip(t.Context(), "link set lo up"); err != nil {
		t.Fatal(err)
	}
	l = replicated()
	l.apart, l.daemons = true, 0
	return l, true
}

func TestPartitionsLoseNothing(t *testing.T) {
	l, here := machines(t)
	if !here {
		return
	}
	runsSurvive(t, everyday("partitions", l, 3*time.Second, lane{[]fault{
		side{"partition-minority", minority(partWorker, partCoordinator), 6 * time.Second},
	}, 100 * time.Millisecond}), "")
}

// One server of three is cut off, in both directions or in one, while another one, or the same, is stopped for a while.
func TestACutOffServerAndPausesLoseNothing(t *testing.T) {
	l, here := machines(t)
	if !here {
		return
	}
	lanes := cutOff(2*time.Second, time.Second)
	g := everyday("cutoff", l, 8*time.Second, lane{lanes[0].faults, 200 * time.Millisecond}, lanes[1])
	g.rate = 100 // most of the time there is no majority
	runsSurvive(t, g, "")
}

// again runs the test in a network namespace of its own.
func again(t *testing.T) {
	t.Helper()
	if err := trySandbox(t.Context()); errors.Is(err, errNoSandbox) {
		t.Skipf("NOT SHOWN: partitions, because %v", err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), sandboxEnv+"=1")
	cmd.SysProcAttr = sandboxAttributes()
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

func TestAProcessThatEndsByItselfIsReported(t *testing.T) {
	dir := t.TempDir()
	// A worker cannot write evidence into what is no directory.
	c, err := startRole(roleWorker, roleConfig{Name: "worker-0.1", Worker: &workerRole{Dir: filepath.Join(dir, "none")}}, "", filepath.Join(dir, "worker.log"))
	if err != nil {
		t.Fatal(err)
	}
	<-c.exited
	if !c.kill() {
		t.Fatal("a process that had ended counts as killed")
	}
	m := &member{name: "worker-0", part: partWorker, child: c}
	f := &fleet{members: []*member{m}}
	for name, err := range map[string]error{"check": f.check(), "kill": m.kill()} {
		if err == nil || !strings.Contains(err.Error(), "worker-0.1 ended by itself") {
			t.Errorf("%s says %v", name, err)
		}
	}
}

func TestChildrenEndWithTheirDriver(t *testing.T) {
	dir := t.TempDir()
	c, err := startRole(roleHolder, roleConfig{Name: "holder"}, "", filepath.Join(dir, "holder.log"))
	if err != nil {
		t.Fatal(err)
	}
	<-c.ready
	if err := c.stdin.Close(); err != nil { // what the system does when the driver dies
		t.Fatal(err)
	}
	select {
	case <-c.exited:
		if c.err != nil {
			t.Fatalf("holder ended with %v", c.err)
		}
	case <-time.After(10 * time.Second):
		c.kill()
		t.Fatal("the child lives on without its driver")
	}
}

func TestBadFlagsAreNamed(t *testing.T) {
	for want, args := range map[string][]string{
		"-soak is -1": {"-soak", "-1"}, "-scale is 0": {"-scale", "0"}, `argument "reprot"`: {"reprot"},
	} {
		if _, err := parseOptions(args, os.Stderr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
	if _, err := selected(options{only: "workers,none"}); err == nil || !strings.Contains(err.Error(), `"none"`) || !strings.Contains(err.Error(), "zombies") {
		t.Errorf("an unknown segment: %v, want its name and those there are", err)
	}
}

func TestADirectoryWithOtherEvidenceIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(executionsFile(dir, "worker-0.1"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := workDirectory(dir); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Fatalf("got %v", err)
	}
}

// Every kind of fault has one name, and one that was done counts by it.
func TestSegmentsAreConsistent(t *testing.T) {
	names := map[string]bool{}
	for _, g := range append(allSegments(), mixed()) {
		if names[g.name] {
			t.Errorf("two segments are called %s", g.name)
		}
		names[g.name] = true
		kinds := map[verify.FaultKind]bool{}
		for _, l := range g.lanes {
			for _, f := range l.faults {
				kinds[f.kind()] = true
			}
		}
		for kind := range g.want {
			if !kinds[kind] {
				t.Errorf("segment %s wants faults of kind %s, which it does not do", g.name, kind)
			}
		}
	}
}

// TestARunIsNotKilledAgainAndAgain: what four processes in turn have died of is poison to the engine.
func TestARunIsNotKilledAgainAndAgain(t *testing.T) {
	dir := t.TempDir()
	b, err := openBook(dir, "p", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	first, second := decision{WorkflowID: "w", Nonce: "first"}, decision{WorkflowID: "other", Nonce: "second"}
	must(b.note(first))
	m := &member{part: partCoordinator, watch: newWatch(dir, "p")}
	s := &scene{killed: map[string]int{}}
	for range mostKilled {
		must(s.awaitHeld(t.Context(), m, false))
		_, deciding, err := m.inFlight()
		must(err)
		if !slices.Equal(deciding, []string{"w/"}) {
			t.Errorf("while %q is decided the moment comes with %q", "w/", deciding)
		}
		must(s.countKilled(m))
	}
	must(b.note(second))
	var group sync.WaitGroup
	group.Go(func() {
		time.Sleep(20 * time.Millisecond) // so that whoever did not wait for it would be found out
		first.Ended = 1
		must(b.note(first))
	})
	must(s.awaitHeld(t.Context(), m, false))
	if _, deciding, err := m.inFlight(); err != nil || !slices.Equal(deciding, []string{"other/"}) {
		t.Errorf("the moment comes with %q, %v", deciding, err)
	}
	group.Wait()
}
