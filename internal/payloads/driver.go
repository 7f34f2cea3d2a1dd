package payloads

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

// DriverName is the name of the driver that stores payloads in NATS. It is part of histories.
const DriverName = "nats"

// Backend is where the driver stores payloads. streams.Namespace implements it.
type Backend interface {
	Name() string
	Limits() streams.Limits
	PutPayload(ctx context.Context, run history.Run, data []byte) (streams.PayloadRef, error)
	GetPayload(ctx context.Context, ref streams.PayloadRef) ([]byte, error)
}

// The keys of a claim. Metadata stays in the reference, so that what is stored is the data itself.
const (
	claimWorkflow = "workflow_id"
	claimRun      = "run_id"
	claimHash     = "sha256"
	claimPieces   = "pieces"
	claimMetadata = "metadata"
)

// driver stores payloads under the runs that they belong to.
type driver struct{ backend Backend }

func (d *driver) Name() string { return DriverName }
func (d *driver) Type() string { return "nats-jetstream" }

var errNoRun = errors.New("the run that the payload belongs to is not known")

func (d *driver) Store(ctx converter.StorageDriverStoreContext, payloads []*common.Payload) ([]converter.StorageDriverClaim, error) {
	target, ok := ctx.Target.(converter.StorageDriverWorkflowInfo)
	if !ok {
		return nil, errNoRun
	}
	run := history.Run{WorkflowID: target.WorkflowID, RunID: target.RunID}
	claims := make([]converter.StorageDriverClaim, len(payloads))
	for i, p := range payloads {
		metadata, err := json.Marshal(p.Metadata)
		if err != nil {
			return nil, err
		}
		ref, err := d.backend.PutPayload(ctx.Context, run, p.Data)
		if err != nil {
			return nil, err
		}
		claims[i].ClaimData = map[string]string{
			claimWorkflow: run.WorkflowID, claimRun: run.RunID, claimHash: ref.Hash, claimPieces: strconv.Itoa(ref.Pieces),
			claimMetadata: string(metadata),
		}
	}
	return claims, nil
}

func (d *driver) Retrieve(ctx converter.StorageDriverRetrieveContext, claims []converter.StorageDriverClaim) ([]*common.Payload, error) {
	payloads := make([]*common.Payload, len(claims))
	for i, c := range claims {
		pieces, err := strconv.Atoi(c.ClaimData[claimPieces])
		if err != nil {
			return nil, fmt.Errorf("%w: its reference has %s %q", converter.ErrPayloadLost, claimPieces, c.ClaimData[claimPieces])
		}
		p := &common.Payload{}
		if err := json.Unmarshal([]byte(c.ClaimData[claimMetadata]), &p.Metadata); err != nil {
			return nil, fmt.Errorf("%w: its reference has unreadable metadata: %w", converter.ErrPayloadLost, err)
		}
		p.Data, err = d.backend.GetPayload(ctx.Context, streams.PayloadRef{Run: runOf(c), Hash: c.ClaimData[claimHash], Pieces: pieces})
		if errors.Is(err, streams.ErrNotFound) || errors.Is(err, streams.ErrInvalid) {
			err = fmt.Errorf("%w: %w", converter.ErrPayloadLost, err)
		}
		if err != nil {
			return nil, err
		}
		payloads[i] = p
	}
	return payloads, nil
}

func runOf(c converter.StorageDriverClaim) history.Run {
	return history.Run{WorkflowID: c.ClaimData[claimWorkflow], RunID: c.ClaimData[claimRun]}
}

// NoBackend is a Backend for who has no namespace at hand: it stores nothing and has nothing.
type NoBackend struct{}

var errNoBackend = errors.New("it is stored in NATS, which cannot be asked here")

// Name is empty.
func (NoBackend) Name() string { return "" }

// Limits are those of a server with default settings.
func (NoBackend) Limits() streams.Limits { return streams.LimitsOf(1 << 20) }

// PutPayload fails.
func (NoBackend) PutPayload(context.Context, history.Run, []byte) (streams.PayloadRef, error) {
	return streams.PayloadRef{}, errNoBackend
}

// GetPayload fails.
func (NoBackend) GetPayload(context.Context, streams.PayloadRef) ([]byte, error) {
	return nil, errNoBackend
}
