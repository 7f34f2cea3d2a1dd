package gatewire

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/history"
)

// A task token on the wire is a MAC, the gateway and the lease that it was made for, and the token of the engine. Workers
// pass it on as it is.

const (
	macSize  = sha256.Size
	idSize   = len(uuid.UUID{})
	headSize = macSize + 2*idSize
	// maxToken bounds a token in bytes.
	maxToken = 8 << 10
	// tokenPurpose keeps the key's MACs apart from others that may be made with it one day.
	tokenPurpose = "millrace gateway task token 1\n"
)

// LeaseID names a lease and the gateway that gave it.
type LeaseID struct{ Gateway, Lease uuid.UUID }

// Sealer makes tokens that it alone accepts. The zero value must not be used.
type Sealer struct{ key []byte }

// NewSealer returns a Sealer. Those with the same key accept each other's tokens.
func NewSealer(key []byte) Sealer { return Sealer{key: key} }

func (s Sealer) mac(data []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte(tokenPurpose))
	h.Write(data)
	return h.Sum(nil)
}

// Seal makes a token.
func (s Sealer) Seal(id LeaseID, t *history.TaskToken) ([]byte, error) {
	inner, err := history.Encode(t)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, macSize, headSize+len(inner))
	sealed = append(append(append(sealed, id.Gateway[:]...), id.Lease[:]...), inner...)
	copy(sealed, s.mac(sealed[macSize:]))
	return sealed, nil
}

var errToken = errors.New("task token was not made by this namespace's gateway")

// Open returns what a token says. It refuses one that is not ours, of another namespace or of another task queue.
func (s Sealer) Open(sealed []byte, namespace, queue string) (LeaseID, *history.TaskToken, error) {
	var id LeaseID
	if len(sealed) <= headSize || len(sealed) > maxToken || !hmac.Equal(sealed[:macSize], s.mac(sealed[macSize:])) {
		return id, nil, &Error{Code: Denied, Message: errToken.Error()}
	}
	copy(id.Gateway[:], sealed[macSize:])
	copy(id.Lease[:], sealed[macSize+idSize:])
	t, err := Peek(sealed)
	if err != nil {
		return id, nil, &Error{Code: Denied, Message: err.Error()}
	}
	if t.Namespace != namespace {
		return id, nil, &Error{Code: Denied, Message: errToken.Error()}
	}
	if t.Queue != queue {
		return id, nil, &Error{Code: Denied, Message: fmt.Sprintf("task token is of another task queue than %q, which the request is for", queue)}
	}
	return id, t, nil
}

// Peek reads a token without knowing whether it is genuine, as its holder does who wants to know the task queue.
func Peek(sealed []byte) (*history.TaskToken, error) {
	if len(sealed) <= headSize {
		return nil, fmt.Errorf("task token of %d bytes is not one of a gateway", len(sealed))
	}
	return history.DecodeTaskToken(sealed[headSize:])
}
