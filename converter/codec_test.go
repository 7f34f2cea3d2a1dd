package converter_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/converter"
)

// tagCodec puts a letter before the data, and after it that of its context.
type tagCodec struct {
	letter string
	run    string
}

func (c tagCodec) Encode(ps []*common.Payload) ([]*common.Payload, error) {
	var out []*common.Payload
	for _, p := range ps {
		out = append(out, &common.Payload{Metadata: p.Metadata, Data: []byte(c.letter + string(p.Data) + c.run)})
	}
	return out, nil
}

func (c tagCodec) Decode(ps []*common.Payload) ([]*common.Payload, error) {
	var out []*common.Payload
	for _, p := range ps {
		data, ok := strings.CutPrefix(string(p.Data), c.letter)
		if !ok {
			return nil, errors.New("not tagged " + c.letter)
		}
		out = append(out, &common.Payload{Metadata: p.Metadata, Data: []byte(strings.TrimSuffix(data, c.run))})
	}
	return out, nil
}

func (c tagCodec) WithSerializationContext(ctx converter.SerializationContext) converter.PayloadCodec {
	if w, ok := ctx.(converter.WorkflowSerializationContext); ok {
		c.run = "@" + w.WorkflowID
	}
	return c
}

func TestEarlierCodecsWrapLaterOnes(t *testing.T) {
	t.Parallel()
	dc := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), tagCodec{letter: "a"}, tagCodec{letter: "b"})
	ps := must(dc.ToPayloads(1, "x"))(t)
	if got := string(ps.Payloads[0].Data); got != "ab1" {
		t.Errorf("data = %s, want ab1", got)
	}
	var n int
	var s string
	if err := dc.FromPayloads(ps, &n, &s); err != nil || n != 1 || s != "x" {
		t.Errorf("got %d, %q, %v", n, s, err)
	}
	if diff := cmp.Diff([]string{"1", `"x"`}, dc.ToStrings(ps)); diff != "" {
		t.Error(diff)
	}
	p := must(dc.ToPayload(7))(t)
	if err := dc.FromPayload(p, &n); err != nil || n != 7 {
		t.Errorf("got %d, %v", n, err)
	}
	if err := dc.FromPayload(nil, &n); err != nil || n != 7 {
		t.Errorf("nil payload: %d, %v", n, err)
	}
	plain := must(converter.GetDefaultDataConverter().ToPayload(1))(t)
	if err := dc.FromPayload(plain, &n); !errors.Is(err, converter.ErrUnableToDecode) {
		t.Errorf("a codec's error is lost: %v", err)
	}
}

func TestSerializationContextReachesCodecs(t *testing.T) {
	t.Parallel()
	dc := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), tagCodec{letter: "a"}, converter.NewZlibCodec(converter.ZlibCodecOptions{}))
	bound := converter.WithDataConverterSerializationContext(dc, converter.WorkflowSerializationContext{WorkflowID: "w"})
	if p := must(bound.ToPayload(1))(t); string(p.Data) != "a1@w" {
		t.Errorf("data = %s", p.Data)
	}
	if p := must(dc.ToPayload(1))(t); string(p.Data) != "a1" {
		t.Errorf("the converter itself has changed: %s", p.Data)
	}
	plain := converter.GetDefaultDataConverter()
	if got := converter.WithDataConverterSerializationContext(plain, converter.ActivitySerializationContext{}); got != plain {
		t.Error("a converter without contexts is not itself")
	}
}

// shortCodec loses payloads.
type shortCodec struct{}

func (shortCodec) Encode([]*common.Payload) ([]*common.Payload, error) { return nil, nil }
func (shortCodec) Decode([]*common.Payload) ([]*common.Payload, error) {
	return []*common.Payload{nil}, nil
}

func TestCodecThatLosesPayloadsIsRefused(t *testing.T) {
	t.Parallel()
	dc := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), shortCodec{})
	if _, err := dc.ToPayloads(1); !errors.Is(err, converter.ErrUnableToEncode) {
		t.Errorf("encode: %v", err)
	}
	var n int
	if err := dc.FromPayload(&common.Payload{}, &n); !errors.Is(err, converter.ErrUnableToDecode) {
		t.Errorf("decode: %v", err)
	}
}

func TestZlibCodecKeepsWhatDoesNotShrink(t *testing.T) {
	t.Parallel()
	long := &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain"), "x": {1}}, Data: bytes.Repeat([]byte("abc"), 1000)}
	short := &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte("1")}
	for _, always := range []bool{false, true} {
		c := converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: always})
		encoded := must(c.Encode([]*common.Payload{long, short}))(t)
		if len(encoded[0].Data) > 200 || string(encoded[0].Metadata["encoding"]) != "binary/zlib" {
			t.Errorf("always %v: %d bytes, %q", always, len(encoded[0].Data), encoded[0].Metadata)
		}
		if kept := encoded[1] == short; kept == always {
			t.Errorf("always %v: a payload that grows is kept: %v", always, kept)
		}
		decoded := must(c.Decode(encoded))(t)
		if diff := cmp.Diff([]*common.Payload{long, short}, decoded); diff != "" {
			t.Error(diff)
		}
	}
}

// The protobuf form inside is that of Temporal's codec: this is what it writes for json/plain "1", uncompressed.
func TestZlibCodecReadsTemporalsForm(t *testing.T) {
	t.Parallel()
	inner := "\n\x16\n\bencoding\x12\njson/plain\x12\x011"
	stored := append([]byte{0x78, 0x01, 0x01, byte(len(inner)), 0, ^byte(len(inner)), 0xff}, inner...)
	a, b := uint32(1), uint32(0)
	for _, c := range []byte(inner) {
		a = (a + uint32(c)) % 65521
		b = (b + a) % 65521
	}
	stored = append(stored, byte(b>>8), byte(b), byte(a>>8), byte(a))
	dc := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), converter.NewZlibCodec(converter.ZlibCodecOptions{}))
	var n int
	err := dc.FromPayload(&common.Payload{Metadata: map[string][]byte{"encoding": []byte("binary/zlib")}, Data: stored}, &n)
	if err != nil || n != 1 {
		t.Errorf("got %d, %v", n, err)
	}
}

func FuzzZlibCodecDecode(f *testing.F) {
	c := converter.NewZlibCodec(converter.ZlibCodecOptions{AlwaysEncode: true})
	for _, data := range []string{"", "abc", "aaaaaaaaaaaaaaaaaaaaaaaa"} {
		ps, err := c.Encode([]*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(data)}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(ps[0].Data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = c.Decode([]*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("binary/zlib")}, Data: data}})
	})
}

func TestCommonFailureAttributesGoThroughTheConverter(t *testing.T) {
	t.Parallel()
	dc := converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), tagCodec{letter: "a"})
	f := &failure.Failure{Message: "secret", StackTrace: "main.go:1", Cause: &failure.Failure{Message: "cause"}}
	if err := converter.EncodeCommonFailureAttributes(dc, f); err != nil {
		t.Fatal(err)
	}
	if f.Message != "Encoded failure" || f.StackTrace != "" || f.Cause.Message != "cause" {
		t.Errorf("encoded: %+v", f)
	}
	if want := `a{"message":"secret","stack_trace":"main.go:1"}`; string(f.EncodedAttributes.GetData()) != want {
		t.Errorf("attributes = %s", f.EncodedAttributes.GetData())
	}
	converter.DecodeCommonFailureAttributes(dc, f)
	if f.Message != "secret" || f.StackTrace != "main.go:1" || f.EncodedAttributes != nil {
		t.Errorf("decoded: %+v", f)
	}
}
