package main

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/millrace-dev/millrace/activity"
	"github.com/millrace-dev/millrace/worker"
	"github.com/millrace-dev/millrace/workflow"
)

// The workflows of the load. None sets a time-out of its own, so nothing is left in the stream of wake-ups when all runs
// have closed; their results follow from their inputs and from what their clients sent.
const (
	taskQueue = "faults"

	nameSteps   = "Steps"   // activities one after another
	nameSingle  = "Single"  // one activity
	nameFanOut  = "FanOut"  // activities side by side
	nameTally   = "Tally"   // signals, and successors
	nameAccount = "Account" // updates
	nameNap     = "Nap"     // timers
	nameFamily  = "Family"  // children
	nameOutside = "Outside" // an activity that the client completes
	nameDecide  = "Decide"  // a decision that takes time, and is noted by whoever makes it
	nameAlarm   = "Alarm"   // many timers at once

	nameStep    = "Step"
	nameConfirm = "Confirm"
	nameAwait   = "Await"

	outsideActivity = "answer"
	signalValue     = "value"
	signalClose     = "close"
	updateAdd       = "add"
	updateClose     = "close"

	stepTimeout = time.Minute
)

// step is what an activity computes: a value that depends on all of its inputs.
func step(text string, n int) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", text, n)
	return fmt.Sprintf("%016x", h.Sum64())
}

// resultOfSteps is what a workflow of n steps has to return.
func resultOfSteps(input string, n int) string {
	for i := range n {
		input = step(input, i)
	}
	return input
}

func withActivities(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: stepTimeout})
}

func steps(ctx workflow.Context, input string, n int) (string, error) {
	ctx = withActivities(ctx)
	for i := range n {
		if err := workflow.ExecuteActivity(ctx, nameStep, input, i).Get(ctx, &input); err != nil {
			return "", fmt.Errorf("step %d: %w", i, err)
		}
	}
	return input, nil
}

func single(ctx workflow.Context, input string) (string, error) { return steps(ctx, input, 1) }

// resultOfFanOut is what fanOut has to return.
func resultOfFanOut(input string, n int) string {
	all := ""
	for i := range n {
		all += step(input, i)
	}
	return step(all, n)
}

func fanOut(ctx workflow.Context, input string, n int) (string, error) {
	ctx = withActivities(ctx)
	var futures []workflow.Future
	for i := range n {
		futures = append(futures, workflow.ExecuteActivity(ctx, nameStep, input, i))
	}
	all := ""
	for i, f := range futures {
		var part string
		if err := f.Get(ctx, &part); err != nil {
			return "", fmt.Errorf("branch %d: %w", i, err)
		}
		all += part
	}
	return step(all, n), nil
}

// tallied is what a Tally hands to its successor. Seen tells which values have come: a client that got no answer sends a
// value again.
type tallied struct {
	Seen map[int]int `json:"seen,omitempty"`
	// Want is how many different values there will be, 0 as long as nobody has said so.
	Want int `json:"want,omitempty"`
}

// value is the argument of a signal. Mark is its own alone; a value that is sent again has another one.
type value struct {
	Mark string `json:"mark"`
	N    int    `json:"n"`
}

// tally collects values until it has those that it was told of, and returns how many there were and their sum.
func tally(ctx workflow.Context, every int, t tallied) (string, error) {
	values, closing := workflow.GetSignalChannel(ctx, signalValue), workflow.GetSignalChannel(ctx, signalClose)
	if t.Seen == nil {
		t.Seen = map[int]int{}
	}
	received := 0
	for t.Want == 0 || len(t.Seen) < t.Want {
		if received >= every {
			return "", continueTally(ctx, every, t, values, closing)
		}
		workflow.NewSelector(ctx).AddReceive(values, func(c workflow.ReceiveChannel, _ bool) {
			var v value
			c.Receive(ctx, &v)
			t.Seen[v.N]++
			received++
		}).AddReceive(closing, func(c workflow.ReceiveChannel, _ bool) {
			var v value
			c.Receive(ctx, &v)
			t.Want = v.N
		}).Select(ctx)
	}
	return resultOfTally(t.Want), nil
}

// continueTally takes what has already come along.
func continueTally(ctx workflow.Context, every int, t tallied, values, closing workflow.ReceiveChannel) error {
	var v value
	for values.ReceiveAsync(&v) {
		t.Seen[v.N]++
	}
	if closing.ReceiveAsync(&v) {
		t.Want = v.N
	}
	return workflow.NewContinueAsNewError(ctx, nameTally, every, t)
}

func resultOfTally(n int) string { return fmt.Sprintf("%d values", n) }

// account adds what updates tell it, each number once, until it is closed.
func account(ctx workflow.Context) (int, error) {
	total, closed := 0, false
	err := workflow.SetUpdateHandler(ctx, updateAdd, func(_ workflow.Context, n int) (int, error) {
		total += n
		return total, nil
	})
	if err != nil {
		return 0, err
	}
	err = workflow.SetUpdateHandler(ctx, updateClose, func(workflow.Context) (int, error) {
		closed = true
		return total, nil
	})
	if err != nil {
		return 0, err
	}
	err = workflow.Await(ctx, func() bool { return closed })
	return total, err
}

// nap sleeps n times, and tells when it was woken too early.
func nap(ctx workflow.Context, n int, each time.Duration) (string, error) {
	for i := range n {
		due := workflow.Now(ctx).Add(each)
		if err := workflow.Sleep(ctx, each); err != nil {
			return "", err
		}
		if now := workflow.Now(ctx); now.Before(due) {
			return fmt.Sprintf("sleep %d ended %v early", i, due.Sub(now)), nil
		}
	}
	return resultOfNap(n), nil
}

func resultOfNap(n int) string { return fmt.Sprintf("%d naps", n) }

// family lets children of one step each work side by side.
func family(ctx workflow.Context, input string, n int) (string, error) {
	var futures []workflow.ChildWorkflowFuture
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	for i := range n {
		child := workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{WorkflowID: childID(id, i)})
		futures = append(futures, workflow.ExecuteChildWorkflow(child, nameSteps, fmt.Sprint(input, i), 1))
	}
	all := ""
	for i, f := range futures {
		var part string
		if err := f.Get(ctx, &part); err != nil {
			return "", fmt.Errorf("child %d: %w", i, err)
		}
		all += part
	}
	return step(all, n), nil
}

func childID(parent string, i int) string { return fmt.Sprintf("%s-child-%d", parent, i) }

func resultOfFamily(input string, n int) string {
	all := ""
	for i := range n {
		all += resultOfSteps(fmt.Sprint(input, i), 1)
	}
	return step(all, n)
}

// outside waits for an activity that the client completes.
func outside(ctx workflow.Context) (answer string, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{ActivityID: outsideActivity, StartToCloseTimeout: 10 * time.Minute})
	err = workflow.ExecuteActivity(ctx, nameAwait).Get(ctx, &answer)
	return answer, err
}

// decide makes n decisions, each of them with a nonce of whoever makes it, and has each confirmed by an activity. When
// two processes decide the same at the same time, only one nonce can be in the history; an activity that is asked to
// confirm another one shows that the loser's decision had effects.
func (b *book) decide(ctx workflow.Context, n int) (string, error) {
	ctx = withActivities(ctx)
	info := workflow.GetInfo(ctx)
	last := ""
	for i := range n {
		var nonce string
		encoded := workflow.SideEffect(ctx, func(workflow.Context) interface{} {
			return b.decided(info.WorkflowExecution, i)
		})
		if err := encoded.Get(&nonce); err != nil {
			return "", err
		}
		if err := workflow.ExecuteActivity(ctx, nameConfirm, i, nonce).Get(ctx, &last); err != nil {
			return "", fmt.Errorf("decision %d: %w", i, err)
		}
		if last != nonce {
			return "", fmt.Errorf("decision %d: %s was confirmed, %s was asked for", i, last, nonce)
		}
	}
	return resultOfDecide(n), nil
}

func resultOfDecide(n int) string { return fmt.Sprintf("%d decisions", n) }

// workflows are those of the load by their names.
func workflows(b *book) map[string]any {
	return map[string]any{
		nameSteps: steps, nameSingle: single, nameFanOut: fanOut, nameTally: tally, nameAccount: account, nameNap: nap,
		nameFamily: family, nameOutside: outside, nameDecide: b.decide,
		nameAlarm: alarm,
	}
}

// registerWorkflows and registerActivities make a worker serve the load.
func registerWorkflows(w worker.Worker, b *book) {
	for name, fn := range workflows(b) {
		w.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name})
	}
}

func registerActivities(w worker.Worker, b *book) {
	for name, fn := range map[string]any{nameStep: b.step, nameConfirm: b.confirm, nameAwait: b.await} {
		w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
}
