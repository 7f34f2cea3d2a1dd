package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/history"
)

// Options are what evidence cannot hold. The zero value examines everything but I6.
type Options struct {
	// Replay runs a history through the code that wrote it. Nil leaves I6 undecided. It may be called from several
	// goroutines at a time.
	Replay func(start *history.Start, transitions []*history.Transition) error
	// Decode turns a payload as it is stored into the one that clients see, nil where they are the same. It undoes
	// codecs, not converters.
	Decode func(*common.Payload) (*common.Payload, error)
}

// Verify reads the evidence in a directory and judges it. An error says that it could not be read, not that it is bad.
func Verify(ctx context.Context, dir string, o Options) (*Report, error) {
	began := time.Now()
	e, err := readEvidence(dir)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	r := newReport(e.plan)
	if err := judge(ctx, e, o, r); err != nil {
		return nil, fmt.Errorf("verify %s: %w", dir, err)
	}
	r.conclude()
	r.Took = time.Since(began)
	return r, nil
}
