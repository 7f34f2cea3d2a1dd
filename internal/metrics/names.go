package metrics

// The metrics that the library makes of itself. Each name is beside the function that makes it, with its tags.
const (
	tagCause   = "cause"
	tagMeasure = "measure"
)

// Healed counts what the daemon's healer has put right, by measure: "millrace_healed".
func Healed(h Handler, namespace, measure string) Counter {
	return h.WithTags(map[string]string{TagNamespace: namespace, tagMeasure: measure}).Counter("millrace_healed")
}

// Losses counts the losses of the broker that this process has found out about: "millrace_losses".
func Losses(h Handler, namespace string) Counter {
	return h.WithTags(map[string]string{TagNamespace: namespace}).Counter("millrace_losses")
}

// Stuck counts how often this process has found a run that does not go on, by cause ("code", "quarantined" or "damaged"):
// "millrace_stuck_runs".
func Stuck(h Handler, namespace, queue, cause string) Counter {
	return h.WithTags(map[string]string{TagNamespace: namespace, TagTaskQueue: queue, tagCause: cause}).Counter("millrace_stuck_runs")
}
