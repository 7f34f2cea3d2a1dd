package encryption

import (
	"bufio"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// maxKeyID is the longest name of a key in bytes.
const maxKeyID = 128

// ErrUnknownKey says that a payload was encrypted with a key that the ring does not have.
var ErrUnknownKey = errors.New("key is not in the key ring")

// KeyRing holds keys by their names. It does not change and is safe for concurrent use.
type KeyRing struct {
	current string
	keys    map[string][]byte
}

// NewKeyRing returns a ring that encrypts with the key named current, and decrypts with any of keys. Each key has
// KeySize bytes. Names are stored beside payloads in the clear; they have at most 128 bytes.
func NewKeyRing(current string, keys map[string][]byte) (*KeyRing, error) {
	if _, ok := keys[current]; !ok {
		return nil, fmt.Errorf("key ring: current key %q: %w", current, ErrUnknownKey)
	}
	ring := &KeyRing{current: current, keys: maps.Clone(keys)}
	for id, key := range keys {
		if id == "" || len(id) > maxKeyID || strings.ContainsAny(id, " \t\r\n#") {
			return nil, fmt.Errorf("key ring: name %q of a key: of 1 to %d bytes, without spaces and #", id, maxKeyID)
		}
		if len(key) != KeySize {
			return nil, fmt.Errorf("key ring: key %q has %d bytes, not %d", id, len(key), KeySize)
		}
		ring.keys[id] = append([]byte(nil), key...)
	}
	return ring, nil
}

// ReadKeyRing reads a ring of lines, each the name of a key, spaces, and the key in base64. The first is the current
// one. Empty lines, and what follows a #, are ignored. NewKeyLine makes such lines.
func ReadKeyRing(r io.Reader) (*KeyRing, error) {
	keys := map[string][]byte{}
	current := ""
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("key ring: line %d: want a name and a key in base64", n)
		}
		key, err := base64.StdEncoding.DecodeString(fields[1])
		if err != nil {
			return nil, fmt.Errorf("key ring: line %d: key %q is not base64", n, fields[0]) // err would show some of it
		}
		if _, twice := keys[fields[0]]; twice {
			return nil, fmt.Errorf("key ring: line %d: key %q is there twice", n, fields[0])
		}
		keys[fields[0]] = key
		if current == "" {
			current = fields[0]
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("key ring: %w", err)
	}
	if current == "" {
		return nil, errors.New("key ring: there is no key")
	}
	return NewKeyRing(current, keys)
}

// NewKeyLine makes a random key and returns it as a line for ReadKeyRing.
func NewKeyLine(id string) string {
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never returns an error
	return id + " " + base64.StdEncoding.EncodeToString(key) + "\n"
}

// key is the key with this name.
func (r *KeyRing) key(id string) ([]byte, error) {
	key, ok := r.keys[id]
	if !ok {
		return nil, fmt.Errorf("key %q: %w", id, ErrUnknownKey)
	}
	return key, nil
}
