// Package schedule is what a schedule is and does: its specification of times, its state, and the workflow that takes
// its actions. Clients make and read its state; package scheduler serves the workflow.
//
// Roles. A client starts one run of the workflow for each schedule, and updates and queries it. A daemon hosts the
// workflow and the activities by which it starts, watches, cancels and terminates the runs of the schedule's action.
//
// Rule. Times are a pure function of the specification. The run keeps the last time that it has dealt with; whatever lies
// between that and the present is due.
//
// Safety. An action is taken once: the run that it starts has an ID derived from the schedule's run and the action's
// number, so that a start which is repeated finds the first one. A schedule exists once: its runs share a workflow ID.
//
// Liveness. While no daemon runs nothing is started; the next one catches up on what the catch-up window allows.
//
// Window. Whether an earlier action is still running is asked when the next one is due, so that a run which closes at that
// very moment may count as running.
package schedule
