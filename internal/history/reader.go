package history

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
	"time"
)

// reader reads MessagePack that anyone may have written. The first thing that goes wrong is kept in err; nothing is
// read after it, and what is read instead is zero. A nil is read as the zero value of what is asked for.
type reader struct {
	data []byte
	pos  int
	// depth counts the maps and arrays with entries that are being read.
	depth int
	err   error
	// lastEvent says that of a list of events only the last is read.
	lastEvent bool
}

var readers = sync.Pool{New: func() any { return new(reader) }}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.pos = len(r.data)
}

func (r *reader) unexpected(head byte, wanted string) {
	r.fail(fmt.Errorf("byte 0x%02x where %s is expected", head, wanted))
}

// take returns the next n bytes, which still belong to the record.
func (r *reader) take(n int) []byte {
	if n > len(r.data)-r.pos {
		r.fail(errTruncated)
		return nil
	}
	b := r.data[r.pos : r.pos+n]
	r.pos += n
	return b
}

// head returns the next byte, nil's once something went wrong.
func (r *reader) head() byte {
	if r.pos >= len(r.data) {
		r.fail(errTruncated)
		return headNil
	}
	c := r.data[r.pos]
	r.pos++
	return c
}

// null skips a nil and reports whether there was one.
func (r *reader) null() bool {
	if r.pos < len(r.data) && r.data[r.pos] != headNil {
		return false
	}
	return r.head() == headNil
}

// number reads width bytes.
func (r *reader) number(width int) uint64 {
	var n uint64
	for _, c := range r.take(width) {
		n = n<<8 | uint64(c)
	}
	return n
}

func (r *reader) int() int64 {
	n, negative := r.integer()
	if !negative && n > math.MaxInt64 {
		r.fail(fmt.Errorf("number %d is more than %d", n, math.MaxInt64))
		return 0
	}
	return int64(n)
}

func (r *reader) uint() uint64 {
	n, negative := r.integer()
	if negative {
		r.fail(fmt.Errorf("number %d where none below zero is possible", int64(n)))
		return 0
	}
	return n
}

// integer reads an integer of any width; a negative one is in n as an int64 would be.
func (r *reader) integer() (n uint64, negative bool) {
	switch c := r.head(); {
	case c < headFixMap:
		return uint64(c), false
	case c >= headNegative:
		return uint64(int8(c)), true
	case c == headNil:
		return 0, false
	case c >= headUint8 && c < headUint8+4:
		return r.number(1 << (c - headUint8)), false
	case c >= headInt8 && c < headInt8+4:
		width := 1 << (c - headInt8)
		unused := 64 - 8*width
		signed := int64(r.number(width)<<unused) >> unused
		return uint64(signed), signed < 0
	default:
		r.unexpected(c, "an integer")
		return 0, false
	}
}

// float reads a floating-point number; an integer is one too.
func (r *reader) float() float64 {
	switch c := r.head(); c {
	case headFloat32:
		return float64(math.Float32frombits(uint32(r.number(4))))
	case headFloat64:
		return math.Float64frombits(r.number(8))
	default:
		r.pos--
		return float64(r.int())
	}
}

func (r *reader) bool() bool {
	switch c := r.head(); c {
	case headTrue:
		return true
	case headFalse, headNil:
	default:
		r.unexpected(c, "a boolean")
	}
	return false
}

// text reads a string or bytes, which still belong to the record; nil for nil.
func (r *reader) text() []byte {
	switch c := r.head(); {
	case c&0xe0 == headFixString:
		return r.take(int(c & 0x1f))
	case c >= headString8 && c < headString8+3:
		return r.take(int(r.number(1 << (c - headString8))))
	case c >= headBytes8 && c < headBytes8+3:
		return r.take(int(r.number(1 << (c - headBytes8))))
	case c == headNil:
	default:
		r.unexpected(c, "a string")
	}
	return nil
}

// enterMap reads the head of a map and returns the number of its keys; leave is called with it after them.
func (r *reader) enterMap() int {
	c := r.head()
	if c&0xf0 == headFixMap {
		return r.enter(int(c&0x0f), 2)
	}
	return r.enterLong(c, headMap16, "a map", 2)
}

// enterArray is enterMap for an array and its values.
func (r *reader) enterArray() int {
	c := r.head()
	if c&0xf0 == headFixArray {
		return r.enter(int(c&0x0f), 1)
	}
	return r.enterLong(c, headArray16, "an array", 1)
}

func (r *reader) enterLong(c, head16 byte, wanted string, each int) int {
	switch c {
	case head16:
		return r.enter(int(r.number(2)), each)
	case head16 + 1:
		return r.enter(int(r.number(4)), each)
	case headNil:
	default:
		r.unexpected(c, wanted)
	}
	return 0
}

// enter refuses what is nested too deeply and what cannot be there, since a value takes a byte at least: whoever
// allocates for the n entries that it returns does so in proportion to the record.
func (r *reader) enter(n, each int) int {
	if n == 0 {
		return 0
	}
	if n > (len(r.data)-r.pos)/each {
		r.fail(errTruncated)
		return 0
	}
	if r.depth++; r.depth >= maxNesting {
		r.fail(errNesting)
		return 0
	}
	return n
}

func (r *reader) leave(n int) {
	if n > 0 {
		r.depth--
	}
}

// skip passes over one value of any kind.
func (r *reader) skip() {
	n, err := sizeOf(r.data[r.pos:], maxNesting-r.depth)
	if err != nil {
		r.fail(err)
		return
	}
	r.pos += n
}

// time reads a timestamp in UTC: the format stores instants, and a time in the reader's zone would show workflow code
// where it is replayed.
func (r *reader) time() time.Time {
	size := 0
	switch c := r.head(); c {
	case headFixExt4:
		size = 4
	case headFixExt8:
		size = 8
	case headExt8:
		size = int(r.number(1))
	default:
		r.unexpected(c, "a timestamp")
		return time.Time{}
	}
	kind, b := r.head(), r.take(size)
	var seconds, nanos uint64
	switch {
	case r.err != nil:
		return time.Time{}
	case kind != timestamp:
		r.fail(fmt.Errorf("extension %d where a timestamp is expected", int8(kind)))
		return time.Time{}
	case size == 4:
		seconds = uint64(binary.BigEndian.Uint32(b))
	case size == 8:
		both := binary.BigEndian.Uint64(b)
		seconds, nanos = both&(1<<34-1), both>>34
	case size == 12:
		seconds, nanos = binary.BigEndian.Uint64(b[4:]), uint64(binary.BigEndian.Uint32(b))
	default:
		r.fail(fmt.Errorf("timestamp of %d bytes", size))
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC()
}

// encodingKey is the key that the metadata of every payload has.
const encodingKey = "encoding"

// key reads the key of a map of the user's.
func (r *reader) key() string {
	b := r.text()
	if string(b) == encodingKey {
		return encodingKey
	}
	return string(b)
}
