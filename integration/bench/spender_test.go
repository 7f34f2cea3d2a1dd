package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseTraces(t *testing.T) {
	const text = `File: bench
Type: cpu
-----------+-------------------------------------------------------
                key:   value
     1.50s   internal/runtime/syscall.Syscall6
             syscall.write (inline)
             github.com/nats-io/nats-server/v2/server.(*client).flushOutbound
-----------+-------------------------------------------------------
      20ms   runtime.mallocgc
             github.com/millrace-dev/millrace/coordinator.(*Coordinator).decide
`
	got, err := parseTraces(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []stack{
		{1.5e9, []string{"internal/runtime/syscall.Syscall6", "syscall.write", "github.com/nats-io/nats-server/v2/server.(*client).flushOutbound"}},
		{2e7, []string{"runtime.mallocgc", "github.com/millrace-dev/millrace/coordinator.(*Coordinator).decide"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(stack{})); diff != "" {
		t.Errorf("stacks (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"-----\n 5parsecs main.f\n", "-----\n word main.f\n", "-----\n 5ms\n"} {
		if got, err := parseTraces(strings.NewReader(bad)); err == nil {
			t.Errorf("parseTraces(%q) = %v, want an error", bad, got)
		}
	}
}

func TestCharge(t *testing.T) {
	const server, mill = "github.com/nats-io/nats-server/v2/server.", "github.com/millrace-dev/millrace/"
	for _, tc := range []struct {
		frames []string
		want   spender
	}{
		{[]string{"internal/runtime/syscall/linux.Syscall6", "syscall.write", server + "(*client).flushOutbound"}, kernel},
		{[]string{"runtime.memmove", server + "(*fileStore).StoreMsg"}, broker},
		{[]string{"runtime.findRunnable", "runtime.schedule", "runtime.mcall"}, scheduler},
		{[]string{"runtime.lock2", "runtime.chansend", "github.com/nats-io/nats%2ego.(*Conn).kickFlusher"}, scheduler},
		{[]string{"strings.Index", "github.com/nats-io/nats%2ego.(*Conn).parse"}, natsGo},
		{[]string{"runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"}, collector},
		{[]string{"runtime.scanobject", "runtime.gcAssistAlloc", "runtime.mallocgc", mill + "worker.(*w).run"}, collector},
		{[]string{"runtime.mallocgc", "reflect.New", "github.com/vmihailenco/msgpack/v5.(*Decoder).Decode", mill + "internal/history.DecodeStart"}, codec},
		{[]string{"runtime.growslice", mill + "internal/history.(*writer).string", mill + "internal/history.(*plan).put"}, codec},
		{[]string{"runtime.mallocgc", mill + "internal/history.(*State).Apply"}, ours},
		{[]string{"runtime.mallocgc", mill + "coordinator.(*Coordinator).decide"}, ours},
		{[]string{"strconv.AppendInt", mill + "streams.(*puller).receive"}, ours},
		{[]string{"main.(*millraceSystem).do"}, benchmark},
		{[]string{"sort.Sort"}, other},
		{nil, other},
	} {
		if got := charge(tc.frames); got != tc.want {
			t.Errorf("charge(%v) = %s, want %s", tc.frames, got, tc.want)
		}
	}
}

func TestAWaitIsChargedToWhoWaits(t *testing.T) {
	frames := []string{"runtime.selectgo", "sync.(*Mutex).Lock", "github.com/millrace-dev/millrace/streams.broker.request"}
	if got := chargeWait(frames); got != ours {
		t.Errorf("chargeWait(%v) = %s, want %s", frames, got, ours)
	}
	if got := charge(frames); got != scheduler {
		t.Errorf("charge(%v) = %s, want %s", frames, got, scheduler)
	}
}
