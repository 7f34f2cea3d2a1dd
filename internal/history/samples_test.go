package history

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/api/failure"
)

// t0 is when the tests' runs start.
var t0 = time.Date(2030, 5, 6, 7, 8, 9, 0, time.UTC)

func at(d time.Duration) time.Time { return t0.Add(d) }

// newRecords makes an empty record of every kind and knows its decoder.
var newRecords = map[string]func() (record, func([]byte) (record, error)){
	"start":         func() (record, func([]byte) (record, error)) { return &Start{}, erase(DecodeStart) },
	"transition":    func() (record, func([]byte) (record, error)) { return &Transition{}, erase(DecodeTransition) },
	"message":       func() (record, func([]byte) (record, error)) { return &Message{}, erase(DecodeMessage) },
	"task":          func() (record, func([]byte) (record, error)) { return &Task{}, erase(DecodeTask) },
	"task token":    func() (record, func([]byte) (record, error)) { return &TaskToken{}, erase(DecodeTaskToken) },
	"heartbeat":     func() (record, func([]byte) (record, error)) { return &Beat{}, erase(DecodeBeat) },
	"query":         func() (record, func([]byte) (record, error)) { return &Query{}, erase(DecodeQuery) },
	"query result":  func() (record, func([]byte) (record, error)) { return &QueryResult{}, erase(DecodeQueryResult) },
	"trouble":       func() (record, func([]byte) (record, error)) { return &Trouble{}, erase(DecodeTrouble) },
	"update answer": func() (record, func([]byte) (record, error)) { return &UpdateAnswer{}, erase(DecodeUpdateAnswer) },
}

func erase[R record](decode func([]byte) (R, error)) func([]byte) (record, error) {
	return func(data []byte) (record, error) {
		r, err := decode(data)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
}

// newAttributes is an empty set of attributes for t, nil for a type that this version does not know.
func newAttributes(t enums.EventType) Attributes {
	p := recordPlans().events[t]
	if p == nil {
		return nil
	}
	return reflect.New(p.pointer.Elem()).Interface().(Attributes)
}

// eventTypes are all numbers that newAttributes knows.
func eventTypes() []enums.EventType {
	var types []enums.EventType
	for n := enums.EventType(-1); n < 2000; n++ {
		if newAttributes(n) != nil {
			types = append(types, n)
		}
	}
	return types
}

// filler sets every field of a value to something that is not zero and differs from its neighbours.
type filler struct{ n int64 }

func (f *filler) fill(v reflect.Value, name string, depth int) {
	f.n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(t0.Add(time.Duration(f.n) * time.Millisecond)))
		return
	case []Event:
		return // filled by the samples, since attributes are an interface
	case *failure.Failure:
		if depth > 4 {
			return
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), name, depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i), v.Type().Field(i).Name, depth+1)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", name, f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(f.n)
	case reflect.Uint64:
		v.SetUint(uint64(f.n))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.5)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.fill(v.Index(i), name, depth+1)
		}
	case reflect.Uint8:
		v.SetUint(uint64(f.n % 256))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"zeta", "alpha", "mid", "beta"} {
			elem := reflect.New(v.Type().Elem()).Elem()
			f.fill(elem, name, depth+1)
			v.SetMapIndex(reflect.ValueOf(key), elem)
		}
	default:
		panic("samples: no rule to fill a " + v.Type().String())
	}
}

// filled is a copy of an empty value's type with every field set.
func filled[T any](empty T) T {
	f := &filler{}
	f.fill(reflect.ValueOf(empty).Elem(), "", 0)
	return empty
}

// sampleEvents is one event of each type with every field set.
func sampleEvents() []Event {
	var events []Event
	for _, n := range eventTypes() {
		events = append(events, NewEvent(int64(len(events)+2), filled(newAttributes(n))))
	}
	return events
}

// sampleRecord is a record of the named kind with every field set.
func sampleRecord(kind string) record {
	empty, _ := newRecords[kind]()
	r := filled(empty)
	if t, ok := r.(*Transition); ok {
		t.Events = sampleEvents()
	}
	return r
}

func encode(t testing.TB, r record) []byte {
	t.Helper()
	data, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// timesOf calls f for every time.Time inside v.
func timesOf(v reflect.Value, path string, f func(path string, at time.Time)) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		f(path, v.Interface().(time.Time))
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			timesOf(v.Elem(), path, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			timesOf(v.Field(i), path+"."+v.Type().Field(i).Name, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			timesOf(v.Index(i), fmt.Sprintf("%s[%d]", path, i), f)
		}
	}
}

func wantSame(t *testing.T, got, want any, opts ...cmp.Option) {
	t.Helper()
	if d := cmp.Diff(want, got, append(opts, cmpopts.EquateEmpty())...); d != "" {
		t.Fatalf("differs (-want +got):\n%s", d)
	}
}

func TestMillis(t *testing.T) {
	for d, want := range map[time.Duration]Millis{
		0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2, time.Second - 1: 1000, -1: 0, -time.Second: -1000,
		math.MaxInt64: math.MaxInt64/1000000 + 1,
	} {
		if got := MillisOf(d); got != want {
			t.Errorf("MillisOf(%d) = %d, want %d", d, got, want)
		}
	}
	for m, want := range map[Millis]time.Duration{
		0: 0, 5: 5 * time.Millisecond, -5: -5 * time.Millisecond,
		math.MaxInt64: math.MaxInt64, math.MinInt64: math.MinInt64, math.MaxInt64/1000000 + 1: math.MaxInt64,
	} {
		if got := m.Duration(); got != want {
			t.Errorf("Millis(%d).Duration() = %d, want %d", m, got, want)
		}
	}
}
