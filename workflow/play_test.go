package workflow_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/workflow"
)

// play stands in for server and workers in the examples: it runs a workflow to its end with the given activities and
// child workflows, letting time pass whenever there is nothing else to do, and prints the result or the error.
func play(fn any, others []any, args ...any) {
	t := &stage{}
	defer t.close()
	p := perform(t, fn, others, payloads(t, args...))
	if err := p.err(); err != nil {
		fmt.Println("error:", err)
		return
	}
	result, _, _ := p.m.State().Result()
	for _, line := range converter.GetDefaultDataConverter().ToStrings(result) {
		fmt.Println("result:", line)
	}
}

// stage is the tb of an example.
type stage struct{ cleanups []func() }

func (*stage) Helper()                           {}
func (*stage) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (s *stage) Cleanup(f func())                { s.cleanups = append(s.cleanups, f) }

func (s *stage) close() {
	for len(s.cleanups) > 0 {
		f := s.cleanups[len(s.cleanups)-1]
		s.cleanups = s.cleanups[:len(s.cleanups)-1]
		f()
	}
}

// player is a run in a play.
type player struct {
	*harness
	others []any
}

func perform(t tb, fn any, others []any, input *common.Payloads) *player {
	p := &player{harness: newHarness(t, fn, nil), others: others}
	p.start.Input = input
	p.step()
	for !p.m.State().Closed() && p.next() {
	}
	return p
}

// next lets the next thing happen, and says whether there was any.
func (p *player) next() bool {
	s := p.m.State()
	if id, ok := first(s.Activities); ok {
		p.step(p.act(id, s.Activities[id].Scheduled))
		return true
	}
	if id, ok := first(s.Children); ok {
		c := s.Children[id].Initiated
		child := perform(p.tb, p.find(c.Type), p.others, c.Input)
		o := child.m.State().Outcome()
		o.Initiated, o.RunID = id, c.RunID
		p.step(&history.Message{ID: "closed", Child: o})
		return true
	}
	due := s.NextDeadline(s.Time)
	if due.IsZero() {
		return false
	}
	p.now = due
	p.step()
	return true
}

// first is the smallest key.
func first[V any](m map[int64]V) (id int64, ok bool) {
	if len(m) == 0 {
		return 0, false
	}
	return slices.Min(slices.Collect(maps.Keys(m))), true
}

func (p *player) find(name string) any {
	for _, fn := range p.others {
		if n, err := workflow.FunctionName(fn); err == nil && n == name {
			return fn
		}
	}
	panic("nobody plays " + name)
}

// act runs an activity.
func (p *player) act(id int64, a *history.ActivityTaskScheduled) *history.Message {
	fn := reflect.ValueOf(p.find(a.Type))
	in := []reflect.Value{reflect.ValueOf(context.Background())}
	var pointers []any
	for i := 1; i < fn.Type().NumIn(); i++ {
		v := reflect.New(fn.Type().In(i))
		in, pointers = append(in, v.Elem()), append(pointers, v.Interface())
	}
	if err := converter.GetDefaultDataConverter().FromPayloads(a.Input, pointers...); err != nil {
		panic(err)
	}
	out := fn.Call(in)
	r := &history.ActivityResult{Scheduled: id, Attempt: 1, Identity: "worker-1"}
	if err, _ := out[1].Interface().(error); err != nil {
		r.Failure = failureOf(err)
	} else {
		r.Result = payloads(p, out[0].Interface())
	}
	return &history.Message{ID: "1", Activity: r}
}
