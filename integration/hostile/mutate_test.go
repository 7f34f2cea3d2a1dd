package hostile

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/streams"
)

// mutant makes malformed messages of valid ones. The same seed makes the same messages.
type mutant struct {
	*rand.Rand
	number int
	// replies are subjects that a sender may name as his reply subject, so that the broker publishes its answer there.
	replies []string
	// kept is how many of the subject's first tokens stay as they are.
	kept int
	// headers are those that a sender may try.
	headers []string
}

// kind is one way in which a message is malformed.
type kind struct {
	name   string
	mangle func(*mutant, *nats.Msg)
}

// kinds are all ways.
func kinds() []kind {
	return []kind{
		{"random", (*mutant).random}, {"truncated", (*mutant).truncated}, {"flipped", (*mutant).flipped}, {"huge", (*mutant).huge},
		{"version", (*mutant).version}, {"tokens", (*mutant).tokens}, {"reply", (*mutant).reply}, {"header", (*mutant).header},
		{"empty", func(_ *mutant, m *nats.Msg) { m.Data = nil }}, {"nested", (*mutant).nested},
	}
}

// next is the next malformed message, made of base.
func (r *mutant) next(base *nats.Msg) *nats.Msg {
	m := &nats.Msg{Subject: base.Subject, Header: nats.Header{}, Data: append([]byte(nil), base.Data...)}
	for k, v := range base.Header {
		m.Header[k] = append([]string(nil), v...)
	}
	all := kinds()
	all[r.number%len(all)].mangle(r, m)
	r.number++
	return m
}

func (r *mutant) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func (r *mutant) random(m *nats.Msg) { m.Data = r.bytes(r.IntN(512)) }

func (r *mutant) truncated(m *nats.Msg) {
	if n := len(m.Data); n > 0 {
		m.Data = m.Data[:r.IntN(n)]
	}
}

func (r *mutant) flipped(m *nats.Msg) {
	if len(m.Data) == 0 {
		m.Data = r.bytes(8)
	}
	for range 1 + r.IntN(8) {
		m.Data[r.IntN(len(m.Data))] ^= 1 << r.IntN(8)
	}
}

// huge puts a number or a length that nothing has somewhere into the bytes.
func (r *mutant) huge(m *nats.Msg) {
	at := 0
	if n := len(m.Data); n > 0 {
		at = r.IntN(n)
	}
	first := []byte{0xcf, 0xd3, 0xdf, 0xdd, 0xdb, 0xc6, 0xc9, 0xcb}
	number := append([]byte{first[r.IntN(len(first))]}, binary.BigEndian.AppendUint64(nil, math.MaxUint64-uint64(r.IntN(3)))...)
	m.Data = append(append(append([]byte(nil), m.Data[:at]...), number...), m.Data[at:]...)
}

// version names a format version that there is not.
func (r *mutant) version(m *nats.Msg) {
	versions := [][]byte{{0x00}, {0xff}, {0xc0}, {0xa1, 'x'}, {0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}
	m.Data = append([]byte{0x81, 0xa1, 'v'}, versions[r.IntN(len(versions))]...)
}

// tokens replaces one of the subject's tokens, or adds some, or takes some away.
func (r *mutant) tokens(m *nats.Msg) {
	t := strings.Split(m.Subject, ".")
	bad := []string{"=", "=2", "=zz", "=2d", "=41", "-", "--", "*", "$SYS", "é", "\x01", "00", "-1", "99999999999999999999", "a=2E", strings.Repeat("x", 300),
		strings.Repeat("=00", 100), "run", "history", ">x", "x>", "*x", "\x7f", "\xff\xfe"}
	at := r.kept
	if r.kept < len(t) {
		at += r.IntN(len(t) - r.kept)
	}
	switch r.IntN(4) {
	case 0:
		t = append(t, bad[r.IntN(len(bad))])
	case 1:
		if len(t) > r.kept+1 {
			t = t[:len(t)-1]
		}
	default:
		if at < len(t) {
			t[at] = bad[r.IntN(len(bad))]
		}
	}
	m.Subject = strings.Join(t, ".")
}

func (r *mutant) reply(m *nats.Msg) {
	m.Data = r.bytes(16)
	m.Reply = r.replies[r.IntN(len(r.replies))]
}

func (r *mutant) header(m *nats.Msg) {
	values := []string{"", "0", "1", "-1", "18446744073709551615", "all", "sub", "@at 2000-01-01T00:00:00Z", "@every 1s", m.Subject, "x\ty", strings.Repeat("h", 200)}
	for range 1 + r.IntN(3) {
		key, value := r.headers[r.IntN(len(r.headers))], values[r.IntN(len(values))]
		if key == streams.HeaderIntakeRequestID {
			value += strconv.Itoa(r.number) // or two messages would ask for one run
		}
		m.Header.Add(key, value)
	}
}

func (r *mutant) nested(m *nats.Msg) {
	m.Data = append([]byte(strings.Repeat("\x91", 200+r.IntN(2000))), m.Data...)
}

// natsHeaders are the headers to which a broker listens.
func natsHeaders() []string {
	return []string{"Nats-Msg-Id", "Nats-Expected-Stream", "Nats-Expected-Last-Sequence", "Nats-Expected-Last-Subject-Sequence",
		"Nats-Expected-Last-Subject-Sequence-Subject", "Nats-Expected-Last-Msg-Id", "Nats-Rollup", "Nats-TTL", "Nats-Marker-Reason",
		"Nats-Incr", "Nats-Counter-Sources", "Nats-Batch-Id", "Nats-Batch-Sequence", "Nats-Batch-Commit", "Nats-Schedule", "Nats-Schedule-Target",
		"Nats-Schedule-Source", "Nats-Schedule-TTL", "Nats-Scheduler", "Nats-Schedule-Next", "Nats-Stream", "Nats-Subject", "Nats-Sequence",
		"Nats-Time-Stamp", "Nats-Required-Api-Level", "Nats-Stream-Source", "Nats-Last-Sequence", "Nats-Request-Info", "Status", "KV-Operation"}
}

// ourHeaders are those to which Millrace listens.
func ourHeaders() []string {
	return []string{"Millrace-Type", "Millrace-Transition", "Millrace-Commit", "Millrace-Previous", "Millrace-Status", "Millrace-Events",
		"Millrace-Search", "Millrace-Reason", "Millrace-Workflow", "Millrace-Run", streams.HeaderIntakeWorkflowID, streams.HeaderIntakeTaskQueue,
		streams.HeaderIntakeRequestID, "Millrace-", "millrace-type", "Original-Millrace-Type"}
}

// mightyHeaders are obeyed by the inbox's stream, which arms wake-ups by them, and by buckets: only who may publish there
// can do so, and he may do more than be malformed.
func mightyHeaders() map[string]bool {
	return map[string]bool{"Nats-Rollup": true, "Nats-Schedule": true, "Nats-Schedule-Target": true, "Nats-Schedule-Source": true,
		"Nats-Schedule-TTL": true, "Nats-Scheduler": true, "Nats-Schedule-Next": true, "KV-Operation": true, "Nats-Marker-Reason": true}
}

func (r *mutant) String() string { return fmt.Sprint("message ", r.number) }
