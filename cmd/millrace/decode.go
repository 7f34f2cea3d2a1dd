package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

// maxDecode bounds what decode reads: more than any message of a broker.
const maxDecode = 64 << 20

func (a *app) decodeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "decode", Short: "Show a message's body as JSON",
		Long: `Reads the body of one of Millrace's messages from the standard input and writes it as JSON. Made for the nats command:

  nats sub 'millrace.default.live.>' --translate 'millrace decode'
  nats stream view MILLRACE_default_0_HISTORY --translate 'millrace decode'

The keys are those of docs/protocol.md. What is not MessagePack is written as it is.`,
		Args: cobra.NoArgs,
		RunE: a.run(func(context.Context, []string) error {
			data, err := io.ReadAll(io.LimitReader(a.stdin, maxDecode))
			if err != nil {
				return fmt.Errorf("read standard input: %w", err)
			}
			v, ok := unpack(data)
			if !ok {
				_, err := a.stdout.Write(data)
				return err
			}
			enc := json.NewEncoder(a.stdout)
			enc.SetEscapeHTML(false)
			if a.flags.output == outputJSON || a.flags.output == outputTable {
				enc.SetIndent("", "  ")
			}
			return enc.Encode(v)
		}),
	}
}

// readable is a body for JSON: decoded where it is one of ours or JSON itself, else as text or bytes.
func readable(data []byte) any {
	if v, ok := unpack(data); ok {
		return v
	}
	if json.Valid(data) {
		return json.RawMessage(data)
	}
	return textOrBytes(data)
}

// unpack decodes a MessagePack map or list, and in it the payloads that hold JSON. The converter does it, because it
// believes no length that the data does not have: anybody may have sent them.
func unpack(data []byte) (any, bool) {
	var v any
	if converter.NewMsgpackPayloadConverter().FromPayload(&common.Payload{Data: data}, &v) != nil {
		return nil, false
	}
	switch v.(type) {
	case map[string]any, []any:
		return show(v), true
	}
	return nil, false
}

func show(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if p, ok := payloadIn(v); ok {
			return p
		}
		for key := range v {
			v[key] = show(v[key])
		}
	case []any:
		for i := range v {
			v[i] = show(v[i])
		}
	case []byte:
		return textOrBytes(v)
	case time.Time:
		return v.UTC()
	}
	return v
}

// payloadIn is the value of a payload whose encoding is JSON.
func payloadIn(m map[string]any) (any, bool) {
	metadata, ok := m["m"].(map[string]any)
	if !ok {
		return nil, false
	}
	encoding, _ := metadata[converter.MetadataEncoding].([]byte)
	data, _ := m["d"].([]byte)
	switch {
	case string(encoding) == converter.MetadataEncodingNil:
		return nil, true
	case string(encoding) == converter.MetadataEncodingJSON && json.Valid(data):
		return json.RawMessage(data), true
	}
	return nil, false
}

func textOrBytes(b []byte) any {
	if utf8.Valid(b) {
		return string(b)
	}
	return b
}
