package history

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vmihailenco/msgpack/v5"
	"pgregory.net/rapid"

	"github.com/millrace-dev/millrace/api/failure"
)

// drawInto sets v and all that is in it to anything, often to what takes another form on the wire than its neighbours.
func drawInto(t *rapid.T, v reflect.Value, depth int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(drawTime(t)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "nil") || depth > 6 && v.Type() == reflect.TypeFor[*failure.Failure]() {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		drawInto(t, v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Type != reflect.TypeFor[[]Event]() {
				drawInto(t, v.Field(i), depth+1)
			}
		}
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.Just(""), rapid.StringN(0, 40, 300)).Draw(t, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-200, 300), rapid.Int64Range(-1<<33, 1<<33)).Draw(t, "int"))
	case reflect.Int32:
		v.SetInt(int64(rapid.OneOf(rapid.Int32(), rapid.Int32Range(-200, 300)).Draw(t, "int32")))
	case reflect.Uint8:
		v.SetUint(uint64(rapid.Byte().Draw(t, "byte")))
	case reflect.Uint64:
		// The library reads what does not fit an int64 as a negative number.
		v.SetUint(rapid.OneOf(rapid.Uint64Max(math.MaxInt64), rapid.Uint64Max(70000)).Draw(t, "uint"))
	case reflect.Float64:
		v.SetFloat(rapid.OneOf(rapid.Just(0.0), rapid.Float64()).Draw(t, "float"))
	case reflect.Slice:
		n := rapid.SampledFrom([]int{0, 1, 3, 17}).Draw(t, "length")
		if rapid.Bool().Draw(t, "not nil") {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				drawInto(t, v.Index(i), depth+2)
			}
		}
	case reflect.Map:
		if rapid.Bool().Draw(t, "not nil") {
			v.Set(reflect.MakeMap(v.Type()))
			for range rapid.SampledFrom([]int{0, 1, 2, 20}).Draw(t, "entries") {
				elem := reflect.New(v.Type().Elem()).Elem()
				drawInto(t, elem, depth+2)
				key := rapid.OneOf(rapid.Just(encodingKey), rapid.String()).Draw(t, "key")
				v.SetMapIndex(reflect.ValueOf(key), elem)
			}
		}
	default:
		t.Fatalf("no rule to draw a %v", v.Type())
	}
}

func drawTime(t *rapid.T) time.Time {
	seconds := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(-1<<40, 1<<40), rapid.Int64Range(0, 1<<35)).Draw(t, "seconds")
	nanos := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 999999999)).Draw(t, "nanos")
	if rapid.Bool().Draw(t, "zero time") {
		return time.Time{}
	}
	return time.Unix(seconds, nanos).UTC()
}

// What the plans write and read is what the msgpack library makes of the struct tags.
func TestPlansFollowTheTags(t *testing.T) {
	for _, typ := range storedTypes() {
		t.Run(typ.Name(), func(t *testing.T) {
			p := recordPlans().structs[typ]
			rapid.Check(t, func(t *rapid.T) {
				v := reflect.New(typ)
				drawInto(t, v.Elem(), 0)
				got, err := marshal("value", p.put, v.UnsafePointer())
				if err != nil {
					t.Fatal(err)
				}
				var buf bytes.Buffer
				enc := msgpack.NewEncoder(&buf)
				enc.UseCompactInts(true)
				if err := enc.Encode(v.Interface()); err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, buf.Bytes()) {
					t.Fatalf("%#v\nis written as %x\nby the library as %x", v, got, buf.Bytes())
				}
				back, other := reflect.New(typ), reflect.New(typ)
				if err := unmarshal("value", got, p.get, back.UnsafePointer()); err != nil {
					t.Fatal(err)
				}
				if err := msgpack.Unmarshal(got, other.Interface()); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(other.Interface(), back.Interface(), cmpopts.EquateEmpty()); d != "" {
					t.Fatalf("differs from what the library reads (-library +ours):\n%s", d)
				}
			})
		})
	}
}
