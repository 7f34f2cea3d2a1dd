package history

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"time"
)

// The heads of MessagePack values that this format uses. Those with a length or a number of one byte are followed by
// those of two, four and, for numbers, eight.
const (
	headFixMap    = 0x80
	headFixArray  = 0x90
	headFixString = 0xa0
	headNil       = 0xc0
	headFalse     = 0xc2
	headTrue      = 0xc3
	headBytes8    = 0xc4
	headExt8      = 0xc7
	headFloat32   = 0xca
	headFloat64   = 0xcb
	headUint8     = 0xcc
	headInt8      = 0xd0
	headFixExt4   = 0xd6
	headFixExt8   = 0xd7
	headString8   = 0xd9
	headArray16   = 0xdc
	headMap16     = 0xde
	// headNegative is the first of the heads that are small negative numbers themselves.
	headNegative = 0xe0

	timestamp = 0xff // extension -1
)

// writer appends MessagePack to a buffer, every number and length in its shortest form. What goes wrong is kept in err.
type writer struct {
	buf []byte
	// depth counts the maps and arrays that are being written.
	depth int
	err   error
}

// maxPooledBuffer keeps the buffer of one large record from staying in memory.
const maxPooledBuffer = 64 << 10

var writers = sync.Pool{New: func() any { return new(writer) }}

// release gives w back to the pool.
func (w *writer) release() {
	if cap(w.buf) > maxPooledBuffer {
		w.buf = nil
	}
	*w = writer{buf: w.buf[:0]}
	writers.Put(w)
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// enter begins a map or array of n entries and leave ends it. Only those with entries count as levels.
func (w *writer) enter(n int) {
	w.depth++
	if w.depth > maxNesting || w.depth == maxNesting && n > 0 {
		w.fail(errNesting)
	}
}

func (w *writer) leave() { w.depth-- }

func (w *writer) null() { w.buf = append(w.buf, headNil) }

func (w *writer) bool(b bool) {
	if b {
		w.buf = append(w.buf, headTrue)
		return
	}
	w.buf = append(w.buf, headFalse)
}

// sized writes the head of n: first where n takes one byte more, the heads after it for two, four and eight.
func (w *writer) sized(first byte, n uint64) {
	switch {
	case n <= math.MaxUint8:
		w.buf = append(w.buf, first, byte(n))
	case n <= math.MaxUint16:
		w.buf = binary.BigEndian.AppendUint16(append(w.buf, first+1), uint16(n))
	case n <= math.MaxUint32:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, first+2), uint32(n))
	default:
		w.buf = binary.BigEndian.AppendUint64(append(w.buf, first+3), n)
	}
}

func (w *writer) uint(n uint64) {
	if n <= math.MaxInt8 {
		w.buf = append(w.buf, byte(n))
		return
	}
	w.sized(headUint8, n)
}

func (w *writer) int(n int64) {
	switch {
	case n >= 0:
		w.uint(uint64(n))
	case n >= -32:
		w.buf = append(w.buf, byte(n))
	case n >= math.MinInt8:
		w.buf = append(w.buf, headInt8, byte(n))
	case n >= math.MinInt16:
		w.buf = binary.BigEndian.AppendUint16(append(w.buf, headInt8+1), uint16(n))
	case n >= math.MinInt32:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, headInt8+2), uint32(n))
	default:
		w.buf = binary.BigEndian.AppendUint64(append(w.buf, headInt8+3), uint64(n))
	}
}

func (w *writer) float(f float64) {
	w.buf = binary.BigEndian.AppendUint64(append(w.buf, headFloat64), math.Float64bits(f))
}

func (w *writer) string(s string) {
	if len(s) < 32 {
		w.buf = append(w.buf, headFixString|byte(len(s)))
	} else {
		w.sized(headString8, uint64(len(s)))
	}
	w.buf = append(w.buf, s...)
}

// bytes writes b, nil as nil.
func (w *writer) bytes(b []byte) {
	if b == nil {
		w.null()
		return
	}
	w.sized(headBytes8, uint64(len(b)))
	w.buf = append(w.buf, b...)
}

// counted writes the head of a map or array of n entries: fix with n in it, or the head of 16 bits, or the one after it.
func (w *writer) counted(fix, head16 byte, n int) {
	switch {
	case n < 16:
		w.buf = append(w.buf, fix|byte(n))
	case n <= math.MaxUint16:
		w.buf = binary.BigEndian.AppendUint16(append(w.buf, head16), uint16(n))
	default:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, head16+1), uint32(n))
	}
}

// enterMap begins a map of n keys, each of which is followed by its value.
func (w *writer) enterMap(n int) {
	w.counted(headFixMap, headMap16, n)
	w.enter(n)
}

// enterArray begins an array of n values.
func (w *writer) enterArray(n int) {
	w.counted(headFixArray, headArray16, n)
	w.enter(n)
}

// time writes t as a timestamp: seconds in 32 bits if they fit, nanoseconds and seconds in 30 and 34 bits, or in 32
// and 64.
func (w *writer) time(t time.Time) {
	seconds, nanos := uint64(t.Unix()), uint64(t.Nanosecond())
	switch {
	case seconds>>32 == 0 && nanos == 0:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, headFixExt4, timestamp), uint32(seconds))
	case seconds>>34 == 0:
		w.buf = binary.BigEndian.AppendUint64(append(w.buf, headFixExt8, timestamp), nanos<<34|seconds)
	default:
		w.buf = binary.BigEndian.AppendUint32(append(w.buf, headExt8, 12, timestamp), uint32(nanos))
		w.buf = binary.BigEndian.AppendUint64(w.buf, seconds)
	}
}

var errNesting = fmt.Errorf("msgpack nested deeper than %d levels", maxNesting)
