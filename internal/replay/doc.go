// Package replay runs workflow code deterministically. A Machine holds one run: it feeds the events of each
// transition to the code's coroutines, lets them run until every one blocks, and collects the events that they
// decided. Live, these events become the next transition; on replay they are compared with the recorded ones.
//
// What happens is a function of the run's start, its transitions, the time of each and the workflow code. The package
// reads no clock, starts no goroutine that runs beside its caller, and does no input or output.
//
// Roles. The caller (a coordinator, a replayer, a test) owns the Machine and calls it from one goroutine at a time.
// Package workflow is the other side: it implements what authors call in terms of Env.
//
// Rule. In one transition all inputs are applied first, in order, each calling the callback that waits for it; then
// the coroutines run in passes, in the order of their creation (those of new updates first), one at a time; a pass in which none could go on ends
// the transition. A command gets its event number when it is issued: the number after the inputs and the commands
// before it. The first transition also creates the root coroutine. A later transition without inputs runs no code.
//
// Safety. The same transitions and the same code give the same commands. A difference is a NonDeterminismError and a
// panic is a PanicError; neither changes the run, and both leave the Machine good for nothing but Destroy.
//
// Liveness. The Machine cannot interrupt code that loops or blocks outside the API. Its caller watches the clock, and
// Running names the culprit.
//
// Failure handling. Decide lets the code run ahead of the durable history. When the append is refused, the Machine
// must be destroyed and the run replayed. Every Machine must be destroyed: its coroutines are not collected otherwise.
// Its caller's goroutine must not be locked to its thread: the runtime ends the process when it resumes a coroutine from
// one (docs/adr/0001-coroutines.md).
package replay
