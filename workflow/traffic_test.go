package workflow_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/millrace-dev/millrace/workflow"
)

// traffic is a random arrangement of coroutines that send and receive in all the ways there are.
type traffic struct {
	Sizes     []int
	Producers []producer
	Consumers []consumer
}

type producer struct {
	Way      string // of sending
	Channels []int  // a selector sends to whichever takes the value first
	Count    int
	Pause    bool
}

type consumer struct {
	Way      string
	Channels []int
	Pause    bool
}

func drawTraffic(t *rapid.T) traffic {
	sizes := rapid.SliceOfN(rapid.IntRange(0, 2), 1, 3).Draw(t, "sizes")
	channels := func(t *rapid.T) []int {
		return rapid.SliceOfNDistinct(rapid.IntRange(0, len(sizes)-1), 1, len(sizes), rapid.ID).Draw(t, "channels")
	}
	p := rapid.Custom(func(t *rapid.T) producer {
		return producer{rapid.SampledFrom([]string{"send", "async", "select"}).Draw(t, "way"), channels(t),
			rapid.IntRange(0, 4).Draw(t, "count"), rapid.Bool().Draw(t, "pause")}
	})
	c := rapid.Custom(func(t *rapid.T) consumer {
		return consumer{rapid.SampledFrom([]string{"receive", "timeout", "select"}).Draw(t, "way"), channels(t), rapid.Bool().Draw(t, "pause")}
	})
	tr := traffic{sizes, rapid.SliceOfN(p, 1, 4).Draw(t, "producers"), rapid.SliceOfN(c, 1, 4).Draw(t, "consumers")}
	// Each channel has a consumer of its own in the end, so that everything that is sent can arrive.
	for i := range sizes {
		tr.Consumers = append(tr.Consumers, consumer{Way: "receive", Channels: []int{i}})
	}
	return tr
}

// parcel says who sent it, its number, and by which channel it came.
type parcel struct{ Producer, Number, Channel int }

func (tr traffic) run(ctx workflow.Context) ([]parcel, error) {
	var got []parcel
	channels := make([]workflow.Channel, len(tr.Sizes))
	for i, size := range tr.Sizes {
		channels[i] = workflow.NewBufferedChannel(ctx, size)
	}
	producers, consumers := workflow.NewWaitGroup(ctx), workflow.NewWaitGroup(ctx)
	for _, c := range tr.Consumers {
		consumers.Go(ctx, func(ctx workflow.Context) {
			c.run(ctx, channels, func(p parcel) { got = append(got, p) })
		})
	}
	for i, p := range tr.Producers {
		producers.Go(ctx, func(ctx workflow.Context) { p.run(ctx, channels, i) })
	}
	producers.Wait(ctx)
	for _, c := range channels {
		c.Close()
	}
	consumers.Wait(ctx)
	return got, nil
}

func (p producer) run(ctx workflow.Context, channels []workflow.Channel, id int) {
	for n := range p.Count {
		v := parcel{Producer: id, Number: n}
		switch c := channels[p.Channels[0]]; p.Way {
		case "send":
			c.Send(ctx, v)
		case "async":
			for !c.SendAsync(v) {
				_ = workflow.Sleep(ctx, time.Second)
			}
		case "select":
			s := workflow.NewSelector(ctx)
			for _, i := range p.Channels {
				s.AddSend(channels[i], v, func() {})
			}
			s.Select(ctx)
		}
		if p.Pause {
			_ = workflow.Sleep(ctx, time.Second)
		}
	}
}

func (c consumer) run(ctx workflow.Context, channels []workflow.Channel, got func(parcel)) {
	open := len(c.Channels)
	s := workflow.NewSelector(ctx)
	for _, i := range c.Channels {
		s.AddReceive(channels[i], func(ch workflow.ReceiveChannel, more bool) {
			var v parcel
			if !more || !ch.Receive(ctx, &v) {
				open--
				return
			}
			v.Channel = i
			got(v)
		})
	}
	for open > 0 {
		v, i := parcel{}, c.Channels[0]
		ok, more := true, true
		switch c.Way {
		case "receive":
			more = channels[i].Receive(ctx, &v)
			ok = more
		case "timeout":
			ok, more = channels[i].ReceiveWithTimeout(ctx, time.Second, &v)
		case "select":
			s.Select(ctx)
			continue
		}
		if ok {
			v.Channel = i
			got(v)
		}
		if !more {
			return
		}
		if c.Pause {
			_ = workflow.Sleep(ctx, time.Second)
		}
	}
}

// Whatever the traffic, each value arrives exactly once, and the records replay.
func TestNothingIsLostOrDoubledInTraffic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		tr := drawTraffic(rt)
		s := &stage{}
		defer s.close()
		p := perform(s, tr.run, nil, nil)
		var got, want []parcel
		p.result(&got)
		for i, producer := range tr.Producers {
			for n := range producer.Count {
				want = append(want, parcel{Producer: i, Number: n})
			}
		}
		for i := range got {
			got[i].Channel = 0
		}
		slices.SortFunc(got, func(a, b parcel) int {
			return cmp.Or(cmp.Compare(a.Producer, b.Producer), cmp.Compare(a.Number, b.Number))
		})
		if d := gocmp.Diff(want, got); d != "" {
			rt.Fatalf("%+v: %s", tr, d)
		}
	})
}

// A selector that has taken one value, or sent its value once, is out of the other queues at once, even before it runs
// again.
func TestDecidedSelectorIsInNoQueue(t *testing.T) {
	t.Parallel()
	h := begin(t, func(ctx workflow.Context) (string, error) {
		var log []string
		a, b := workflow.NewChannel(ctx), workflow.NewChannel(ctx)
		workflow.Go(ctx, func(ctx workflow.Context) {
			workflow.NewSelector(ctx).
				AddReceive(a, func(workflow.ReceiveChannel, bool) { log = append(log, "received a") }).
				AddReceive(b, func(workflow.ReceiveChannel, bool) { log = append(log, "received b") }).
				Select(ctx)
		})
		c, d := workflow.NewChannel(ctx), workflow.NewChannel(ctx)
		workflow.Go(ctx, func(ctx workflow.Context) {
			workflow.NewSelector(ctx).
				AddSend(c, 1, func() { log = append(log, "sent c") }).
				AddSend(d, 1, func() { log = append(log, "sent d") }).
				Select(ctx)
		})
		_ = workflow.Sleep(ctx, time.Second)
		log = append(log, fmt.Sprint(b.SendAsync(1), a.SendAsync(1)),
			fmt.Sprint(d.ReceiveAsync(nil), c.Len(), c.ReceiveAsync(nil)))
		probe := workflow.NewSelector(ctx).AddSend(a, 2, func() {}).AddReceive(c, func(workflow.ReceiveChannel, bool) {})
		log = append(log, fmt.Sprint(probe.HasPending()))
		_ = workflow.Sleep(ctx, time.Second)
		return strings.Join(log, ", "), nil
	})
	h.advance(time.Second)
	h.advance(time.Second)
	wantResult(h, "true false, true 0 false, false, received b, sent d")
}

func TestDeterministicKeys(t *testing.T) {
	t.Parallel()
	m := map[string]int{"b": 1, "a": 2, "c": 3}
	down := func(a, b string) int { return cmp.Compare(b, a) }
	got := [][]string{workflow.DeterministicKeys(m), workflow.DeterministicKeysFunc(m, down)}
	if d := gocmp.Diff([][]string{{"a", "b", "c"}, {"c", "b", "a"}}, got); d != "" {
		t.Error(d)
	}
}
