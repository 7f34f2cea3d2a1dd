// Package blobs keeps the training example's intermediate results, such as sample sets and models, in a directory.
//
// Workflow histories should hold references, not data. A blob's reference is the digest of its content, so an activity
// that runs twice writes the same blob twice and nobody notices.
package blobs

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNotFound is returned when a store has no blob of the wanted reference.
var ErrNotFound = errors.New("blobs: not found")

// ErrCorrupt is returned when a blob's content does not have the digest that its reference says.
var ErrCorrupt = errors.New("blobs: content differs from its digest")

// Ref names a blob: the SHA-256 of its content in hexadecimal. The empty Ref names nothing.
type Ref string

// Store is a directory of blobs. Any number of processes may share it; the zero Store is not usable.
type Store struct {
	dir string
}

// Open returns the store in dir, which is created when absent.
func Open(dir string) (Store, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Store{}, fmt.Errorf("open blob store: %w", err)
	}
	return Store{dir: dir}, nil
}

// Put stores content and returns its reference. Storing it again changes nothing.
func (s Store) Put(content []byte) (Ref, error) {
	ref := refOf(content)
	path := s.path(ref)
	if _, err := os.Stat(path); err == nil {
		return ref, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", fmt.Errorf("put blob %s: %w", ref, err)
	}
	if err := WriteFile(path, content); err != nil {
		return "", fmt.Errorf("put blob %s: %w", ref, err)
	}
	return ref, nil
}

// Get returns the content of ref. The error wraps ErrNotFound or ErrCorrupt where that is the reason.
func (s Store) Get(ref Ref) ([]byte, error) {
	if raw, err := hex.DecodeString(string(ref)); err != nil || len(raw) != sha256.Size {
		return nil, fmt.Errorf("get blob %q: reference is not %d hexadecimal digits: %w", ref, 2*sha256.Size, ErrNotFound)
	}
	content, err := os.ReadFile(s.path(ref))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("get blob %s: %w", ref, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("get blob %s: %w", ref, err)
	}
	if refOf(content) != ref {
		return nil, fmt.Errorf("get blob %s: %w", ref, ErrCorrupt)
	}
	return content, nil
}

// PutJSON stores the JSON form of v.
func (s Store) PutJSON(v any) (Ref, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("put blob: %w", err)
	}
	return s.Put(b)
}

// GetJSON reads into v what PutJSON stored.
func (s Store) GetJSON(ref Ref, v any) error {
	b, err := s.Get(ref)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("get blob %s: %w", ref, err)
	}
	return nil
}

func (s Store) path(ref Ref) string { return filepath.Join(s.dir, string(ref[:2]), string(ref)) }

func refOf(content []byte) Ref {
	sum := sha256.Sum256(content)
	return Ref(hex.EncodeToString(sum[:]))
}

// WriteFile replaces the file at path in one step: whoever reads it, also after the death of the writer at any moment,
// finds the old content or the new, never a part. The directory must exist. It does not guard against loss of power.
func WriteFile(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
