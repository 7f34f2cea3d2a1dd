package worker

// PollerBehavior says how a worker asks for tasks. A Millrace worker keeps one request open for each of its lanes, which
// brings as many tasks as it has slots; behaviors are accepted, and change nothing.
type PollerBehavior interface{ isPollerBehavior() }

// PollerBehaviorSimpleMaximumOptions are the options of NewPollerBehaviorSimpleMaximum.
type PollerBehaviorSimpleMaximumOptions struct {
	MaximumNumberOfPollers int
}

// PollerBehaviorAutoscalingOptions are the options of NewPollerBehaviorAutoscaling.
type PollerBehaviorAutoscalingOptions struct {
	InitialNumberOfPollers int
	MinimumNumberOfPollers int
	MaximumNumberOfPollers int
}

type pollerBehavior struct{}

func (pollerBehavior) isPollerBehavior() {}

// NewPollerBehaviorSimpleMaximum returns a behavior; see PollerBehavior.
func NewPollerBehaviorSimpleMaximum(PollerBehaviorSimpleMaximumOptions) PollerBehavior {
	return pollerBehavior{}
}

// NewPollerBehaviorAutoscaling returns a behavior; see PollerBehavior.
func NewPollerBehaviorAutoscaling(PollerBehaviorAutoscalingOptions) PollerBehavior {
	return pollerBehavior{}
}
