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
