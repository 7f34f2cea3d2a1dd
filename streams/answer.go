package streams

import (
	"errors"
	"fmt"
)

// Answerer answers requests that reached a run through its inbox.
type Answerer interface {
	// Answer sends data to whoever listens for the waiter, by ListenClosed, which calls its handle with key in the place
	// of a run ID. Nobody acknowledges it and it may be lost. An error means that it was not sent.
	Answer(waiter, key string, data []byte) error
}

// Answer is documented at Answerer. It does not wait.
func (n *Namespace) Answer(waiter, key string, data []byte) error {
	err := errors.Join(checkSomebody(waiter), checkName("key", key))
	if err == nil {
		err = n.nc.Publish(noticeSubject(n.name, waiter)+EncodeToken(key), data)
	}
	if err != nil {
		return fmt.Errorf("answer request %q: %w", key, err)
	}
	return nil
}
