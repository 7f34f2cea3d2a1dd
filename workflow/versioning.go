package workflow

// VersioningBehavior says which builds of the code may decide for a run, where workers are versioned (see
// worker.DeploymentOptions).
type VersioningBehavior int

const (
	// VersioningBehaviorUnspecified leaves it to the worker's DefaultVersioningBehavior.
	VersioningBehaviorUnspecified VersioningBehavior = iota
	// VersioningBehaviorPinned keeps a run with the build that it was started on, to its end: the code that it runs need
	// not fit the history of another build.
	VersioningBehaviorPinned
	// VersioningBehaviorAutoUpgrade lets a run go on with whatever build serves its queue: changes of the code need
	// GetVersion.
	VersioningBehaviorAutoUpgrade
)

// String returns the name that Temporal's API has for the behavior.
func (b VersioningBehavior) String() string {
	switch b {
	case VersioningBehaviorUnspecified:
		return "Unspecified"
	case VersioningBehaviorPinned:
		return "Pinned"
	case VersioningBehaviorAutoUpgrade:
		return "AutoUpgrade"
	}
	return "unknown"
}

// ContinueAsNewVersioningBehavior says on which version of the workers the run begins that takes over by continue-as-new. It
// changes nothing where an override pins the run, which the new one inherits.
type ContinueAsNewVersioningBehavior int

// The values of ContinueAsNewVersioningBehavior, without its type as in Temporal's SDK. They are stored.
const (
	// ContinueAsNewVersioningBehaviorUnspecified begins a pinned run's successor on the same version, and any other on the
	// one that new runs go to.
	ContinueAsNewVersioningBehaviorUnspecified = iota
	// ContinueAsNewVersioningBehaviorAutoUpgrade begins on the version that new runs go to. There the new run stays if its
	// workflow is pinned.
	ContinueAsNewVersioningBehaviorAutoUpgrade
	// ContinueAsNewVersioningBehaviorUseRampingVersion begins on the ramping version, whatever its percentage is, if there is
	// one. It is for pinned workflows: another's run goes on as any that is bound to no version.
	ContinueAsNewVersioningBehaviorUseRampingVersion
)
