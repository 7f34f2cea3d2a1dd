package converter

import (
	"context"

	"github.com/millrace-dev/millrace/api/common"
)

// ExternalStorage says where payloads go that are too large for a history, and which ones do.
type ExternalStorage struct {
	// Drivers store payloads; each name may occur once. Clients and workers without drivers use the object store in
	// NATS, which they can read whatever is configured here.
	Drivers []StorageDriver
	// DriverSelector chooses among Drivers for each payload. Nil means the first.
	DriverSelector StorageDriverSelector
	// PayloadSizeThreshold is the size in bytes, metadata included, from which on a payload is stored. Default
	// 256 KiB; negative values are refused.
	PayloadSizeThreshold int
}

// StorageDriver stores payloads outside histories. It must be safe for concurrent use and must not change what it is
// given.
type StorageDriver interface {
	// Name identifies the driver in references. Whoever reads them needs a driver of this name, so it must never
	// change; several drivers of one type have different names.
	Name() string
	// Type identifies the implementation.
	Type() string
	// Store keeps payloads and returns one claim for each, in order. Storing the same payload again, for instance
	// because an answer was lost, must be harmless.
	Store(ctx StorageDriverStoreContext, payloads []*common.Payload) ([]StorageDriverClaim, error)
	// Retrieve returns the payloads that the claims stand for, in order. An error that wraps ErrPayloadLost says that
	// no later attempt will succeed either; after any other error the engine tries again.
	Retrieve(ctx StorageDriverRetrieveContext, claims []StorageDriverClaim) ([]*common.Payload, error)
}

// StorageDriverSelector chooses the driver for a payload. It must be safe for concurrent use.
type StorageDriverSelector interface {
	// SelectDriver returns one of ExternalStorage.Drivers, nil to leave the payload where it is.
	SelectDriver(ctx StorageDriverStoreContext, payload *common.Payload) (StorageDriver, error)
}

// StorageDriverClaim is what a driver needs to find a payload again. It is part of histories: keep it small.
type StorageDriverClaim struct {
	ClaimData map[string]string `json:"claim_data"`
}

// StorageDriverStoreContext is the context of storing.
type StorageDriverStoreContext struct {
	// Context ends the operation.
	Context context.Context
	// Target is the run or activity that the payloads belong to, nil where that is not known.
	Target StorageDriverTargetInfo
}

// StorageDriverRetrieveContext is the context of retrieving.
type StorageDriverRetrieveContext struct {
	// Context ends the operation.
	Context context.Context
}

// StorageDriverTargetInfo says what payloads belong to: a StorageDriverWorkflowInfo or a StorageDriverActivityInfo.
type StorageDriverTargetInfo interface {
	storageTarget()
}

// StorageDriverWorkflowInfo is a run, or an activity of that run, that payloads belong to.
type StorageDriverWorkflowInfo struct {
	Namespace string
	// WorkflowType is empty where it is not known.
	WorkflowType string
	WorkflowID   string
	RunID        string
}

// StorageDriverActivityInfo is an activity without a run that payloads belong to.
type StorageDriverActivityInfo struct {
	Namespace    string
	ActivityType string
	ActivityID   string
	RunID        string
}

func (StorageDriverWorkflowInfo) storageTarget() {}
func (StorageDriverActivityInfo) storageTarget() {}
