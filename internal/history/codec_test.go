package history

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmihailenco/msgpack/v5"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

func TestRecordsRoundTrip(t *testing.T) {
	for kind, empty := range newRecords {
		t.Run(kind, func(t *testing.T) {
			want := sampleRecord(kind)
			data := encode(t, want)
			_, decode := empty()
			got, err := decode(data)
			if err != nil {
				t.Fatal(err)
			}
			wantSame(t, got, want)
			if again := encode(t, got); !bytes.Equal(again, data) {
				t.Error("encoding what was decoded gives other bytes")
			}
		})
	}
}

func TestTheEndOfARecordIsTheRecordWithItsLastEvent(t *testing.T) {
	for _, events := range [][]Event{nil, sampleEvents()[:1], sampleEvents()} {
		want := sampleRecord("transition").(*Transition)
		want.Events, want.Body = events, nil
		got, err := DecodeEnd(encode(t, want))
		if err != nil {
			t.Fatal(err)
		}
		if len(events) > 1 {
			want.Events = events[len(events)-1:]
		}
		wantSame(t, got, want)
	}
}

func TestEventsRoundTrip(t *testing.T) {
	events := sampleEvents()
	for _, e := range events {
		t.Run(e.Type.String(), func(t *testing.T) {
			data, err := EncodeEvents([]Event{e})
			if err != nil {
				t.Fatal(err)
			}
			got, err := DecodeEvents(data)
			if err != nil {
				t.Fatal(err)
			}
			wantSame(t, got, []Event{e})
		})
	}
	data, err := EncodeEvents(events)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeEvents(data)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, events)
}

// Every event type has attributes that know their type.
func TestEveryEventTypeHasAttributes(t *testing.T) {
	unused := map[enums.EventType]bool{enums.EVENT_TYPE_UNSPECIFIED: true}
	seen := map[reflect.Type]enums.EventType{}
	for n := enums.EventType(-1); n < 2000; n++ {
		named := n.String() != fmt.Sprint(int(n)) && !unused[n]
		a := newAttributes(n)
		switch {
		case named && a == nil:
			t.Errorf("event type %d %v has no attributes", int(n), n)
		case !named && a != nil:
			t.Errorf("event type %d has attributes %T but no name", int(n), a)
		}
		if a == nil {
			continue
		}
		if a.EventType() != n {
			t.Errorf("attributes %T of event type %v say they belong to %v", a, n, a.EventType())
		}
		if other, twice := seen[reflect.TypeOf(a)]; twice {
			t.Errorf("attributes %T belong to %v and to %v", a, other, n)
		}
		seen[reflect.TypeOf(a)] = n
	}
}

// What is not set is not stored; a zero time above all.
func TestZeroFieldsAreAbsent(t *testing.T) {
	for kind, empty := range newRecords {
		r, _ := empty()
		m := generic(t, encode(t, r))
		checkAbsent(t, kind, reflect.TypeOf(r).Elem(), m)
	}
	for _, n := range eventTypes() {
		a := newAttributes(n)
		data, err := msgpack.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		checkAbsent(t, n.String(), reflect.TypeOf(a).Elem(), generic(t, data))
	}
}

func checkAbsent(t *testing.T, what string, typ reflect.Type, m map[string]any) {
	t.Helper()
	for _, key := range keysOf(typ) {
		if _, there := m[key.Name]; there == key.Optional {
			t.Errorf("%s: zero field %s (%s): stored is %v", what, key.Field, key.Name, there)
		}
	}
}

func generic(t *testing.T, data []byte) map[string]any {
	t.Helper()
	m, ok := decodeAny(t, data).(map[string]any)
	if !ok {
		t.Fatalf("%x is not a map", data)
	}
	return m
}

// Times come back as the same instants in UTC, whatever the zone of writer and reader: workflow code sees them.
func TestTimesComeBackInUTC(t *testing.T) {
	zone := time.FixedZone("somewhere", 5*3600)
	for kind, empty := range newRecords {
		r := sampleRecord(kind)
		var want []time.Time
		timesOf(reflect.ValueOf(r), kind, func(_ string, at time.Time) { want = append(want, at) })
		if s, ok := r.(*Start); ok {
			s.Time = s.Time.In(zone)
		}
		_, decode := empty()
		got, err := decode(encode(t, r))
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		timesOf(reflect.ValueOf(got), kind, func(path string, at time.Time) {
			if !at.Equal(want[i]) || at.Location() != time.UTC {
				t.Errorf("%s is %v, want %v", path, at, want[i])
			}
			i++
		})
	}
}

func TestDurationsAreMilliseconds(t *testing.T) {
	m := generic(t, encode(t, &Task{StartToClose: MillisOf(90 * time.Second)}))
	if got := fmt.Sprint(m["stc"]); got != "90000" {
		t.Errorf("stored StartToClose is %s, want 90000", got)
	}
}

// Equal values have equal bytes, whatever the order in which a map was filled or is ranged over.
func TestMapKeysAreSorted(t *testing.T) {
	start := sampleRecord("start").(*Start)
	start.Input.Payloads[0].Metadata = map[string][]byte{}
	for i := range 12 {
		start.Input.Payloads[0].Metadata[fmt.Sprint("key", 11-i)] = []byte{1}
	}
	first := encode(t, start)
	for range 20 {
		if !bytes.Equal(encode(t, start), first) {
			t.Fatal("the same start has two encodings")
		}
	}
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	want := sampleRecord("task").(*Task)
	m := generic(t, encode(t, want))
	m["future"] = map[string]any{"x": []any{1, "two", nil}}
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf)
	if err := enc.Encode(m); err != nil {
		t.Fatal(err)
	}
	got, err := DecodeTask(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, want)
}

func TestUnknownEventKeysAreIgnored(t *testing.T) {
	data := pack(t, []any{fields{"i", 7, "z", []any{1}, "t", 18, "a", fields{"s", 3, "zz", 1}}})
	got, err := DecodeEvents(data)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, []Event{NewEvent(7, &TimerFired{Started: 3})})
}

// fields is a map with keys in a given order.
type fields []any

// pack encodes v, which may hold fields and lists of them.
func pack(t testing.TB, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf)
	enc.UseCompactInts(true)
	var put func(v any) error
	put = func(v any) error {
		switch v := v.(type) {
		case fields:
			if err := enc.EncodeMapLen(len(v) / 2); err != nil {
				return err
			}
			for _, x := range v {
				if err := put(x); err != nil {
					return err
				}
			}
			return nil
		case []any:
			if err := enc.EncodeArrayLen(len(v)); err != nil {
				return err
			}
			for _, x := range v {
				if err := put(x); err != nil {
					return err
				}
			}
			return nil
		}
		return enc.Encode(v)
	}
	if err := put(v); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestNewerFormats(t *testing.T) {
	transition := func(version int, events ...any) []byte {
		return pack(t, fields{"v", version, "r", "run", "k", 1, "c", "commit", "cv", "start", "ev", events})
	}
	for name, test := range map[string]struct {
		data  []byte
		newer bool
		text  string
	}{
		"newer version": {transition(2), true,
			"decode transition: format version 2: record written by a newer version of millrace"},
		"newer version with another shape": {pack(t, fields{"v", 2, "r", []any{1}}), true,
			"decode transition: format version 2: record written by a newer version of millrace"},
		"unknown event type": {transition(1, fields{"i", 2, "t", 999, "a", fields{}}), true,
			"decode transition: event type 999: record written by a newer version of millrace"},
		"huge event type": {transition(1, fields{"i", 2, "t", 1 << 40, "a", fields{}}), true,
			"decode transition: event type 1099511627776: record written by a newer version of millrace"},
		"a version that there cannot be": {transition(1 << 40), false, "decode transition: format version 1099511627776 is none of millrace"},
		"no version":                     {pack(t, fields{}), false, "decode transition: format version is 0, must be at least 1"},
		"nil":                            {[]byte{0xc0}, false, "decode transition: format version is 0, must be at least 1"},
		"negative version":               {transition(-1), false, "decode transition: format version is -1, must be at least 1"},
		"attributes first":               {transition(1, fields{"a", fields{}, "i", 2, "t", 18}), false, "decode transition: event 0 has attributes before its type"},
		"no attributes":                  {transition(1, fields{"i", 2, "t", 18}), false, "decode transition: event 2 of type 18 has no attributes"},
		"extension as event":             {transition(1, time.Unix(0x81a178dd, 0)), false, "decode transition: byte 0xd6 where a map is expected"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeTransition(test.data)
			if err == nil || err.Error() != test.text {
				t.Errorf("error is %q, want %q", err, test.text)
			}
			if errors.Is(err, ErrNewerFormat) != test.newer {
				t.Errorf("error matches ErrNewerFormat: %v", !test.newer)
			}
		})
	}
}

func TestDamagedRecords(t *testing.T) {
	for kind, empty := range newRecords {
		_, decode := empty()
		data := encode(t, sampleRecord(kind))
		if _, err := decode(append(bytes.Clone(data), 0xc0)); err == nil || !strings.HasSuffix(err.Error(), "1 bytes after its end") {
			t.Errorf("%s with a byte after its end: %v", kind, err)
		}
		for n := range len(data) {
			if _, err := decode(data[:n]); err == nil {
				t.Fatalf("%s cut after %d of %d bytes was decoded", kind, n, len(data))
			}
		}
	}
}

func TestEncodeRefusesWhatNobodyCouldRead(t *testing.T) {
	var deep *failure.Failure
	for range 300 {
		deep = &failure.Failure{Cause: deep}
	}
	for name, r := range map[string]record{
		"deep causes":   &Message{Activity: &ActivityResult{Failure: deep}},
		"no attributes": &Transition{Events: []Event{{ID: 2, Type: enums.EVENT_TYPE_TIMER_FIRED}}},
		"wrong attributes": &Transition{Events: []Event{
			{ID: 2, Type: enums.EVENT_TYPE_TIMER_FIRED, Attributes: &TimerStarted{}}}},
	} {
		if _, err := Encode(r); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
	for range 300 - 100 {
		deep = deep.Cause
	}
	if _, err := DecodeMessage(encode(t, &Message{Activity: &ActivityResult{Failure: deep}})); err != nil {
		t.Errorf("100 causes: %v", err)
	}
}

func TestNestingLimit(t *testing.T) {
	nested := func(n int) []byte {
		return append(bytes.Repeat([]byte{0x91}, n), 0xc0)
	}
	if _, err := sizeOf(nested(maxNesting-1), maxNesting); err != nil {
		t.Error(err)
	}
	if _, err := sizeOf(nested(maxNesting), maxNesting); err == nil {
		t.Errorf("%d levels pass", maxNesting)
	}
	wide := []byte{0xde, 0, 16} // a map with more entries than its head byte can say
	for range 15 {
		wide = append(wide, 0xa0, 0xc0)
	}
	if _, err := sizeOf(slices.Concat(wide, []byte{0xa0}, nested(maxNesting)), maxNesting); err == nil {
		t.Error("deep nesting at the end of a wide map passes")
	}
	// A string hides nesting from the check; a decoder that took an extension before it for a map would walk into it.
	hidden := fields{"v", 1, "in", fields{"p", []any{time.Unix(0x81a178dd, 0), string(nested(1 << 20))}}}
	if _, err := DecodeTask(pack(t, hidden)); err == nil {
		t.Error("a timestamp was read as a payload")
	}
}

// A length prefix alone must not make the decoder allocate.
func TestHostileLengths(t *testing.T) {
	head := pack(t, fields{"v", 1, "x", 0})
	head = head[:len(head)-3] // without the second entry
	for name, tail := range map[string][]byte{
		"events":   {0xa2, 'e', 'v', 0xdd, 0x7f, 0xff, 0xff, 0xff},
		"consumed": {0xa2, 'c', 'o', 0xdd, 0x7f, 0xff, 0xff, 0xff, 0xa1, 'x'},
		"string":   {0xa1, 'r', 0xdb, 0x7f, 0xff, 0xff, 0xff, 'x'},
		"bytes":    {0xa2, 'p', 'h', 0xc6, 0xff, 0xff, 0xff, 0xff, 1},
		"map":      {0xa1, 'z', 0xdf, 0xff, 0xff, 0xff, 0xff, 1},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := DecodeTransition(append(bytes.Clone(head), tail...))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, errTruncated) {
			t.Errorf("%s: %v", name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: decoding %d bytes allocated %d", name, len(head)+len(tail), n)
		}
	}
}

// Other encoders may choose other widths of integer and string.
func TestOtherEncodersWidths(t *testing.T) {
	var buf bytes.Buffer
	enc := msgpack.NewEncoder(&buf) // without compact integers
	if err := enc.Encode(map[string]any{"v": int64(1), "id": "x", "w": map[string]any{"d": t0}}); err != nil {
		t.Fatal(err)
	}
	m, err := DecodeMessage(buf.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, m, &Message{Version: 1, ID: "x", WakeUp: &WakeUp{Due: t0}})
}

func TestPayloadsKeepTheirOrderAndNils(t *testing.T) {
	want := &Task{Version: 1, Scheduled: t0, Input: &common.Payloads{Payloads: []*common.Payload{{Data: []byte("1")}, nil, {}}}}
	got, err := DecodeTask(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, got, want)
}
