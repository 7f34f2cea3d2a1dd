package encryption_test

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/converter/encryption"
)

var (
	ofRun      = converter.WorkflowSerializationContext{Namespace: "ns", WorkflowID: "order-1"}
	ofActivity = converter.ActivitySerializationContext{Namespace: "ns", WorkflowID: "order-1", ActivityType: "Charge"}
)

func ring(t *testing.T, current string, ids ...string) *encryption.KeyRing {
	t.Helper()
	keys := map[string][]byte{}
	for _, id := range ids {
		keys[id] = bytes.Repeat([]byte(id)[:1], encryption.KeySize)
	}
	r, err := encryption.NewKeyRing(current, keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func encrypt(t *testing.T, c converter.PayloadCodec, text string) *common.Payload {
	t.Helper()
	p, err := c.Encode([]*common.Payload{{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return p[0]
}

// outcome is the text that c reads, or the error's.
func outcome(c converter.PayloadCodec, p *common.Payload) (string, error) {
	got, err := c.Decode([]*common.Payload{p})
	if err != nil {
		return "", err
	}
	return string(got[0].Metadata["encoding"]) + " " + string(got[0].Data), nil
}

func TestWhoMayReadWhat(t *testing.T) {
	codec := encryption.NewCodec(ring(t, "a", "a", "b"), encryption.Options{})
	unbound := encryption.NewCodec(ring(t, "a", "a", "b"), encryption.Options{AcceptUnbound: true})
	lenient := encryption.NewCodec(ring(t, "a", "a"), encryption.Options{AcceptClear: true})
	elsewhere := ofRun
	elsewhere.WorkflowID = "order-2"
	foreign := ofRun
	foreign.Namespace = "other"
	otherType := ofActivity
	otherType.ActivityType = "Refund"
	clear := &common.Payload{Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte("1")}

	secret := encrypt(t, codec.WithSerializationContext(ofRun), "1")
	tests := []struct {
		name    string
		reader  converter.PayloadCodec
		payload *common.Payload
		err     error
	}{
		{"the run's own", codec.WithSerializationContext(ofRun), secret, nil},
		{"a codec server", codec, secret, nil},
		{"another key is current", encryption.NewCodec(ring(t, "b", "a", "b"), encryption.Options{}).WithSerializationContext(ofRun), secret, nil},
		{"another workflow", codec.WithSerializationContext(elsewhere), secret, encryption.ErrNotAuthentic},
		{"another namespace", codec.WithSerializationContext(foreign), secret, encryption.ErrNotAuthentic},
		{"an activity of the run", codec.WithSerializationContext(ofActivity), secret, encryption.ErrNotAuthentic},
		{"an activity of another type", codec.WithSerializationContext(otherType), encrypt(t, codec.WithSerializationContext(ofActivity), "1"), encryption.ErrNotAuthentic},
		{"the key is gone", encryption.NewCodec(ring(t, "b", "b"), encryption.Options{}), secret, encryption.ErrUnknownKey},
		{"unbound, nobody knows", codec, encrypt(t, codec, "1"), nil},
		{"unbound for a run", codec.WithSerializationContext(ofRun), encrypt(t, codec, "1"), encryption.ErrNotAuthentic},
		{"unbound for a run that takes it", unbound.WithSerializationContext(ofRun), encrypt(t, codec, "1"), nil},
		{"bound elsewhere for a run that takes unbound", unbound.WithSerializationContext(elsewhere), secret, encryption.ErrNotAuthentic},
		{"in the clear", codec, clear, encryption.ErrNotEncrypted},
		{"in the clear where that is accepted", lenient, clear, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := outcome(test.reader, test.payload)
			if !errors.Is(err, test.err) || err == nil && got != "json/plain 1" {
				t.Fatalf("got %q, %v; want %v", got, err, test.err)
			}
		})
	}
}

func TestNothingOfThePlainTextIsLeft(t *testing.T) {
	codec := encryption.NewCodec(ring(t, "a", "a"), encryption.Options{})
	first, second := encrypt(t, codec, "very secret"), encrypt(t, codec, "very secret")
	if bytes.Contains(first.Data, []byte("secret")) || bytes.Contains(first.Data, []byte("json")) {
		t.Fatalf("%q", first.Data)
	}
	if bytes.Equal(first.Data, second.Data) {
		t.Fatal("equal texts give equal ciphertexts")
	}
}

// TestEveryChangedBitIsNoticed changes the data bit by bit, and each value of the metadata.
func TestEveryChangedBitIsNoticed(t *testing.T) {
	codec := encryption.NewCodec(ring(t, "a", "a"), encryption.Options{}).WithSerializationContext(ofRun)
	whole := encrypt(t, codec, "x")
	for bit := range len(whole.Data) * 8 {
		p := &common.Payload{Metadata: whole.Metadata, Data: bytes.Clone(whole.Data)}
		p.Data[bit/8] ^= 1 << (bit % 8)
		if _, err := outcome(codec, p); !errors.Is(err, encryption.ErrNotAuthentic) {
			t.Fatalf("bit %d: %v", bit, err)
		}
	}
	for key := range whole.Metadata {
		p := &common.Payload{Metadata: maps.Clone(whole.Metadata), Data: whole.Data}
		p.Metadata[key] = []byte("changed")
		if _, err := outcome(codec, p); err == nil {
			t.Fatalf("metadata %s was changed, and nobody noticed", key)
		}
	}
	for n := range whole.Data {
		if _, err := outcome(codec, &common.Payload{Metadata: whole.Metadata, Data: whole.Data[:n]}); err == nil {
			t.Fatalf("cut after %d bytes, and nobody noticed", n)
		}
	}
}

func TestReadKeyRing(t *testing.T) {
	line := encryption.NewKeyLine("2026-11")
	tests := []struct{ name, text, err string }{
		{"two keys", "# ours\n\n" + line + encryption.NewKeyLine("2026-05"), ""},
		{"none", "# none\n", "there is no key"},
		{"no base64", "a !!\n", `line 1: key "a" is not base64`},
		{"short", "a AAAA\n", `key "a" has 3 bytes, not 32`},
		{"twice", line + line, `line 2: key "2026-11" is there twice`},
		{"a word", "key\n", "line 1: want a name and a key in base64"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := encryption.ReadKeyRing(strings.NewReader(test.text))
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Fatalf("got %v, want %q", err, test.err)
			}
		})
	}
	if _, err := encryption.NewKeyRing("gone", map[string][]byte{"a": make([]byte, 32)}); !errors.Is(err, encryption.ErrUnknownKey) {
		t.Fatal(err)
	}
}

// FuzzDecode: no bytes make it panic, and none decrypt that were not encrypted.
func FuzzDecode(f *testing.F) {
	keys, err := encryption.NewKeyRing("a", map[string][]byte{"a": make([]byte, encryption.KeySize)})
	if err != nil {
		f.Fatal(err)
	}
	codec := encryption.NewCodec(keys, encryption.Options{})
	f.Add([]byte("data"), "a", "[]")
	f.Fuzz(func(t *testing.T, data []byte, key, binding string) {
		p := &common.Payload{Data: data, Metadata: map[string][]byte{"encoding": []byte("binary/encrypted"),
			"encryption-key-id": []byte(key), "encryption-for": []byte(binding)}}
		if got, err := outcome(codec, p); err == nil {
			t.Fatalf("decrypted to %q", got)
		}
	})
}
