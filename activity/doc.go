// Package activity is what the code of an activity may ask for: who it is, what the attempt before it reported, and
// whether it should go on.
//
// An activity is a function that does the work of a workflow: it may do I/O, fail and be tried again. Its shape is
//
//	func(ctx context.Context, arguments...) (T, error)
//
// where the context, the arguments and T may be missing. Its context ends when its time is over, when the workflow
// cancels it, or when its worker stops; context.Cause tells which.
package activity
