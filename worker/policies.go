package worker

import (
	"cmp"
	"fmt"

	"github.com/millrace-dev/millrace/workflow"
)

// WorkflowPanicPolicy says what becomes of a run whose code panics, or decides something else than its history records.
type WorkflowPanicPolicy int

const (
	// BlockWorkflow lets the run wait, visibly, until corrected code is deployed.
	BlockWorkflow WorkflowPanicPolicy = iota
	// FailWorkflow fails the run: with the panic as a *millrace.PanicError, or with a *millrace.ApplicationError of type
	// NonDeterminismError that names the first event which differs. That happens when there is something new for the run, and
	// its retry policy does not count for it: the same code would fail again.
	FailWorkflow
)

type (
	// PreferredVersionProvider chooses the version that GetVersion records for a run that comes to a change for the first
	// time: while old workers still serve the queue it can be one that they know. Nil means the newest. It must be quick,
	// is safe for concurrent use, and may be asked again for the same change of a run.
	PreferredVersionProvider func(PreferredVersionProviderInput) *VersionPreference

	// PreferredVersionProviderInput says what is asked.
	PreferredVersionProviderInput struct {
		WorkflowInfo *workflow.Info
		ChangeID     string
		MinSupported workflow.Version
		MaxSupported workflow.Version
	}

	// VersionPreference is a version to record.
	VersionPreference struct {
		Version workflow.Version
		// ClampToSupportedRange takes the nearest version that is supported where Version is not. Otherwise that panics.
		ClampToSupportedRange bool
	}
)

// preferredVersion is what package workflow asks, nil without a provider.
func (p PreferredVersionProvider) preferredVersion() func(*workflow.Info, string, workflow.Version, workflow.Version) workflow.Version {
	if p == nil {
		return nil
	}
	return func(info *workflow.Info, change string, least, most workflow.Version) workflow.Version {
		preferred := p(PreferredVersionProviderInput{WorkflowInfo: info, ChangeID: change, MinSupported: least, MaxSupported: most})
		switch {
		case preferred == nil:
			return most
		case preferred.ClampToSupportedRange:
			return min(max(preferred.Version, least), most)
		case preferred.Version < least || preferred.Version > most:
			panic(fmt.Sprintf("worker: PreferredVersionProvider wants version %d of %q, supported are %d to %d",
				preferred.Version, change, least, most))
		}
		return preferred.Version
	}
}

// DeploymentOptions say which version of the code a worker has, and whether runs are bound to it.
type DeploymentOptions struct {
	// UseVersioning makes the worker serve only runs that are pinned to its build, and those that are bound to none while
	// its build is the deployment's current or ramping one.
	UseVersioning bool
	// Version names deployment and build. It is needed with UseVersioning.
	Version WorkerDeploymentVersion
	// DefaultVersioningBehavior is for workflows whose registration says none.
	DefaultVersioningBehavior workflow.VersioningBehavior
}

func (o DeploymentOptions) validate() error {
	refuse := func(field string, value any, limit string) error {
		return fmt.Errorf("%w: Options.DeploymentOptions.%s is %v, must be %s", ErrInvalidOptions, field, value, limit)
	}
	switch {
	case o.UseVersioning && (o.Version.DeploymentName == "" || o.Version.BuildID == ""):
		return refuse("Version", o.Version, "a deployment name and a build ID where UseVersioning is set")
	case !o.UseVersioning && cmp.Compare(o.DefaultVersioningBehavior, workflow.VersioningBehaviorUnspecified) != 0:
		return refuse("DefaultVersioningBehavior", o.DefaultVersioningBehavior, "Unspecified where UseVersioning is not set")
	}
	return nil
}
