package client

import (
	"time"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/internal/deployment"
)

type (
	// WorkerDeploymentListOptions are the options of List.
	WorkerDeploymentListOptions struct {
		// PageSize is accepted and changes nothing: there is one page.
		PageSize int
	}

	// WorkerDeploymentListIterator yields deployments. It is for one goroutine.
	WorkerDeploymentListIterator interface {
		// HasNext says whether Next has something.
		HasNext() bool
		Next() (*WorkerDeploymentListEntry, error)
	}

	// WorkerDeploymentListEntry is a line of a list of deployments.
	WorkerDeploymentListEntry struct {
		Name          string
		CreateTime    time.Time
		RoutingConfig WorkerDeploymentRoutingConfig
	}

	// WorkerDeploymentDeleteOptions are the options of Delete.
	WorkerDeploymentDeleteOptions struct {
		Name string
		// Identity signs the change. Default: the client's.
		Identity string
	}

	// WorkerDeploymentDeleteResponse is the answer of Delete: that it came.
	WorkerDeploymentDeleteResponse struct{}

	// WorkerDeploymentSetManagerIdentityOptions are the options of SetManagerIdentity.
	WorkerDeploymentSetManagerIdentityOptions struct {
		// ManagerIdentity is who, empty for anyone; Self means Identity, and excludes it.
		ManagerIdentity string
		Self            bool
		// The others are those of WorkerDeploymentSetCurrentVersionOptions.
		ConflictToken []byte
		Identity      string
	}

	// WorkerDeploymentSetManagerIdentityResponse is the answer of SetManagerIdentity.
	WorkerDeploymentSetManagerIdentityResponse struct {
		ConflictToken           []byte
		PreviousManagerIdentity string
	}

	// WorkerDeploymentDescribeVersionOptions are the options of DescribeVersion.
	WorkerDeploymentDescribeVersionOptions struct {
		BuildID string
	}

	// WorkerDeploymentVersionDescription describes a version.
	WorkerDeploymentVersionDescription struct {
		Info WorkerDeploymentVersionInfo
	}

	// WorkerDeploymentVersionInfo describes a version.
	WorkerDeploymentVersionInfo struct {
		Version    deployment.Version
		CreateTime time.Time
		// RoutingChangedTime is when its part in routing changed last, CurrentSinceTime and RampingSinceTime when it became what
		// it is; zero for never, and where it is not.
		RoutingChangedTime time.Time
		CurrentSinceTime   time.Time
		RampingSinceTime   time.Time
		RampPercentage     float32
		// TaskQueuesInfos are the queues that its workers have served, by name.
		TaskQueuesInfos []WorkerDeploymentTaskQueueInfo
		// DrainageInfo is nil for a version that new runs go to, and for one to which none ever went.
		DrainageInfo *WorkerDeploymentVersionDrainageInfo
		// Metadata are what users have noted.
		Metadata map[string]*common.Payload
	}

	// WorkerDeploymentTaskQueueInfo is a task queue that workers of a version serve.
	WorkerDeploymentTaskQueueInfo struct {
		Name string
		Type TaskQueueType
	}

	// WorkerDeploymentVersionDrainageInfo says whether runs are left that are pinned to a version.
	WorkerDeploymentVersionDrainageInfo struct {
		DrainageStatus WorkerDeploymentVersionDrainageStatus
		// LastChangedTime is when new runs stopped going to the version, LastCheckedTime now.
		LastChangedTime time.Time
		LastCheckedTime time.Time
	}

	// WorkerDeploymentDeleteVersionOptions are the options of DeleteVersion.
	WorkerDeploymentDeleteVersionOptions struct {
		BuildID string
		// SkipDrainage removes a version although runs are pinned to it: they wait until a worker of it starts.
		SkipDrainage bool
		// Identity signs the change. Default: the client's.
		Identity string
	}

	// WorkerDeploymentDeleteVersionResponse is the answer of DeleteVersion: that it came.
	WorkerDeploymentDeleteVersionResponse struct{}

	// WorkerDeploymentUpdateVersionMetadataOptions are the options of UpdateVersionMetadata.
	WorkerDeploymentUpdateVersionMetadataOptions struct {
		Version        deployment.Version
		MetadataUpdate WorkerDeploymentMetadataUpdate
	}

	// WorkerDeploymentMetadataUpdate says what to note and what to forget.
	WorkerDeploymentMetadataUpdate struct {
		// UpsertEntries are encoded by the client's data converter, unless they are a *common.Payload.
		UpsertEntries map[string]interface{}
		RemoveEntries []string
	}

	// WorkerDeploymentUpdateVersionMetadataResponse has what is noted now.
	WorkerDeploymentUpdateVersionMetadataResponse struct {
		Metadata map[string]*common.Payload
	}

	// WorkerDeploymentVersionDrainageStatus says whether runs are left that are pinned to a version.
	WorkerDeploymentVersionDrainageStatus int

	// TaskQueueType says what waits in a task queue.
	TaskQueueType int
)

// The values of WorkerDeploymentVersionDrainageStatus, without its type as in Temporal's SDK. A version that new runs go to, or never went to, has none.
const (
	WorkerDeploymentVersionDrainageStatusUnspecified = iota
	// WorkerDeploymentVersionDrainageStatusDraining is that of a version to which open runs are pinned.
	WorkerDeploymentVersionDrainageStatusDraining
	// WorkerDeploymentVersionDrainageStatusDrained is that of a version whose workers nobody needs any more.
	WorkerDeploymentVersionDrainageStatusDrained
)

// String is "Draining" or "Drained", empty for no status.
func (s WorkerDeploymentVersionDrainageStatus) String() string {
	switch s {
	case WorkerDeploymentVersionDrainageStatusDraining:
		return "Draining"
	case WorkerDeploymentVersionDrainageStatusDrained:
		return "Drained"
	}
	return ""
}

// The values of TaskQueueType, without it as in Temporal's SDK.
const (
	TaskQueueTypeUnspecified = iota
	TaskQueueTypeWorkflow
	TaskQueueTypeActivity
	// TaskQueueTypeNexus is here for code that names it; there are no such queues.
	TaskQueueTypeNexus
)

// String is "Workflow" or "Activity".
func (t TaskQueueType) String() string {
	switch t {
	case TaskQueueTypeWorkflow:
		return "Workflow"
	case TaskQueueTypeActivity:
		return "Activity"
	case TaskQueueTypeNexus:
		return "Nexus"
	}
	return "Unspecified"
}
