package encryption

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
)

// The metadata of an encrypted payload.
const (
	encoding      = "binary/encrypted"
	metadataKeyID = "encryption-key-id"
	metadataFor   = "encryption-for"
)

// Errors that tell why a payload was not decrypted.
var (
	// ErrNotEncrypted says that a payload is in the clear where Options.AcceptClear is not set.
	ErrNotEncrypted = errors.New("payload is not encrypted")
	// ErrNotAuthentic says that a payload was changed, or belongs elsewhere.
	ErrNotAuthentic = errors.New("payload was changed or belongs to another run or activity")
)

// Options are the options of NewCodec.
type Options struct {
	// AcceptClear lets Decode pass on payloads that are not encrypted. It is for the time in which histories from before
	// encryption, or writers without it, are still around: whoever can write to the streams can forge such payloads.
	// Default: false, they are an error.
	AcceptClear bool
	// AcceptUnbound lets Decode accept payloads that were encrypted where nobody knew whose they were, for example by a
	// data converter that was called directly, for a run or an activity. Such a payload can be moved to another place
	// unnoticed. Default: false, they are an error there.
	AcceptUnbound bool
}

// Codec encrypts payloads with their metadata. It is a converter.PayloadCodec, for converter.NewCodecDataConverter, and
// is safe for concurrent use.
//
// Nonces are random (96 bits), so one key should not encrypt more than 2^32 payloads (NIST SP 800-38D, 8.3): bring in a
// new one before that.
type Codec struct {
	ring    *KeyRing
	options Options
	binding binding
}

var _ converter.PayloadCodecWithSerializationContext = (*Codec)(nil)

// NewCodec returns a codec with the keys of ring.
func NewCodec(ring *KeyRing, options Options) *Codec {
	return &Codec{ring: ring, options: options}
}

// WithSerializationContext returns the codec for the payloads of a run or an activity: what Decode gets must have been
// encrypted for the same. A codec without context, as a codec server has it, reads them all.
func (c *Codec) WithSerializationContext(ctx converter.SerializationContext) converter.PayloadCodec {
	bound := *c
	bound.binding = bindingOf(ctx)
	return &bound
}

// binding is what a payload belongs to, as its metadata says it: a JSON list of the kind, the namespace, the workflow ID
// and for activities the type; empty for unknown.
type binding string

func bindingOf(ctx converter.SerializationContext) binding {
	var parts []string
	switch x := ctx.(type) {
	case converter.WorkflowSerializationContext:
		parts = []string{"workflow", x.Namespace, x.WorkflowID}
	case converter.ActivitySerializationContext:
		parts = []string{"activity", x.Namespace, x.WorkflowID, x.ActivityType}
	default:
		return ""
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return "" // strings always have JSON
	}
	return binding(text)
}

// additional is what is authenticated with a payload.
func additional(keyID string, b binding) []byte {
	out := binary.BigEndian.AppendUint32([]byte("millrace payload 1 "), uint32(len(keyID)))
	return append(append(out, keyID...), b...)
}

// Encode encrypts each payload with the ring's current key.
func (c *Codec) Encode(payloads []*common.Payload) ([]*common.Payload, error) {
	id := c.ring.current
	aead, err := c.aead(id)
	if err != nil {
		return nil, err
	}
	result := make([]*common.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := marshal(p)
		if err != nil {
			return nil, fmt.Errorf("encrypt payload %d: %w", i, err)
		}
		metadata := map[string][]byte{converter.MetadataEncoding: []byte(encoding), metadataKeyID: []byte(id)}
		if c.binding != "" {
			metadata[metadataFor] = []byte(c.binding)
		}
		result[i] = &common.Payload{Metadata: metadata, Data: aead.Seal(nil, nil, plain, additional(id, c.binding))}
	}
	return result, nil
}

// Decode decrypts each payload with the key that it names.
func (c *Codec) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	result := make([]*common.Payload, len(payloads))
	for i, p := range payloads {
		plain, err := c.decode(p)
		if err != nil {
			return nil, fmt.Errorf("decrypt payload %d: %w", i, err)
		}
		result[i] = plain
	}
	return result, nil
}

func (c *Codec) decode(p *common.Payload) (*common.Payload, error) {
	if string(p.GetMetadata()[converter.MetadataEncoding]) != encoding {
		if c.options.AcceptClear {
			return p, nil
		}
		return nil, ErrNotEncrypted
	}
	id := string(p.Metadata[metadataKeyID])
	aead, err := c.aead(id)
	if err != nil {
		return nil, err
	}
	b := binding(p.Metadata[metadataFor])
	if c.binding != "" && b != c.binding && !(b == "" && c.options.AcceptUnbound) {
		return nil, fmt.Errorf("%w: encrypted for %s, not for %s", ErrNotAuthentic, cmp.Or(b, "nobody in particular"), c.binding)
	}
	plain, err := aead.Open(nil, nil, p.Data, additional(id, b))
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", id, ErrNotAuthentic)
	}
	return unmarshal(plain)
}

// marshal returns the payload as the length of its metadata's JSON in four bytes, that JSON, and its data.
func marshal(p *common.Payload) ([]byte, error) {
	metadata, err := json.Marshal(p.GetMetadata())
	if err != nil {
		return nil, err
	}
	out := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(metadata)+len(p.GetData())), uint32(len(metadata)))
	return append(append(out, metadata...), p.GetData()...), nil
}

func unmarshal(data []byte) (*common.Payload, error) {
	if len(data) < 4 || int64(binary.BigEndian.Uint32(data)) > int64(len(data)-4) {
		return nil, errors.New("decrypted payload is cut off")
	}
	metadata, rest := data[4:4+binary.BigEndian.Uint32(data)], data[4+binary.BigEndian.Uint32(data):]
	p := &common.Payload{Data: rest}
	if err := json.Unmarshal(metadata, &p.Metadata); err != nil {
		return nil, fmt.Errorf("metadata of decrypted payload: %w", err)
	}
	return p, nil
}

func (c *Codec) aead(id string) (cipher.AEAD, error) {
	key, err := c.ring.key(id)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", id, err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", id, err)
	}
	return aead, nil
}
