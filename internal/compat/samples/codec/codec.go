// Package codec keeps what workflows say unreadable for those who have no key.
package codec

import (
	"context"
	"errors"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/millrace-dev/millrace/internal/compat/samples/scene"
)

const encoding = "binary/xor"

// XOR is a toy: it flips the bits of a key.
type XOR struct{ Key byte }

// Encode is part of converter.PayloadCodec.
func (x XOR) Encode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		metadata := map[string][]byte{converter.MetadataEncoding: []byte(encoding), "inner": p.Metadata[converter.MetadataEncoding]}
		out[i] = &commonpb.Payload{Metadata: metadata, Data: x.flip(p.Data)}
	}
	return out, nil
}

// Decode is part of converter.PayloadCodec.
func (x XOR) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	out := make([]*commonpb.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.Metadata[converter.MetadataEncoding]) != encoding {
			return nil, errors.New("not encoded")
		}
		metadata := map[string][]byte{converter.MetadataEncoding: p.Metadata["inner"]}
		out[i] = &commonpb.Payload{Metadata: metadata, Data: x.flip(p.Data)}
	}
	return out, nil
}

func (x XOR) flip(data []byte) []byte {
	out := make([]byte, len(data))
	for i := range data {
		out[i] = data[i] ^ x.Key
	}
	return out
}

// Converter uses the codec.
func Converter(key byte) converter.DataConverter {
	return converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), XOR{key})
}

// Workflow returns its argument.
func Workflow(_ workflow.Context, secret string) (string, error) { return secret, nil }

// Run is the scenario on a server.
func Run(ctx context.Context, options client.Options) error {
	plain := options
	options.DataConverter = Converter(42)
	s, err := scene.Open(options, "codec", func(r worker.Registry) { r.RegisterWorkflow(Workflow) })
	if err != nil {
		return err
	}
	defer s.Close()
	run, err := s.Start(ctx, Workflow, "the secret")
	if err != nil {
		return err
	}
	if err := scene.Result(ctx, run, "the secret"); err != nil {
		return err
	}
	other, err := client.Dial(plain)
	if err != nil {
		return err
	}
	defer other.Close()
	var result string
	if err := other.GetWorkflow(ctx, run.GetID(), run.GetRunID()).Get(ctx, &result); err == nil {
		return errors.New("a client without the key reads " + result)
	}
	return nil
}
