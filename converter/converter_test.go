package converter_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

type order struct {
	ID    string    `json:"id"`
	Items []string  `json:"items,omitempty"`
	At    time.Time `json:"at"`
	Total float64   `json:"total"`
}

func TestDefaultConverterChoosesEncodingByValue(t *testing.T) {
	t.Parallel()
	var noOrder *order
	tests := []struct {
		name     string
		value    any
		encoding string
		data     string
		text     string
	}{
		{"nil", nil, "binary/null", "", "nil"},
		{"nil pointer", noOrder, "binary/null", "", "nil"},
		{"bytes", []byte{1, 2, 3}, "binary/plain", "\x01\x02\x03", "AQID"},
		{"nil bytes", []byte(nil), "binary/plain", "", ""},
		{"nil slice", []string(nil), "json/plain", "null", "null"},
		{"string", "a b", "json/plain", `"a b"`, `"a b"`},
		{"number", 42, "json/plain", "42", "42"},
		{"struct", order{ID: "o"}, "json/plain", `{"id":"o","at":"0001-01-01T00:00:00Z","total":0}`,
			`{"id":"o","at":"0001-01-01T00:00:00Z","total":0}`},
	}
	dc := converter.GetDefaultDataConverter()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := dc.ToPayload(tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(p.Metadata[converter.MetadataEncoding]); got != tt.encoding {
				t.Errorf("encoding = %q, want %q", got, tt.encoding)
			}
			if got := string(p.Data); got != tt.data {
				t.Errorf("data = %q, want %q", got, tt.data)
			}
			if got := dc.ToString(p); got != tt.text {
				t.Errorf("ToString = %q, want %q", got, tt.text)
			}
		})
	}
}

func TestRoundTripOfEveryEncoding(t *testing.T) {
	t.Parallel()
	want := order{ID: "o-1", Items: []string{"x", "y"}, At: time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC), Total: 1.5}
	for name, dc := range map[string]converter.DataConverter{
		"json":    converter.GetDefaultDataConverter(),
		"msgpack": converter.NewCompositeDataConverter(converter.NewMsgpackPayloadConverter()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ps, err := dc.ToPayloads(want, int64(math.MaxInt64), true, map[string]int{"b": 2, "a": 1})
			if err != nil {
				t.Fatal(err)
			}
			var (
				got  order
				n    int64
				flag bool
				m    map[string]int
			)
			if err := dc.FromPayloads(ps, &got, &n, &flag, &m); err != nil {
				t.Fatal(err)
			}
			got.At = got.At.UTC()
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if n != math.MaxInt64 || !flag || m["a"] != 1 || m["b"] != 2 {
				t.Errorf("got %d, %v, %v", n, flag, m)
			}
		})
	}
}

func TestMsgpackEncodesEqualMapsEqually(t *testing.T) {
	t.Parallel()
	c := converter.NewMsgpackPayloadConverter()
	value := map[string]string{"a": "1", "b": "2", "c": "3", "d": "4", "e": "5", "f": "6"}
	first, err := c.ToPayload(value)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		p, err := c.ToPayload(value)
		if err != nil {
			t.Fatal(err)
		}
		if string(p.Data) != string(first.Data) {
			t.Fatalf("%x, then %x", first.Data, p.Data)
		}
	}
}

func TestFewerPayloadsLeaveTargetsUntouched(t *testing.T) {
	t.Parallel()
	dc := converter.GetDefaultDataConverter()
	ps, err := dc.ToPayloads("first", "second", "third")
	if err != nil {
		t.Fatal(err)
	}
	a, b := "", ""
	if err := dc.FromPayloads(ps, &a, &b); err != nil || a != "first" || b != "second" {
		t.Errorf("more payloads than targets: %q, %q, %v", a, b, err)
	}
	c, d := "", "kept"
	short := &common.Payloads{Payloads: ps.Payloads[:1]}
	if err := dc.FromPayloads(short, &c, &d); err != nil || c != "first" || d != "kept" {
		t.Errorf("fewer payloads than targets: %q, %q, %v", c, d, err)
	}
	if err := dc.FromPayloads(nil, &d); err != nil || d != "kept" {
		t.Errorf("no payloads: %q, %v", d, err)
	}
	if err := dc.FromPayloads(&common.Payloads{Payloads: []*common.Payload{nil}}, &d); err != nil || d != "kept" {
		t.Errorf("nil payload: %q, %v", d, err)
	}
	if none, err := dc.ToPayloads(); none != nil || err != nil {
		t.Errorf("ToPayloads() = %v, %v, want nil, nil", none, err)
	}
}

func TestErrorsNameTheirCause(t *testing.T) {
	t.Parallel()
	dc := converter.GetDefaultDataConverter()
	payload := func(encoding, data string) *common.Payload {
		return &common.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: []byte(data)}
	}
	var s string
	var nilTarget *string
	var b []byte
	var stringer interface{ String() string }
	tests := []struct {
		name    string
		payload *common.Payload
		target  any
		want    error
	}{
		{"no metadata", &common.Payload{Data: []byte("1")}, &s, converter.ErrMetadataIsNotSet},
		{"no encoding", &common.Payload{Metadata: map[string][]byte{"x": nil}}, &s, converter.ErrEncodingIsNotSet},
		{"unknown encoding", payload("binary/novel", "1"), &s, converter.ErrEncodingIsNotSupported},
		{"broken json", payload("json/plain", "{"), &s, converter.ErrUnableToDecode},
		{"json of another type", payload("json/plain", "1"), &s, converter.ErrUnableToDecode},
		{"json into no pointer", payload("json/plain", "1"), s, converter.ErrUnableToDecode},
		{"nil into no pointer", payload("binary/null", ""), s, converter.ErrValuePtrIsNotPointer},
		{"nil into nil", payload("binary/null", ""), nil, converter.ErrValuePtrIsNotPointer},
		{"bytes into nil pointer", payload("binary/plain", "x"), nilTarget, converter.ErrValuePtrIsNotPointer},
		{"bytes into string", payload("binary/plain", "x"), &s, converter.ErrTypeIsNotByteSlice},
		{"bytes into interface with methods", payload("binary/plain", "x"), &stringer, converter.ErrTypeIsNotByteSlice},
		{"msgpack into no pointer", payload("binary/msgpack", "\x01"), s, converter.ErrValuePtrIsNotPointer},
		{"empty msgpack", payload("binary/msgpack", ""), &b, converter.ErrUnableToDecode},
		{"msgpack with a tail", payload("binary/msgpack", "\x01\x01"), new(int), converter.ErrUnableToDecode},
		{"msgpack array longer than its data", payload("binary/msgpack", "\xdd\xff\xff\xff\xff\x01"), new([]int), converter.ErrUnableToDecode},
		{"msgpack too deep", payload("binary/msgpack", strings.Repeat("\x91", 1<<20)+"\x01"), new(any), converter.ErrUnableToDecode},
		{"msgpack key that cannot be one", payload("binary/msgpack", "\x81\x91\x01\x01"), new(map[any]any), converter.ErrUnableToDecode},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := dc.FromPayload(tt.payload, tt.target); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}

	if _, err := dc.ToPayloads("fine", make(chan int)); !errors.Is(err, converter.ErrUnableToEncode) ||
		!strings.HasPrefix(err.Error(), "values[1]: ") {
		t.Errorf("channel: %v", err)
	}
	only := converter.NewCompositeDataConverter(converter.NewByteSlicePayloadConverter())
	if _, err := only.ToPayload("text"); !errors.Is(err, converter.ErrUnableToFindConverter) {
		t.Errorf("no converter: %v", err)
	}
	err := dc.FromPayloads(&common.Payloads{Payloads: []*common.Payload{payload("json/plain", `"a"`), payload("json/plain", "{")}}, &s, &s)
	if err == nil || !strings.HasPrefix(err.Error(), "payload item 1: ") {
		t.Errorf("second payload broken: %v", err)
	}
}

func TestPayloadsShareNothingWithTheirValues(t *testing.T) {
	t.Parallel()
	dc := converter.GetDefaultDataConverter()
	value := []byte("abc")
	p, err := dc.ToPayload(value)
	if err != nil {
		t.Fatal(err)
	}
	other, err := dc.ToPayload([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	value[0] = 'X'
	p.Metadata["mine"] = []byte("1")
	p.Metadata["encoding"][0] = 'B'
	if string(p.Data) != "abc" {
		t.Errorf("data changed with the program's buffer: %q", p.Data)
	}
	if len(other.Metadata) != 1 || string(other.Metadata["encoding"]) != "binary/plain" {
		t.Errorf("metadata of another payload changed: %v", other.Metadata)
	}
	var out []byte
	if err := dc.FromPayload(other, &out); err != nil {
		t.Fatal(err)
	}
	out[0] = 'Y'
	if string(other.Data) != "x" {
		t.Errorf("data changed with the decoded value: %q", other.Data)
	}
}

func TestRawValuePassesPayloadsUnread(t *testing.T) {
	t.Parallel()
	dc := converter.GetDefaultDataConverter()
	p := &common.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/novel")}, Data: []byte("?")}
	got, err := dc.ToPayload(converter.NewRawValue(p))
	if err != nil || got != p {
		t.Fatalf("ToPayload = %v, %v, want the payload itself", got, err)
	}
	var raw converter.RawValue
	if err := dc.FromPayload(p, &raw); err != nil || raw.Payload() != p {
		t.Fatalf("FromPayload = %v, %v, want the payload itself", raw.Payload(), err)
	}
	if _, err := dc.ToPayload(struct{ V converter.RawValue }{raw}); !errors.Is(err, converter.ErrUnableToEncode) {
		t.Errorf("raw value inside a struct: %v, want %v", err, converter.ErrUnableToEncode)
	}
}

func TestEncodedValuesDecodeWhenAsked(t *testing.T) {
	t.Parallel()
	ps, err := converter.GetDefaultDataConverter().ToPayloads("a", 2)
	if err != nil {
		t.Fatal(err)
	}
	var s string
	var n int
	values := converter.NewEncodedValues(ps, nil)
	if err := values.Get(&s, &n); !values.HasValues() || err != nil || s != "a" || n != 2 {
		t.Errorf("values: %q, %d, %v", s, n, err)
	}
	value := converter.NewEncodedValue(ps, nil)
	s = ""
	if err := value.Get(&s); !value.HasValue() || err != nil || s != "a" {
		t.Errorf("value: %q, %v", s, err)
	}
	none, noValue := converter.NewEncodedValues(nil, nil), converter.NewEncodedValue(&common.Payloads{}, nil)
	if err := none.Get(&s); none.HasValues() || !errors.Is(err, converter.ErrNoData) {
		t.Errorf("no values: %v", err)
	}
	if err := noValue.Get(&s); noValue.HasValue() || !errors.Is(err, converter.ErrNoData) {
		t.Errorf("no value: %v", err)
	}
}

// FuzzFromPayload holds the promise that nothing on the wire panics, whatever the program decodes it into.
func FuzzFromPayload(f *testing.F) {
	for _, e := range []string{"binary/null", "binary/plain", "json/plain", "binary/msgpack", "x"} {
		f.Add(e, []byte(`{"id":"o","items":["a"],"total":1}`))
		f.Add(e, []byte("\x82\xa2id\xa1o\xa5items\x91\xa1a"))
		f.Add(e, []byte("\x81\x91\x01\x01"))
		f.Add(e, []byte("\xdd\xff\xff\xff\xff"))
		f.Add(e, []byte("\xd6\xff\x00\x00\x00\x00"))
	}
	dc := converter.GetDefaultDataConverter()
	f.Fuzz(func(t *testing.T, encoding string, data []byte) {
		p := &common.Payload{Metadata: map[string][]byte{"encoding": []byte(encoding)}, Data: data}
		targets := []any{
			nil, 1, new(any), new(string), new(int8), new(float32), new(order), new(*order), new([]order), new([]byte),
			new(map[string]any), new(map[any]any), new([2]int), new(time.Time), new(chan int), new(error),
			new(converter.RawValue), new([]string), new(map[string]string), new(map[int]bool),
		}
		for _, target := range targets {
			if err := dc.FromPayload(p, target); err != nil && err.Error() == "" {
				t.Errorf("%T: error without text", target)
			}
		}
		_ = dc.ToString(p)
	})
}

func BenchmarkJSONRoundTrip(b *testing.B) {
	dc := converter.GetDefaultDataConverter()
	value := order{ID: "o-1", Items: []string{"x", "y"}, Total: 1.5}
	b.ReportAllocs()
	for b.Loop() {
		ps, err := dc.ToPayloads(value)
		if err != nil {
			b.Fatal(err)
		}
		var got order
		if err := dc.FromPayloads(ps, &got); err != nil {
			b.Fatal(err)
		}
	}
}
