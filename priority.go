package millrace

// Priority orders the activity tasks that wait in one task queue. The zero Priority takes everything from its workflow, or
// the defaults where there is none.
type Priority struct {
	// PriorityKey is 1 (first) to 5 (last). 0 means the workflow's, else 3.
	PriorityKey int

	// FairnessKey and FairnessWeight are kept, inherited and shown, and have no effect: tasks of one PriorityKey are
	// delivered in the order in which they were queued, whose group they are of.
	//
	// FairnessKey names the group, such as a tenant, that shares the queue fairly with other groups of the same
	// PriorityKey. At most 64 bytes. Empty means the workflow's, else the group of those without a key.
	FairnessKey string

	// FairnessWeight is the group's share, from 0.001 to 1000, beside those of other groups. 0 means the workflow's,
	// else 1.
	FairnessWeight float32
}
