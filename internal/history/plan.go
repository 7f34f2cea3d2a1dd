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
	"unsafe"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/enums"
)

// plan is how a struct is written and read: as a map whose keys are in the msgpack tags of its fields, in their order,
// with the fields of inlined structs in their place. The tags are looked at once.
//
// Records are written and read for every step of every run, so reflection ends with the plan: from then on a value is the
// address at which it stands, and its shape, made for its type, knows what is there.
type plan struct {
	// pointer is the type of a pointer to the struct.
	pointer reflect.Type
	fields  []field
}

// field is one key of a struct. Its value stands at the offset, in an inlined struct perhaps.
type field struct {
	key      string
	offset   uintptr
	optional bool
	shape
}

// shape is how the values of one Go type are written and read.
type shape struct {
	empty func(v unsafe.Pointer) bool
	put   func(w *writer, v unsafe.Pointer)
	get   func(r *reader, v unsafe.Pointer)
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

// put writes the struct at v.
func (p *plan) put(w *writer, v unsafe.Pointer) {
	// How many fields are set shows while they are written.
	head := len(w.buf)
	w.buf = append(w.buf, headFixMap)
	if w.enter(0); w.err != nil {
		return
	}
	n := 0
	for i := range p.fields {
		f := &p.fields[i]
		at := unsafe.Add(v, f.offset)
		if f.optional && f.empty(at) {
			continue
		}
		n++
		w.string(f.key)
		f.put(w, at)
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

// get reads the struct at v and ignores keys that it does not know.
func (p *plan) get(r *reader, v unsafe.Pointer) {
	n := r.enterMap()
	next := 0
	for i := 0; i < n && r.err == nil; i++ {
		at := p.find(r.text(), next)
		if at < 0 {
			r.skip()
			continue
		}
		f := &p.fields[at]
		f.get(r, unsafe.Add(v, f.offset))
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

// add plans t, once: a struct may be part of itself.
func (ps *plans) add(t reflect.Type) *plan {
	if p, ok := ps.structs[t]; ok {
		return p
	}
	p := &plan{pointer: reflect.PointerTo(t)}
	ps.structs[t] = p
	p.fields = ps.fields(t, 0)
	return p
}

// fields are those of t, a struct that begins at the offset.
func (ps *plans) fields(t reflect.Type, offset uintptr) []field {
	var all []field
	for f := range t.Fields() {
		at := offset + f.Offset
		key, option, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		if option == "inline" {
			all = append(all, ps.fields(f.Type, at)...)
			continue
		}
		all = append(all, field{key: key, offset: at, optional: option == "omitempty", shape: ps.shape(f.Type)})
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
	case reflect.Int:
		return intShape[int]()
	case reflect.Int32:
		return intShape[int32]()
	case reflect.Int64:
		return intShape[int64]()
	case reflect.Uint64:
		return uintShape
	case reflect.Float64:
		return floatShape
	case reflect.Struct:
		p := ps.add(t)
		return shape{put: p.put, get: p.get}
	case reflect.Pointer:
		return pointerShape(t.Elem(), ps.shape(t.Elem()))
	case reflect.Slice:
		return sliceShape(t, ps.shape(t.Elem()))
	}
	panic(fmt.Sprintf("history: no form for a %v in a record", t))
}

var stringShape = shape{
	empty: func(v unsafe.Pointer) bool { return *(*string)(v) == "" },
	put:   func(w *writer, v unsafe.Pointer) { w.string(*(*string)(v)) },
	get:   func(r *reader, v unsafe.Pointer) { *(*string)(v) = string(r.text()) },
}

var bytesShape = shape{
	empty: func(v unsafe.Pointer) bool { return len(*(*[]byte)(v)) == 0 },
	put:   func(w *writer, v unsafe.Pointer) { w.bytes(*(*[]byte)(v)) },
	get:   func(r *reader, v unsafe.Pointer) { *(*[]byte)(v) = bytes.Clone(r.text()) },
}

var boolShape = shape{
	empty: func(v unsafe.Pointer) bool { return !*(*bool)(v) },
	put:   func(w *writer, v unsafe.Pointer) { w.bool(*(*bool)(v)) },
	get:   func(r *reader, v unsafe.Pointer) { *(*bool)(v) = r.bool() },
}

func intShape[T int | int32 | int64]() shape {
	return shape{
		empty: func(v unsafe.Pointer) bool { return *(*T)(v) == 0 },
		put:   func(w *writer, v unsafe.Pointer) { w.int(int64(*(*T)(v))) },
		get: func(r *reader, v unsafe.Pointer) {
			n := r.int()
			if int64(T(n)) != n {
				r.fail(fmt.Errorf("number %d does not fit %T", n, T(0)))
			}
			*(*T)(v) = T(n)
		},
	}
}

var uintShape = shape{
	empty: func(v unsafe.Pointer) bool { return *(*uint64)(v) == 0 },
	put:   func(w *writer, v unsafe.Pointer) { w.uint(*(*uint64)(v)) },
	get:   func(r *reader, v unsafe.Pointer) { *(*uint64)(v) = r.uint() },
}

var floatShape = shape{
	empty: func(v unsafe.Pointer) bool { return *(*float64)(v) == 0 },
	put:   func(w *writer, v unsafe.Pointer) { w.float(*(*float64)(v)) },
	get:   func(r *reader, v unsafe.Pointer) { *(*float64)(v) = r.float() },
}

var timeShape = shape{
	empty: func(v unsafe.Pointer) bool { return (*time.Time)(v).IsZero() },
	put:   func(w *writer, v unsafe.Pointer) { w.time(*(*time.Time)(v)) },
	get:   func(r *reader, v unsafe.Pointer) { *(*time.Time)(v) = r.time() },
}

func (ps *plans) eventShape() shape {
	return shape{
		put: func(w *writer, v unsafe.Pointer) { (*Event)(v).put(w, ps) },
		get: func(r *reader, v unsafe.Pointer) { (*Event)(v).get(r, ps) },
	}
}

// eventsShape is that of a list, of which a reader may want the last event only.
func (ps *plans) eventsShape() shape {
	all := sliceShape(reflect.TypeFor[[]Event](), ps.eventShape())
	return shape{
		empty: all.empty,
		put:   all.put,
		get: func(r *reader, v unsafe.Pointer) {
			if !r.lastEvent {
				all.get(r, v)
				return
			}
			events := (*[]Event)(v)
			if *events = nil; r.null() {
				return
			}
			n := r.enterArray()
			for i := 0; i < n-1 && r.err == nil; i++ {
				r.skip()
			}
			if n > 0 && r.err == nil {
				*events = make([]Event, 1)
				(*events)[0].get(r, ps)
			}
			r.leave(n)
		},
	}
}

// pointerShape is that of a pointer to a t.
func pointerShape(t reflect.Type, elem shape) shape {
	return shape{
		empty: func(v unsafe.Pointer) bool { return *(*unsafe.Pointer)(v) == nil },
		put: func(w *writer, v unsafe.Pointer) {
			to := *(*unsafe.Pointer)(v)
			if to == nil {
				w.null()
				return
			}
			elem.put(w, to)
		},
		get: func(r *reader, v unsafe.Pointer) {
			to := (*unsafe.Pointer)(v)
			if r.null() {
				*to = nil
				return
			}
			p := reflect.New(t).UnsafePointer()
			elem.get(r, p)
			*to = p
		},
	}
}

// sliceShape is that of a list of type t.
func sliceShape(t reflect.Type, elem shape) shape {
	size := t.Elem().Size()
	at := func(first unsafe.Pointer, i int) unsafe.Pointer { return unsafe.Add(first, uintptr(i)*size) }
	return shape{
		empty: func(v unsafe.Pointer) bool { return len(*(*[]struct{})(v)) == 0 },
		put: func(w *writer, v unsafe.Pointer) {
			list := *(*[]struct{})(v) // of whatever there is: it has the length and the first of them
			if list == nil {
				w.null()
				return
			}
			w.enterArray(len(list))
			first := unsafe.Pointer(unsafe.SliceData(list))
			for i := 0; i < len(list) && w.err == nil; i++ {
				elem.put(w, at(first, i))
			}
			w.leave()
		},
		get: func(r *reader, v unsafe.Pointer) {
			list := reflect.NewAt(t, v).Elem()
			if list.SetZero(); r.null() {
				return
			}
			n := r.enterArray()
			list.Grow(n)
			list.SetLen(n)
			first := list.UnsafePointer()
			for i := 0; i < n && r.err == nil; i++ {
				elem.get(r, at(first, i))
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
		p.put(w, unsafe.Pointer(payload))
	}
	get := func(r *reader) *common.Payload {
		if r.null() {
			return nil
		}
		payload := &common.Payload{}
		p.get(r, unsafe.Pointer(payload))
		return payload
	}
	return mapShape(put, get)
}

// mapShape is that of a map with keys of the user's. They are sorted, since equal values must have equal bytes.
func mapShape[V any](put func(*writer, V), get func(*reader) V) shape {
	return shape{
		empty: func(v unsafe.Pointer) bool { return len(*(*map[string]V)(v)) == 0 },
		put: func(w *writer, v unsafe.Pointer) {
			m := *(*map[string]V)(v)
			w.enterMap(len(m))
			if value, ok := m[encodingKey]; ok && len(m) == 1 { // as that of nearly all payloads
				w.string(encodingKey)
				put(w, value)
			} else {
				for _, key := range slices.Sorted(maps.Keys(m)) {
					w.string(key)
					put(w, m[key])
				}
			}
			w.leave()
		},
		get: func(r *reader, v unsafe.Pointer) {
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
			*(*map[string]V)(v) = m
		},
	}
}
