package streams

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

// TestAuditFindsWhatNobodyRemembers: nobody who has written to HISTORY lives on when the server comes back without its end.
func TestAuditFindsWhatNobodyRemembers(t *testing.T) {
	f := setup(t, 1)
	ctx := f.ctx
	fresh := func() (*Namespace, *[]Loss) {
		ns := f.open(devtest.Conn(t, f.server), "test")
		said := &[]Loss{}
		ns.OnLoss(func(l Loss) { *said = append(*said, l) })
		return ns, said
	}
	clean := func() {
		t.Helper()
		ns, said := fresh()
		if lost, err := ns.Audit(ctx); err != nil || len(lost)+len(*said) > 0 {
			t.Fatalf("lost %v, said %v, %v, want nothing", lost, *said, err)
		}
	}
	clean()
	f.appendAll(newRun("w").Run, 3)
	clean()
	f.killBetween(f.ns.partitions[0].history, func() {
		f.appendAll(newRun("w").Run, 4)
		clean()
	})
	f.appendAll(newRun("w").Run, 6) // at the sequences of what was lost, and beyond
	ns, said := fresh()
	lost, err := ns.Audit(ctx)
	f.ok(err)
	want := Loss{Stream: f.ns.partitions[0].history, First: 4, Last: 7}
	if len(lost) != 1 || lost[0] != want || len(*said) != 1 || (*said)[0] != want {
		t.Fatalf("lost %v, said %v, want %v", lost, *said, want)
	}
	for d, err := range ns.DeadLetters(ctx, 1) {
		f.ok(err)
		if !strings.Contains(d.Reason, "between sequences 4 and 7") {
			t.Errorf("dead letter %+v", d)
		}
	}
	clean() // it is reported once
	f.appendAll(newRun("w").Run, 1)
	clean()
}

// TestAuditTellsDeletionsFromLosses: deleting a run makes holes, as the loss of messages in the middle does.
func TestAuditTellsDeletionsFromLosses(t *testing.T) {
	f := setup(t, 1)
	p := &f.ns.partitions[0]
	for range 3 {
		f.appendAll(newRun("w").Run, 2)
	}
	audit := func() []Loss {
		t.Helper()
		lost, err := f.ns.Audit(f.ctx)
		f.ok(err)
		return lost
	}
	audit()
	// Nobody has said that anything is to be deleted.
	remove := func(seq uint64) {
		t.Helper()
		m, err := f.ns.get(f.ctx, p.history, getRequest{Seq: seq})
		f.ok(err)
		f.ok(f.ns.purge(f.ctx, p.history, m.subject))
	}
	remove(1)
	if lost := audit(); len(lost) != 1 || lost[0].Missing != 2 {
		t.Errorf("lost %v, want two messages to be missing", lost)
	}
	f.ok(f.ns.expectHoles(f.ctx, 0))
	remove(6) // with the newest sample
	if lost := audit(); len(lost) > 0 {
		t.Errorf("lost %v: a run was deleted", lost)
	}
	if lost := audit(); len(lost) > 0 {
		t.Errorf("lost %v: nothing has happened since", lost)
	}
}

// TestAuditReadsEverythingAgainWhenTheServerWasStartedAgain: the process that audits lives on while files are damaged, and
// the server believes what it noted of them when it was stopped.
func TestAuditReadsEverythingAgainWhenTheServerWasStartedAgain(t *testing.T) {
	f := setup(t, 1)
	ns := f.open(devtest.Conn(t, f.server), "test")
	var said []Loss
	ns.OnLoss(func(l Loss) { said = append(said, l) })
	audit := func() {
		t.Helper()
		if _, err := ns.Audit(f.ctx); err != nil {
			t.Fatal(err)
		}
	}
	f.appendAll(newRun("w").Run, 3)
	victim := newRun("victim").Run
	f.appendAll(victim, 3)
	f.appendAll(newRun("w").Run, 3)
	audit()
	stream := ns.partitions[0].history
	f.server.Shutdown()
	block := filepath.Join(f.messagesDir(stream), "1.blk")
	data, err := os.ReadFile(block)
	f.ok(err)
	at := bytes.LastIndex(data, []byte(victim.RunID))
	if at < 0 {
		t.Fatalf("%s has nothing of run %s", block, victim)
	}
	data[at] ^= 1
	f.ok(os.WriteFile(block, data, 0o600))
	f.server = devtest.Restart(f, f.server)
	audit()
	if len(said) != 1 || said[0].Stream != stream || said[0].Missing != 1 {
		t.Errorf("said %v, want the loss of one message of %s", said, stream)
	}
	audit()
	if len(said) != 1 {
		t.Errorf("said %v, want each loss once in the life of a server", said)
	}
}
