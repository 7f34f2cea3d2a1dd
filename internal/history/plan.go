package history

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
)

// plan is how a struct is written and read: as a map whose keys are in the msgpack tags of its fields, in their order,
// with the fields of inlined structs in their place. The tags are looked at once.
type plan struct {
	// pointer is the type of a pointer to the struct.
	pointer reflect.Type
	fields  []field
}

// field is one key of a struct. Index leads to its value, through one struct for each number.
type field struct {
	key      string
	index    []int
	optional bool
	shape
}

// shape is how the values of one Go type are written and read.
type shape struct {
	empty func(v reflect.Value) bool
	put   func(w *writer, v reflect.Value)
	get   func(r *reader, v reflect.Value)
}

// plans are those of all records and attributes, and of what is in them.
type plans struct {
	structs map[reflect.Type]*plan
	// events has the plans of attributes by the type of event that they belong to.
	events map[enums.EventType]*plan
}

var recordPlans = sync.OnceValue(func() *plans {
	ps := &plans{structs: map[reflect.Type]*plan{}, events: map[enums.EventType]*plan{}}
	for _, r := range []record{
		&Start{}, &Transition{}, &TransitionHead{}, &Message{}, &Task{}, &TaskToken{}, &Beat{}, &Query{}, &QueryResult{}, &Trouble{}, &UpdateAnswer{},
	} {
		ps.add(reflect.TypeOf(r).Elem())
	}
	for _, a := range slices.Concat(workflowAttributes(), activityAttributes(), childAttributes(), markerAttributes(), updateAttributes(), versioningAttributes(), controlAttributes()) {
		ps.events[a.EventType()] = ps.add(reflect.TypeOf(a).Elem())
	}
	return ps
})

// of is the plan of r.
func (ps *plans) of(r record) *plan { return ps.structs[reflect.TypeOf(r).Elem()] }

// put writes the struct v, which must be addressable.
func (p *plan) put(w *writer, v reflect.Value) {
	// How many fields are set shows while they are written.
	head := len(w.buf)
	w.buf = append(w.buf, headFixMap)
	if w.enter(0); w.err != nil {
		return
	}
	n := 0
	for i := range p.fields {
		f := &p.fields[i]
		fv := f.in(v)
		if f.optional && f.empty(fv) {
			continue
		}
		n++
		w.string(f.key)
		f.put(w, fv)
	}
	w.leave()
	if n > 0 && w.depth+1 >= maxNesting {
		w.fail(errNesting)
	}
	if n < 16 {
		w.buf[head] |= byte(n)
		return
	}
	w.buf[head] = headMap16
	w.buf = slices.Insert(w.buf, head+1, byte(n>>8), byte(n))
}

// get reads the struct v and ignores keys that it does not know.
func (p *plan) get(r *reader, v reflect.Value) {
	n := r.enterMap()
	next := 0
	for i := 0; i < n && r.err == nil; i++ {
		at := p.find(r.text(), next)
		if at < 0 {
			r.skip()
			continue
		}
		f := &p.fields[at]
		f.get(r, f.in(v))
		next = at + 1
	}
	r.leave(n)
}

// find is the position of the field with the given key, -1 for none. It looks first from next on: the keys of a record
// come in the order of the fields.
func (p *plan) find(key []byte, next int) int {
	for i := next; i < len(p.fields); i++ {
		if p.fields[i].key == string(key) {
			return i
		}
	}
	for i := range p.fields[:next] {
		if p.fields[i].key == string(key) {
			return i
		}
	}
	return -1
}

func (f *field) in(v reflect.Value) reflect.Value {
	for _, i := range f.index {
		v = v.Field(i)
	}
	return v
}

// add plans t, once: a struct may be part of itself.
func (ps *plans) add(t reflect.Type) *plan {
	if p, ok := ps.structs[t]; ok {
		return p
	}
	p := &plan{pointer: reflect.PointerTo(t)}
	ps.structs[t] = p
	p.fields = ps.fields(t, nil)
	return p
}

// fields are those of t, the struct to which index leads.
func (ps *plans) fields(t reflect.Type, index []int) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		key, option, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		if option == "inline" {
			all = append(all, ps.fields(f.Type, at)...)
			continue
		}
		all = append(all, field{key: key, index: at, optional: option == "omitempty", shape: ps.shape(f.Type)})
	}
	return all
}

// shape is that of t. It panics for a type that no stored struct has had so far, which the first encoding in any test
// would show.
func (ps *plans) shape(t reflect.Type) shape {
	switch t {
	case reflect.TypeFor[time.Time]():
		return timeShape
	case reflect.TypeFor[Event]():
		return ps.eventShape()
	case reflect.TypeFor[[]Event]():
		return ps.eventsShape()
	case reflect.TypeFor[[]byte]():
		return bytesShape
	case reflect.TypeFor[map[string][]byte]():
		return mapShape((*writer).bytes, func(r *reader) []byte { return bytes.Clone(r.text()) })
	case reflect.TypeFor[map[string]*common.Payload]():
		return ps.payloadMapShape()
	}
	switch t.Kind() {
	case reflect.String:
		return stringShape
	case reflect.Bool:
		return boolShape
	case reflect.Int, reflect.Int32, reflect.Int64:
		return intShape
	case reflect.Uint64:
		return uintShape
	case reflect.Float64:
		return floatShape
	case reflect.Struct:
		p := ps.add(t)
		return shape{put: p.put, get: p.get}
	case reflect.Pointer:
		return pointerShape(ps.shape(t.Elem()))
	case reflect.Slice:
		return sliceShape(ps.shape(t.Elem()))
	}
	panic(fmt.Sprintf("history: no form for a %v in a record", t))
}

func hasNoLength(v reflect.Value) bool { return v.Len() == 0 }

var stringShape = shape{
	empty: hasNoLength,
	put:   func(w *writer, v reflect.Value) { w.string(v.String()) },
	get:   func(r *reader, v reflect.Value) { v.SetString(string(r.text())) },
}

var bytesShape = shape{
	empty: hasNoLength,
	put:   func(w *writer, v reflect.Value) { w.bytes(v.Bytes()) },
	get:   func(r *reader, v reflect.Value) { v.SetBytes(bytes.Clone(r.text())) },
}

var boolShape = shape{
	empty: func(v reflect.Value) bool { return !v.Bool() },
	put:   func(w *writer, v reflect.Value) { w.bool(v.Bool()) },
	get:   func(r *reader, v reflect.Value) { v.SetBool(r.bool()) },
}

var intShape = shape{
	empty: func(v reflect.Value) bool { return v.Int() == 0 },
	put:   func(w *writer, v reflect.Value) { w.int(v.Int()) },
	get: func(r *reader, v reflect.Value) {
		n := r.int()
		if v.OverflowInt(n) {
			r.fail(fmt.Errorf("number %d does not fit %v", n, v.Type()))
		}
		v.SetInt(n)
	},
}

var uintShape = shape{
	empty: func(v reflect.Value) bool { return v.Uint() == 0 },
	put:   func(w *writer, v reflect.Value) { w.uint(v.Uint()) },
	get:   func(r *reader, v reflect.Value) { v.SetUint(r.uint()) },
}

var floatShape = shape{
	empty: func(v reflect.Value) bool { return v.Float() == 0 },
	put:   func(w *writer, v reflect.Value) { w.float(v.Float()) },
	get:   func(r *reader, v reflect.Value) { v.SetFloat(r.float()) },
}

var timeShape = shape{
	empty: func(v reflect.Value) bool { return v.Addr().Interface().(*time.Time).IsZero() },
	put:   func(w *writer, v reflect.Value) { w.time(*v.Addr().Interface().(*time.Time)) },
	get:   func(r *reader, v reflect.Value) { *v.Addr().Interface().(*time.Time) = r.time() },
}

func (ps *plans) eventShape() shape {
	return shape{
		put: func(w *writer, v reflect.Value) { v.Addr().Interface().(*Event).put(w, ps) },
		get: func(r *reader, v reflect.Value) { v.Addr().Interface().(*Event).get(r, ps) },
	}
}

// eventsShape is that of a list, of which a reader may want the last event only.
func (ps *plans) eventsShape() shape {
	all, one := sliceShape(ps.eventShape()), ps.eventShape()
	return shape{
		empty: all.empty,
		put:   all.put,
		get: func(r *reader, v reflect.Value) {
			if !r.lastEvent {
				all.get(r, v)
				return
			}
			if v.SetZero(); r.null() {
				return
			}
			n := r.enterArray()
			for i := 0; i < n-1 && r.err == nil; i++ {
				r.skip()
			}
			if n > 0 && r.err == nil {
				v.Grow(1)
				v.SetLen(1)
				one.get(r, v.Index(0))
			}
			r.leave(n)
		},
	}
}

func pointerShape(elem shape) shape {
	return shape{
		empty: reflect.Value.IsNil,
		put: func(w *writer, v reflect.Value) {
			if v.IsNil() {
				w.null()
				return
			}
			elem.put(w, v.Elem())
		},
		get: func(r *reader, v reflect.Value) {
			if r.null() {
				v.SetZero()
				return
			}
			p := reflect.New(v.Type().Elem())
			elem.get(r, p.Elem())
			v.Set(p)
		},
	}
}

func sliceShape(elem shape) shape {
	return shape{
		empty: hasNoLength,
		put: func(w *writer, v reflect.Value) {
			if v.IsNil() {
				w.null()
				return
			}
			n := v.Len()
			w.enterArray(n)
			for i := 0; i < n && w.err == nil; i++ {
				elem.put(w, v.Index(i))
			}
			w.leave()
		},
		get: func(r *reader, v reflect.Value) {
			if v.SetZero(); r.null() {
				return
			}
			n := r.enterArray()
			v.Grow(n)
			v.SetLen(n)
			for i := 0; i < n && r.err == nil; i++ {
				elem.get(r, v.Index(i))
			}
			r.leave(n)
		},
	}
}

func (ps *plans) payloadMapShape() shape {
	p := ps.add(reflect.TypeFor[common.Payload]())
	put := func(w *writer, payload *common.Payload) {
		if payload == nil {
			w.null()
			return
		}
		p.put(w, reflect.ValueOf(payload).Elem())
	}
	get := func(r *reader) *common.Payload {
		if r.null() {
			return nil
		}
		payload := &common.Payload{}
		p.get(r, reflect.ValueOf(payload).Elem())
		return payload
	}
	return mapShape(put, get)
}

// mapShape is that of a map with keys of the user's. They are sorted, since equal values must have equal bytes.
func mapShape[V any](put func(*writer, V), get func(*reader) V) shape {
	return shape{
		empty: hasNoLength,
		put: func(w *writer, v reflect.Value) {
			m := *v.Addr().Interface().(*map[string]V)
			w.enterMap(len(m))
			if len(m) == 1 {
				for key, value := range m {
					w.string(key)
					put(w, value)
				}
			} else {
				for _, key := range slices.Sorted(maps.Keys(m)) {
					w.string(key)
					put(w, m[key])
				}
			}
			w.leave()
		},
		get: func(r *reader, v reflect.Value) {
			var m map[string]V
			n := r.enterMap()
			for i := 0; i < n && r.err == nil; i++ {
				if m == nil {
					m = map[string]V{}
				}
				key := r.key()
				m[key] = get(r)
			}
			r.leave(n)
			*v.Addr().Interface().(*map[string]V) = m
		},
	}
}
