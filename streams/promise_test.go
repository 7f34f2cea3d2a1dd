package streams

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/devserver/devtest"
)

func TestPromisesComeTrueByTheirAcknowledgement(t *testing.T) {
	t.Parallel()
	promise := func(ack, data string) *nats.Msg {
		return &nats.Msg{Subject: ack + promiseToken, Data: []byte(data)}
	}
	ack := func(subject string) *nats.Msg {
		return &nats.Msg{Subject: subject, Data: []byte(`{"stream":"H","seq":7}`)}
	}
	refusal := func(subject string) *nats.Msg {
		return &nats.Msg{Subject: subject, Data: []byte(`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"}}`)}
	}
	for _, c := range []struct {
		name  string
		heard []*nats.Msg
		want  string
	}{
		{"in order", []*nats.Msg{promise("d.w.r.l.1", "a"), ack("d.w.r.l.1")}, "a"},
		{"acknowledgement first", []*nats.Msg{ack("d.w.r.l.1"), promise("d.w.r.l.1", "a")}, "a"},
		{"refused", []*nats.Msg{promise("d.w.r.l.1", "a"), refusal("d.w.r.l.1")}, ""},
		{"refusal first", []*nats.Msg{refusal("d.w.r.l.1"), promise("d.w.r.l.1", "a")}, ""},
		{"another's acknowledgement", []*nats.Msg{promise("d.w.r.l.1", "a"), ack("d.w.r.l.2")}, ""},
		{"promised again, without another acknowledgement", []*nats.Msg{promise("d.w.r.l.1", "a"), refusal("d.w.r.l.1"), promise("d.w.r.l.2", "b")}, ""},
		{"only a promise", []*nats.Msg{promise("d.w.r.l.1", "a"), promise("d.w.r.l.1", "b")}, ""},
		{"nonsense for an acknowledgement", []*nats.Msg{promise("d.w.r.l.1", "a"), {Subject: "d.w.r.l.1", Data: []byte("yes")}}, ""},
	} {
		var p promises
		var got []string
		for _, m := range c.heard {
			if record := p.hear(m); record != nil {
				got = append(got, string(record))
			}
		}
		if strings.Join(got, ",") != c.want {
			t.Errorf("%s: %q came true, want %q", c.name, got, c.want)
		}
	}
}

// Promises that never come true take no more room than what was set.
func TestPromisesAreBounded(t *testing.T) {
	t.Parallel()
	var p promises
	for i := range 3 * maxPromises {
		p.hear(&nats.Msg{Subject: fmt.Sprintf("d.w.r.l.%d.promise", i), Data: []byte("x")})
	}
	if len(p.open) != maxPromises || len(p.order) != maxPromises || p.bytes != maxPromises {
		t.Errorf("%d promises, %d in order, %d bytes are kept, want %d", len(p.open), len(p.order), p.bytes, maxPromises)
	}
	large := make([]byte, waitingNoticeBytes/4)
	for i := range 12 {
		p.hear(&nats.Msg{Subject: fmt.Sprintf("d.w.r.m.%d.promise", i), Data: large})
	}
	if len(p.open) > 4 || p.bytes > waitingNoticeBytes {
		t.Errorf("%d promises of %d bytes are kept", len(p.open), p.bytes)
	}
	p.hear(&nats.Msg{Subject: "d.w.r.n.1.promise", Data: make([]byte, 2*waitingNoticeBytes)})
	if len(p.open) != 0 || p.bytes != 0 || len(p.order) != 0 {
		t.Errorf("%d promises, %d in order, %d bytes are kept", len(p.open), len(p.order), p.bytes)
	}
}

// The waiter hears once of a record that was stored, whichever way it went, and nothing of one that was not.
func TestTheWaiterOfARecordHearsOnceWhenItIsStored(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		f := setup(t, 1)
		f.ns.late = late
		heard := make(chan string, 8)
		stop, err := f.ns.ListenClosed("me", func(runID string, record []byte) { heard <- runID + " " + string(record) }, func() {})
		f.ok(err)
		plain, err := f.nc.SubscribeSync(noticeSubject("test", "me") + "*")
		f.ok(err)
		first, second := newRun("w").Run, newRun("v").Run
		info := RecordInfo{Number: 1, CommitID: "c1", Type: "T", Status: "Completed", LastEvent: 1, Waiter: "me"}
		seq, err := f.ns.Append(f.ctx, first, []byte("one"), info, 0)
		f.ok(err)
		info.CommitID = "c2"
		if _, err := f.ns.Append(f.ctx, first, []byte("never"), info, 0); err == nil {
			t.Error("an append was accepted whose expectation is wrong")
		}
		info.Number = 2
		info.Waiter = "a.>" // nobody
		_, err = f.ns.Append(f.ctx, first, []byte("two"), info, seq)
		f.ok(err)
		info.Number, info.CommitID, info.Waiter = 1, "c3", "me"
		_, err = f.ns.Append(f.ctx, second, []byte("three"), info, 0)
		f.ok(err)
		for _, want := range []string{first.RunID + " one", second.RunID + " three"} {
			select {
			case got := <-heard:
				if got != want {
					t.Errorf("late %t: heard of %q, want %q", late, got, want)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("late %t: heard nothing of %q", late, want)
			}
		}
		stop()
		f.ok(f.nc.Flush())
		if n, _, _ := plain.Pending(); n != map[bool]int{true: 2}[late] {
			t.Errorf("late %t: %d notices that were no promises", late, n)
		}
		if len(heard) > 0 {
			t.Errorf("late %t: heard also of %q", late, <-heard)
		}
	}
}

// A promise to a client that has gone is answered by nobody, not even by the broker: that would count as the answer to the
// record, which would be appended once more.
func TestTheRecordOfAWaiterWhoIsGoneIsAppendedOnce(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w").Run
	published, err := f.nc.SubscribeSync(f.ns.at("w").record(run))
	f.ok(err)
	f.ok(f.nc.Flush())
	data, info := f.transition(run, 1, 0)
	info.Waiter = "gone"
	_, err = f.ns.Append(f.ctx, run, data, info, 0)
	f.ok(err)
	f.ok(f.nc.Flush())
	if n, _, _ := published.Pending(); n != 1 {
		t.Errorf("the record was published %d times", n)
	}
}

// BenchmarkTheWaiterHears measures the time from the append of a closing record until its waiter, on a connection of his
// own, has heard of it: by a promise, and by a notice that follows the append.
func BenchmarkTheWaiterHears(b *testing.B) {
	for name, late := range map[string]bool{"promise": false, "notice": true} {
		b.Run(name, func(b *testing.B) {
			f := setup(b, 1)
			f.ns.late = late
			theirs, err := Open(f.ctx, devtest.Conn(b, f.server), "test")
			f.ok(err)
			heard := make(chan struct{}, 1)
			stop, err := theirs.ListenClosed("me", func(string, []byte) { heard <- struct{}{} }, func() {})
			f.ok(err)
			defer stop()
			data := make([]byte, 150)
			for b.Loop() {
				info := RecordInfo{Number: 1, CommitID: "c", Type: "T", Status: "Completed", LastEvent: 1, Waiter: "me"}
				if _, err := f.ns.Append(f.ctx, newRun("w").Run, data, info, 0); err != nil {
					b.Fatal(err)
				}
				<-heard
			}
		})
	}
}
