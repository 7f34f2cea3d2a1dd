package coordinator

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
	"github.com/millrace-dev/millrace/internal/history"
)

// Versions is what a coordinator knows of deployments: which runs are its own to decide, and where those go that it
// starts. Builds are named by their IDs, empty for none. The methods are called for every run: they do not block, and are
// safe for concurrent use.
type Versions interface {
	// Decides says whether this process decides for a run that is bound to a build, or to none.
	Decides(bound, workflowID string) bool
	// Target is the build to which a new run of the queue would go.
	Target(workflowID string) string
	// RunsActivities says whether workers of a build run activities of a queue.
	RunsActivities(build, queue string) bool
	// Inherits says whether a run of a queue is bound to the build of the run that starts it.
	Inherits(build, queue string) bool
	// Route is the build that a new run is bound to. With ramp set it takes the ramp of its queue, if there is one.
	Route(queue, workflowID, workflowType string, ramp bool) string
}

// The ways in which code asks for the build of the run that it continues as; the numbers are stored.
const (
	continueUpgrade = 1
	continueRamping = 2
)

// errElsewhere means that another build decides for the run.
var errElsewhere = errors.New("another build decides for the run")

// What another build decides for is handed back for its workers, who ask at the same place: at first as good as at once,
// since they may be waiting, and later each time, since there may be none.
const (
	minElsewhereDelay = 2 * time.Millisecond
	maxElsewhereDelay = 2 * time.Second
)

// place takes the code from a run for which another build decides. Bound is the build that it is bound to.
func (c *Coordinator) place(e *entry, bound string) {
	if c.cfg.Versions == nil || e.machine == nil {
		return
	}
	if e.asked != nil {
		bound = *e.asked
	}
	if c.cfg.Versions.Decides(bound, e.start.Run.WorkflowID) {
		return
	}
	e.conclude()
	e.codeErr = errElsewhere
}

// boundAfter is the build that a run is bound to after transitions.
func boundAfter(s *history.State, transitions []*history.Transition) string {
	for _, t := range slices.Backward(transitions) {
		for _, event := range slices.Backward(t.Events) {
			if a, ok := event.Attributes.(*history.WorkflowExecutionOptionsUpdated); ok {
				return boundBy(s, a.Versioning)
			}
		}
	}
	return s.Bound()
}

func boundBy(s *history.State, o *history.VersioningOverride) string {
	if o == nil {
		return s.Start.Run.Build
	}
	return o.Build
}

// asked is the build that the last change of options among items binds the run to, nil for none.
func asked(start *history.Start, items []*item) *string {
	for _, it := range slices.Backward(items) {
		if it.message != nil && it.message.Options != nil {
			bound := boundBy(history.NewState(start), it.message.Options.Versioning)
			return &bound
		}
	}
	return nil
}

// misplaced says whether what the cache has of a run must not be used: it was not this process's to decide, or is not any
// more.
func (c *Coordinator) misplaced(e *entry) bool {
	if errors.Is(e.codeErr, errElsewhere) {
		return true
	}
	return c.cfg.Versions != nil && e.machine != nil && !c.cfg.Versions.Decides(e.state().Bound(), e.start.Run.WorkflowID)
}

// elsewhere says whether nothing can be done about a run here: closing it needs no code.
func elsewhere(e *entry, items []*item) bool {
	return errors.Is(e.codeErr, errElsewhere) && !e.state().Closed() && !slices.ContainsFunc(items, (*item).isTerminate)
}

// lookForTarget notes whether new runs have come to go to another build than the one that the run is bound to.
func (c *Coordinator) lookForTarget(e *entry, d *history.Draft) {
	s := e.state()
	if c.cfg.Versions == nil || s.Versioning != nil || s.Bound() == "" {
		return
	}
	if target := c.cfg.Versions.Target(e.start.Run.WorkflowID); target != "" && target != s.Bound() {
		d.SetTargetChanged()
	}
}

// bind chooses the builds of what a transition's events ask for, as long as there are deployments: from then on they are
// facts of the history.
func (c *Coordinator) bind(e *entry, events []history.Event) {
	if c.cfg.Versions == nil {
		return
	}
	s := e.state()
	bound := s.Bound()
	for i := range events {
		switch a := events[i].Attributes.(type) {
		case *history.WorkflowExecutionOptionsUpdated:
			bound = boundBy(s, a.Versioning)
		case *history.ActivityTaskScheduled:
			if bound != "" && c.cfg.Versions.RunsActivities(bound, a.Queue) {
				a.Build = bound
			}
		case *history.StartChildWorkflowExecutionInitiated:
			a.Binding = c.binding(s, bound, a.Queue, a.WorkflowID, a.Type)
		}
	}
	if len(events) == 0 {
		return
	}
	if next := history.SuccessorIn(events[len(events)-1]); next != nil {
		next.Binding = c.successorBinding(s, bound, next)
	}
}

// binding is the build of a run that is started, nil for the one that it has unless another is chosen.
func (c *Coordinator) binding(s *history.State, bound, queue, workflowID, workflowType string) *history.Binding {
	build := bound
	if bound == "" || !c.cfg.Versions.Inherits(bound, queue) {
		build = c.cfg.Versions.Route(queue, workflowID, workflowType, false)
	}
	return chosen(s, queue, build)
}

func chosen(s *history.State, queue, build string) *history.Binding {
	usual := ""
	if queue == s.Start.Run.Queue {
		usual = s.Start.Run.Build
	}
	if build == usual {
		return nil
	}
	return &history.Binding{Build: build}
}

// successorBinding is binding for the run that takes over. An override that pins the run outweighs what the code asks for.
func (c *Coordinator) successorBinding(s *history.State, bound string, next *history.Successor) *history.Binding {
	queue, workflowType := cmp.Or(next.Queue, s.Start.Run.Queue), cmp.Or(next.Type, s.Start.Type)
	pinned := s.Versioning != nil && s.Versioning.Build != "" && queue == s.Start.Run.Queue
	asks := next.Versioning == continueUpgrade || next.Versioning == continueRamping
	if next.Initiator != enums.CONTINUE_AS_NEW_INITIATOR_WORKFLOW || pinned || !asks {
		return c.binding(s, bound, queue, s.Start.Run.WorkflowID, workflowType)
	}
	return chosen(s, queue, c.cfg.Versions.Route(queue, s.Start.Run.WorkflowID, workflowType, next.Versioning == continueRamping))
}
