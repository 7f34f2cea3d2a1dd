package millrace

// Priority orders the activity tasks that wait in one task queue. The zero Priority takes everything from its workflow, or
// the defaults where there is none. What a worker does at once, without the task queue, waits for nobody: eager activities
// and local ones. Those take slots of their worker all the same.
type Priority struct {
	// PriorityKey is 1 (first) to 5 (last). 0 means the workflow's, else 3.
	PriorityKey int

	// FairnessKey names the group, such as a tenant, that shares the queue with other groups of the same PriorityKey: each
	// gets the part of what the workers take that FairnessWeight asks for, however many of its tasks wait, and what one does
	// not need the others get. At most 64 bytes. Empty means the workflow's, else the group of those without a key.
	//
	// Keys are spread over 31 buckets by a hash, and keys that fall into one bucket share its part, in the order in which
	// their tasks were queued. Each worker shares what it takes, so that parts are exact over a while, not for each task.
	FairnessKey string

	// FairnessWeight is the group's share, from 0.001 to 1000, beside those of other groups; what is beyond counts as the
	// nearest of these. 0 means the workflow's, else 1. Each task counts with its own.
	FairnessWeight float32
}
