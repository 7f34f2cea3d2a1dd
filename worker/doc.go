// Package worker runs registered workflows and activities. One Worker serves one task queue; it hosts a coordinator for
// the workflows, and runs the activities itself.
//
// # Roles
//
// A coordinator publishes a task for each activity. Any number of workers, in any processes, pull tasks from the queue,
// run the functions and put the outcome into the run's inbox.
//
// # Rule
//
// For every delivery of a task: look whether the activity has its outcome already; work out which attempt this is; run
// the function under signs of life that keep the task from others; send the outcome to the inbox; acknowledge. A failed
// attempt that may be repeated is written down and then handed back with the backoff as delay: the redelivery is the
// next attempt.
//
// The first attempt of a short activity is made without a task where the worker's own coordinator has just scheduled it
// and a slot is free (eager execution): the outcome goes to the coordinator, and an attempt that failed leaves its record
// for the task that follows. Pulled and eager attempts share the slots; a task that finds them taken waits, and no eager
// attempt begins while one does.
//
// # Safety
//
// A task is acknowledged only after its outcome is durable, or was found to be. The number of attempts never exceeds
// what the retry policy allows: a lost worker uses an attempt, a hand-back by a stopping worker or one that does not know
// the activity uses none. An activity with MaximumAttempts 1 is claimed in the run's history before its function is
// called, and only the holder of the claim calls it. A worker fences itself: when AckWait has passed since the last sign
// of life that the broker has confirmed, it says nothing but a success. A failure of an older attempt than the newest is
// not sent.
//
// # Liveness
//
// A worker that dies is given up after Options.WorkerLossTimeout, whatever the time-outs of its activities. StartToClose
// and heartbeat time-outs are enforced by the worker that runs the attempt, at once, whether or not the function
// returns; ScheduleToClose by the run as well. A task that cannot be begun is left to be delivered again.
//
// # What callers must tolerate
//
// A function may run more than once, and twice at a time: when its worker was cut off from the broker for longer than
// WorkerLossTimeout, or was frozen. The first outcome wins. A function that ignores the end of its context keeps its
// slot until it returns. Cancellation reaches a function with its next heartbeat, or within a third of
// WorkerLossTimeout without one. A task that is younger than 20 ms is run without looking whether it is canceled; its
// function learns of that when it has run for a second.
//
// # Stopping
//
// Stop takes no more tasks, closes the channel of activity.GetWorkerStopChannel, waits for Options.WorkerStopTimeout,
// ends the contexts of what still runs, and hands those tasks back without using an attempt. It returns when everything
// that the worker started has ended, but for functions that ignore their context: those are logged by name and left.
package worker
