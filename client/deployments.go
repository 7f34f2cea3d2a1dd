package client

import (
	"context"
	"time"

	"github.com/millrace-dev/millrace/internal/deployment"
)

// WorkerDeploymentClient manages deployments of workers: programs with UseVersioning.
type WorkerDeploymentClient interface {
	// List yields the deployments of the namespace, by name.
	List(ctx context.Context, options WorkerDeploymentListOptions) (WorkerDeploymentListIterator, error)
	// GetHandle returns a handle on a deployment, without asking whether it exists.
	GetHandle(name string) WorkerDeploymentHandle
	// Delete removes a deployment without versions.
	Delete(ctx context.Context, options WorkerDeploymentDeleteOptions) (WorkerDeploymentDeleteResponse, error)
}

// WorkerDeploymentHandle manages one deployment, which exists as soon as a worker of it has started. Changes are seen by
// this client at once, by workers within 2 s and by other clients within 5 s. A deployment or version that does not exist is
// a *serviceerror.NotFound, a change that its state forbids a *serviceerror.FailedPrecondition.
type WorkerDeploymentHandle interface {
	// Describe tells which versions there are, and where new runs go. It looks at the versions as DescribeVersion does.
	Describe(ctx context.Context, options WorkerDeploymentDescribeOptions) (WorkerDeploymentDescribeResponse, error)
	// SetCurrentVersion lets new runs go to a version, and it decides for those that are bound to none.
	SetCurrentVersion(ctx context.Context, options WorkerDeploymentSetCurrentVersionOptions) (WorkerDeploymentSetCurrentVersionResponse, error)
	// SetRampingVersion lets a version decide for a part of the new runs, and of those that are bound to no version. Which
	// ones depends on their workflow IDs.
	SetRampingVersion(ctx context.Context, options WorkerDeploymentSetRampingVersionOptions) (WorkerDeploymentSetRampingVersionResponse, error)
	// SetManagerIdentity says who alone may change the deployment from now on, other than by this method.
	SetManagerIdentity(ctx context.Context, options WorkerDeploymentSetManagerIdentityOptions) (WorkerDeploymentSetManagerIdentityResponse, error)
	// DescribeVersion tells what a version serves, and whether runs are left that are pinned to it. For the latter it looks
	// at all runs, open or closed and not deleted yet, that were started on the version.
	DescribeVersion(ctx context.Context, options WorkerDeploymentDescribeVersionOptions) (WorkerDeploymentVersionDescription, error)
	// DeleteVersion removes a version that no new runs go to, that no worker serves and that is drained. A worker of it that
	// starts later brings it back.
	DeleteVersion(ctx context.Context, options WorkerDeploymentDeleteVersionOptions) (WorkerDeploymentDeleteVersionResponse, error)
	// UpdateVersionMetadata changes what is noted about a version.
	UpdateVersionMetadata(ctx context.Context, options WorkerDeploymentUpdateVersionMetadataOptions) (WorkerDeploymentUpdateVersionMetadataResponse, error)
}

type (
	// WorkerDeploymentDescribeOptions are the options of Describe. There are none.
	WorkerDeploymentDescribeOptions struct{}

	// WorkerDeploymentDescribeResponse describes a deployment.
	WorkerDeploymentDescribeResponse struct {
		// ConflictToken makes a later change fail if there was another in between.
		ConflictToken []byte
		Info          WorkerDeploymentInfo
	}

	// WorkerDeploymentInfo describes a deployment.
	WorkerDeploymentInfo struct {
		Name       string
		CreateTime time.Time
		// VersionSummaries are ordered by build ID.
		VersionSummaries     []WorkerDeploymentVersionSummary
		RoutingConfig        WorkerDeploymentRoutingConfig
		LastModifierIdentity string
		// ManagerIdentity is who alone may change the deployment, empty for anyone.
		ManagerIdentity string
	}

	// WorkerDeploymentVersionSummary describes a version.
	WorkerDeploymentVersionSummary struct {
		Version        deployment.Version
		CreateTime     time.Time
		DrainageStatus WorkerDeploymentVersionDrainageStatus
	}

	// WorkerDeploymentRoutingConfig says where new runs go.
	WorkerDeploymentRoutingConfig struct {
		// CurrentVersion and RampingVersion are nil for none.
		CurrentVersion                      *deployment.Version
		RampingVersion                      *deployment.Version
		RampingVersionPercentage            float32
		CurrentVersionChangedTime           time.Time
		RampingVersionChangedTime           time.Time
		RampingVersionPercentageChangedTime time.Time
	}

	// WorkerDeploymentSetCurrentVersionOptions are the options of SetCurrentVersion.
	WorkerDeploymentSetCurrentVersionOptions struct {
		// BuildID is the version, empty for workers without UseVersioning.
		BuildID string
		// ConflictToken is that of an earlier answer. Nil means whatever there is.
		ConflictToken []byte
		// Identity signs the change. Default: the client's.
		Identity string
		// IgnoreMissingTaskQueues allows a version that does not serve all task queues of the present one.
		IgnoreMissingTaskQueues bool
		// AllowNoPollers allows a version of which no worker was ever seen.
		AllowNoPollers bool
	}

	// WorkerDeploymentSetCurrentVersionResponse is the answer of SetCurrentVersion.
	WorkerDeploymentSetCurrentVersionResponse struct {
		ConflictToken   []byte
		PreviousVersion *deployment.Version
	}

	// WorkerDeploymentSetRampingVersionOptions are the options of SetRampingVersion.
	WorkerDeploymentSetRampingVersionOptions struct {
		// BuildID is the version, empty for none.
		BuildID string
		// Percentage is from 0 to 100.
		Percentage float32
		// The others are those of WorkerDeploymentSetCurrentVersionOptions.
		ConflictToken           []byte
		Identity                string
		IgnoreMissingTaskQueues bool
		AllowNoPollers          bool
	}

	// WorkerDeploymentSetRampingVersionResponse is the answer of SetRampingVersion.
	WorkerDeploymentSetRampingVersionResponse struct {
		ConflictToken      []byte
		PreviousVersion    *deployment.Version
		PreviousPercentage float32
	}
)
