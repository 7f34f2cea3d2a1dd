package converter_test

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

func TestMessagesAreProtoJSONByDefault(t *testing.T) {
	t.Parallel()
	dc := converter.GetDefaultDataConverter()
	field := &descriptorpb.FieldDescriptorProto{
		Name: proto.String("loss"), Number: proto.Int32(3), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
	p := must(dc.ToPayload(field))(t)
	if want := `{"name":"loss","number":3,"label":"LABEL_OPTIONAL"}`; string(p.Data) != want {
		t.Errorf("data = %s, want %s", p.Data, want)
	}
	if got := string(p.Metadata[converter.MetadataEncoding]); got != converter.MetadataEncodingProtoJSON {
		t.Errorf("encoding = %s", got)
	}
	if got := string(p.Metadata[converter.MetadataMessageType]); got != "google.protobuf.FieldDescriptorProto" {
		t.Errorf("message type = %s", got)
	}
	var ptr *descriptorpb.FieldDescriptorProto
	if err := dc.FromPayload(p, &ptr); err != nil || !proto.Equal(ptr, field) {
		t.Errorf("into a pointer: %v, %v", ptr, err)
	}
	var whole descriptorpb.FieldDescriptorProto
	if err := dc.FromPayload(p, &whole); err != nil || !proto.Equal(&whole, field) {
		t.Errorf("into a struct: %v, %v", &whole, err)
	}
	if got := dc.ToString(p); got != string(p.Data) {
		t.Errorf("ToString = %s", got)
	}
}

func TestMessageByValueIsAMessage(t *testing.T) {
	t.Parallel()
	dc := converter.GetDefaultDataConverter()
	value := reflect.ValueOf(durationpb.New(time.Second)).Elem().Interface() // a copy, which vet does not like in Go code
	for range 2 {
		if p := must(dc.ToPayload(value))(t); string(p.Data) != `"1s"` {
			t.Errorf("data = %s", p.Data)
		}
	}
}

func TestNilMessageIsNil(t *testing.T) {
	t.Parallel()
	dc := converter.GetDefaultDataConverter()
	p := must(dc.ToPayload((*durationpb.Duration)(nil)))(t)
	if got := string(p.Metadata[converter.MetadataEncoding]); got != converter.MetadataEncodingNil {
		t.Errorf("encoding = %s", got)
	}
	d := durationpb.New(time.Second)
	null := &common.Payload{Data: []byte("null"), Metadata: map[string][]byte{"encoding": []byte(converter.MetadataEncodingProtoJSON)}}
	if err := dc.FromPayload(null, &d); err != nil || d != nil {
		t.Errorf("null gives %v, %v", d, err)
	}
}

func TestBinaryMessageRoundTrip(t *testing.T) {
	t.Parallel()
	dc := converter.NewCompositeDataConverter(converter.NewProtoPayloadConverterWithOptions(
		converter.ProtoPayloadConverterOptions{ExcludeProtobufMessageTypes: true}))
	fields := map[string]any{}
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		fields[key] = key
	}
	value, err := structpb.NewStruct(fields)
	if err != nil {
		t.Fatal(err)
	}
	first := must(dc.ToPayload(value))(t)
	for range 20 {
		if again := must(dc.ToPayload(value))(t); string(again.Data) != string(first.Data) {
			t.Fatal("equal messages have different bytes")
		}
	}
	if _, ok := first.Metadata[converter.MetadataMessageType]; ok {
		t.Error("message type is named")
	}
	var got *structpb.Struct
	if err := converter.GetDefaultDataConverter().FromPayload(first, &got); err != nil || !proto.Equal(got, value) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestMessageTargetsThatCannotHoldOne(t *testing.T) {
	t.Parallel()
	dc := converter.GetDefaultDataConverter()
	p := must(dc.ToPayload(durationpb.New(time.Minute)))(t)
	var text string
	var anything any
	var wrong *structpb.Struct
	for _, test := range []struct {
		target any
		want   error
	}{
		{&text, converter.ErrTypeNotImplementProtoMessage},
		{&anything, converter.ErrValuePtrMustConcreteType},
		{text, converter.ErrValuePtrIsNotPointer},
		{&wrong, converter.ErrUnableToDecode},
	} {
		if err := dc.FromPayload(p, test.target); !errors.Is(err, test.want) {
			t.Errorf("%T: %v, want %v", test.target, err, test.want)
		}
	}
	if _, err := dc.ToPayload(structpb.NewNumberValue(math.NaN())); !errors.Is(err, converter.ErrUnableToEncode) {
		t.Errorf("NaN: %v", err)
	}
}

func TestUnknownFieldsAreAnErrorUnlessAllowed(t *testing.T) {
	t.Parallel()
	p := &common.Payload{Data: []byte(`{"name":"x","shard":1}`)}
	for _, allow := range []bool{false, true} {
		c := converter.NewProtoJSONPayloadConverterWithOptions(converter.ProtoJSONPayloadConverterOptions{AllowUnknownFields: allow})
		var got descriptorpb.FieldDescriptorProto
		if err := c.FromPayload(p, &got); (err == nil) != allow {
			t.Errorf("allowed %v: %v", allow, err)
		}
	}
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
