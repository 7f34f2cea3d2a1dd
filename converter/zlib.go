package converter

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"

	"github.com/millrace-dev/millrace/api/common"
)

// metadataEncodingZlib marks a payload that a zlib codec compressed.
const metadataEncodingZlib = "binary/zlib"

// maxInflated bounds in bytes what a compressed payload may become: a few bytes can stand for any number of them.
const maxInflated = 256 << 20

// ZlibCodecOptions are the options of NewZlibCodec.
type ZlibCodecOptions struct {
	// AlwaysEncode compresses payloads that become larger by it, too.
	AlwaysEncode bool
}

type zlibCodec struct {
	options ZlibCodecOptions
}

// NewZlibCodec returns a codec that compresses payloads, with their metadata, in the form of Temporal's codec of that
// name. A payload that would not become smaller stays as it is, unless options say otherwise; one that would become
// larger than 256 MiB by decoding is an error.
func NewZlibCodec(options ZlibCodecOptions) PayloadCodec { return &zlibCodec{options: options} }

// Encode compresses each payload.
func (c *zlibCodec) Encode(payloads []*common.Payload) ([]*common.Payload, error) {
	result := make([]*common.Payload, len(payloads))
	for i, p := range payloads {
		plain := marshalPayload(p)
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		_, err := w.Write(plain)
		if closeErr := w.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return nil, fmt.Errorf("compress payload %d: %w", i, err)
		}
		if b.Len() >= len(plain) && !c.options.AlwaysEncode {
			result[i] = p
		} else {
			result[i] = newPayload(b.Bytes(), metadataEncodingZlib)
		}
	}
	return result, nil
}

// Decode reads those payloads that Encode compressed.
func (c *zlibCodec) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	result := make([]*common.Payload, len(payloads))
	for i, p := range payloads {
		if string(p.GetMetadata()[MetadataEncoding]) != metadataEncodingZlib {
			result[i] = p
			continue
		}
		plain, err := inflate(p.Data)
		if err == nil {
			result[i], err = unmarshalPayload(plain)
		}
		if err != nil {
			return nil, fmt.Errorf("decompress payload %d: %w", i, err)
		}
	}
	return result, nil
}

func inflate(data []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
	if err != nil {
		return nil, err
	}
	if len(plain) > maxInflated {
		return nil, fmt.Errorf("payload is larger than %d bytes", maxInflated)
	}
	return plain, r.Close()
}
