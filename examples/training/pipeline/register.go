package pipeline

// TaskQueue is the queue that the example's workers serve.
const TaskQueue = "training"

// registry is the part of a worker that Register needs.
type registry interface {
	RegisterWorkflow(w any)
	RegisterActivity(a any)
}

// Register makes the workflows and activities known to a worker.
func Register(r registry, a *Activities) {
	r.RegisterWorkflow(TrainDay)
	r.RegisterWorkflow(Backfill)
	r.RegisterWorkflow(Daily)
	r.RegisterActivity(a)
}
