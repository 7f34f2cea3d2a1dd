package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/integration/verify"
)

// scenario is what one client does with one run, from the start to the result.
type scenario struct {
	name string
	// weight is how many clients do it at a time.
	weight int
	play   func(l *load, ctx context.Context, id string, r *rand.Rand) error
}

// scenarios are the load of a fleet, with so many times the usual number of clients. What each run does follows from the seed and its ID.
func scenarios(l layout, clients int) []scenario {
	all := []scenario{
		{"steps", 4, (*load).playSteps},
		{"fanout", 2, (*load).playFanOut},
		{"tally", 8, (*load).playTally},
		{"account", 3, (*load).playAccount},
		{"nap", 4, (*load).playNap},
		{"family", 2, (*load).playFamily},
		{"outside", 3, (*load).playOutside},
		{"decide", 5, (*load).playDecide},
	}
	if l.daemons > 0 {
		all = append(all, scenario{"intake", 2, (*load).playIntake})
	}
	for i := range all {
		all[i].weight *= clients
	}
	return all
}

// run plays scenarios until stop ends, and waits for those that have begun until ctx ends.
func (l *load) run(ctx context.Context, stop <-chan struct{}, seed uint64, all []scenario) {
	var wg sync.WaitGroup
	for kind, s := range all {
		for c := range s.weight {
			wg.Go(func() {
				for n := c; ctx.Err() == nil; n += s.weight {
					select {
					case <-stop:
						return
					default:
					}
					r := rand.New(rand.NewPCG(seed, uint64(kind)<<32|uint64(n)))
					id := fmt.Sprintf("%s-%d", s.name, n)
					if err := s.play(l, ctx, id, r); err != nil && ctx.Err() == nil {
						l.problem(fmt.Errorf("%s: %w", id, err))
					}
				}
			})
		}
	}
	wg.Wait()
}

// simple starts a run and waits for its result.
func (l *load) simple(ctx context.Context, id, workflow string, short bool, result any, args ...any) error {
	begun := verify.Now()
	run, err := l.start(ctx, id, workflow, result, args...)
	if err != nil {
		return err
	}
	return l.finish(ctx, id, run, begun, short)
}

func (l *load) playSteps(ctx context.Context, id string, r *rand.Rand) error {
	n := 1 + r.IntN(4)
	return l.simple(ctx, id, nameSteps, true, resultOfSteps(id, n), id, n)
}

func (l *load) playFanOut(ctx context.Context, id string, r *rand.Rand) error {
	n := 2 + r.IntN(6)
	return l.simple(ctx, id, nameFanOut, true, resultOfFanOut(id, n), id, n)
}

func (l *load) playNap(ctx context.Context, id string, r *rand.Rand) error {
	n, each := 1+r.IntN(3), time.Duration(50+r.IntN(500))*time.Millisecond
	return l.simple(ctx, id, nameNap, false, resultOfNap(n), n, each)
}

func (l *load) playFamily(ctx context.Context, id string, r *rand.Rand) error {
	n := 1 + r.IntN(3)
	for i := range n {
		if err := l.expect(childID(id, i), resultOfSteps(fmt.Sprint(id, i), 1)); err != nil {
			return err
		}
	}
	return l.simple(ctx, id, nameFamily, true, resultOfFamily(id, n), id, n)
}

func (l *load) playDecide(ctx context.Context, id string, r *rand.Rand) error {
	n := 1 + r.IntN(4)
	return l.simple(ctx, id, nameDecide, true, resultOfDecide(n), n)
}

// playTally sends signals, one after another, and then says how many there were.
func (l *load) playTally(ctx context.Context, id string, r *rand.Rand) error {
	n, every := 20+r.IntN(40), 15+r.IntN(30)
	begun := verify.Now()
	run, err := l.start(ctx, id, nameTally, resultOfTally(n), every, tallied{})
	if err != nil {
		return err
	}
	for i := range n {
		if err := l.signal(ctx, id, signalValue, i); err != nil {
			return err
		}
	}
	if err := l.signal(ctx, id, signalClose, n); err != nil {
		return err
	}
	return l.finish(ctx, id, run, begun, false)
}

// signal sends a value until it is certain that it has come.
func (l *load) signal(ctx context.Context, id, name string, n int) error {
	return l.insist(ctx, func(try int) verify.Operation {
		return verify.Operation{Kind: verify.OperationSignal, WorkflowID: id, Message: fmt.Sprintf("%s/%s/%d/%d", id, name, n, try)}
	}, func(ctx context.Context, op *verify.Operation) error {
		return l.client.SignalWorkflow(ctx, id, "", name, value{Mark: op.Message, N: n})
	})
}

// playAccount sends updates, some at a time, and closes the account with another one.
func (l *load) playAccount(ctx context.Context, id string, r *rand.Rand) error {
	n, sum := 3+r.IntN(8), 0
	for i := range n {
		sum += i + 1
	}
	begun := verify.Now()
	run, err := l.start(ctx, id, nameAccount, sum)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		wg.Go(func() { errs[i] = l.update(ctx, id, updateAdd, fmt.Sprintf("%s/%d", id, i), i+1) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := l.update(ctx, id, updateClose, id+"/close"); err != nil {
		return err
	}
	return l.finish(ctx, id, run, begun, false)
}

// update sends an update until it has its result.
func (l *load) update(ctx context.Context, id, name, updateID string, args ...any) error {
	return l.insist(ctx, func(int) verify.Operation {
		return verify.Operation{Kind: verify.OperationUpdate, WorkflowID: id, Message: updateID}
	}, func(ctx context.Context, op *verify.Operation) error {
		h, err := l.client.UpdateWorkflow(ctx, client.UpdateWorkflowOptions{
			UpdateID: updateID, WorkflowID: id, UpdateName: name, Args: args, WaitForStage: client.WorkflowUpdateStageCompleted,
		})
		if err != nil {
			return err
		}
		var result int
		if err := h.Get(ctx, &result); err != nil {
			return err
		}
		op.RunID, op.Seen = h.RunID(), &verify.Seen{Result: fmt.Sprint(result)}
		return nil
	})
}

// playOutside completes an activity from here.
func (l *load) playOutside(ctx context.Context, id string, _ *rand.Rand) error {
	begun := verify.Now()
	answer := "answer to " + id
	run, err := l.start(ctx, id, nameOutside, answer)
	if err != nil {
		return err
	}
	token, err := l.token(ctx, id)
	if err != nil {
		return err
	}
	err = l.insist(ctx, func(int) verify.Operation {
		return verify.Operation{Kind: verify.OperationReport, WorkflowID: id, RunID: run.GetRunID(), Message: outsideActivity}
	}, func(ctx context.Context, _ *verify.Operation) error {
		return l.client.CompleteActivity(ctx, token, answer, nil)
	})
	if err != nil {
		return err
	}
	return l.finish(ctx, id, run, begun, false)
}

// answered is what the daemon says to a request.
type answered struct {
	RunID string `json:"runId"`
	Error *struct {
		Code, Message, RunID string
	} `json:"error"`
}

// playIntake starts a run as programs do that have nothing but a NATS client.
func (l *load) playIntake(ctx context.Context, id string, _ *rand.Rand) error {
	begun := verify.Now()
	if err := l.expect(id, resultOfSteps(id, 1)); err != nil {
		return err
	}
	runID := ""
	err := l.insist(ctx, func(int) verify.Operation {
		return verify.Operation{Kind: verify.OperationStart, WorkflowID: id}
	}, func(ctx context.Context, op *verify.Operation) error {
		l.asking.Add(1)
		defer l.asking.Add(-1)
		m := nats.NewMsg("millrace." + client.DefaultNamespace + ".request.start." + nameSingle + "." + id)
		m.Header.Set("Millrace-Task-Queue", taskQueue)
		m.Header.Set("Millrace-Request-Id", id)
		var err error
		if m.Data, err = json.Marshal(id); err != nil {
			return err
		}
		reply, err := l.conn.RequestMsgWithContext(ctx, m)
		if err != nil {
			return err
		}
		var a answered
		if err := json.Unmarshal(reply.Data, &a); err != nil {
			return err
		}
		if a.Error != nil {
			err := fmt.Errorf("%s: %s", a.Error.Code, a.Error.Message)
			if a.Error.Code == "unavailable" {
				return err
			}
			return errors.Join(err, serviceerror.NewInvalidArgument("the daemon refused it"))
		}
		op.RunID, runID = a.RunID, a.RunID
		return nil
	})
	if err != nil {
		return err
	}
	return l.finish(ctx, id, l.client.GetWorkflow(ctx, id, runID), begun, true)
}
