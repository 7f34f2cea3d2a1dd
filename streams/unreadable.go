package streams

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// checkAbsent makes sure that a message which the broker does not find is not there. The broker says of a message whose
// bytes were damaged that there is none; but it still counts it. What is counted and not found is a DamagedError.
func (n *Namespace) checkAbsent(ctx context.Context, stream, subject string) error {
	var info jetstream.StreamInfo
	request := map[string]string{"subjects_filter": subject}
	if err := n.api(ctx, "STREAM.INFO."+stream, request, &info); err != nil {
		return fmt.Errorf("look for %s: %w", subject, err)
	}
	count := uint64(0)
	for _, messages := range info.State.Subjects {
		count += messages
	}
	if count == 0 {
		return nil
	}
	// Somebody may have written it since: then it is found now.
	_, err := n.last(ctx, stream, subject)
	if isNoMessage(err) {
		return &DamagedError{Record: count, Last: count, Reason: "the broker counts it, and cannot read it"}
	}
	return err
}
