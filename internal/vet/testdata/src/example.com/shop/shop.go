// Package shop has workflows.
package shop

import (
	"context"
	crand "crypto/rand"
	"maps"
	"math/rand"
	"os"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"example.com/clock"
	"github.com/millrace-dev/millrace/workflow"
)

func Time(ctx workflow.Context) {
	_ = time.Now()  // want `workflow code calls time.Now: use workflow.Now`
	time.Sleep(1)   // want `workflow code calls time.Sleep: use workflow.Sleep`
	<-time.After(1) // want `receives from a channel: use workflow.NewChannel` `calls time.After: use workflow.NewTimer`
	_ = time.Unix(0, 0)
	_ = workflow.Now(ctx)
	_ = time.Now() //millrace:allow for a log line
	//millrace:allow for a log line
	_ = time.Now()
	//millrace:allowed is something else
	_ = time.Now() // want `time.Now`
}

func Chance(workflow.Context) {
	_ = rand.Int() // want `calls rand.Int: use workflow.SideEffect, or workflow.GetRandomStream`
	_ = rand.New(rand.NewSource(1)).Int()
	_, _ = crand.Read(nil) // want `calls rand.Read`
	_ = runtime.NumCPU()   // want `calls runtime.NumCPU: do not let decisions depend on the process`
	_ = os.Getenv("A")     // want `calls os.Getenv: do it in an activity`
	_ = os.IsNotExist(nil)
}

func Goroutines(ctx workflow.Context, c chan int) {
	go func() {}() // want `starts a goroutine: use workflow.Go`
	select {       // want `has a select statement: use workflow.NewSelector`
	case <-c:
		_ = time.Now() // want `time.Now`
	default:
	}
	c <- 1        // want `sends on a channel`
	for range c { // want `ranges over a channel`
	}
	var mu sync.Mutex
	mu.Lock() // want `calls sync.Mutex.Lock: use workflow.NewMutex`
	var wg sync.WaitGroup
	wg.Wait() // want `calls sync.WaitGroup.Wait`
	workflow.Go(ctx, func(ctx workflow.Context) {
		_ = time.Now() // want `time.Now`
	})
	func() {
		_ = time.Now() // want `time.Now`
	}()
}

func HandedOver(ctx workflow.Context) {
	workflow.SideEffect(ctx, func(workflow.Context) any { return rand.Int() })
	workflow.ExecuteActivity(ctx, Charge, time.Now()) // want `time.Now`
	workflow.ExecuteLocalActivity(ctx, func() error { _, err := os.Open("x"); return err })
	workflow.ExecuteActivity(ctx, func(context.Context) { time.Sleep(1) })
	f := func(context.Context) { time.Sleep(1) }
	workflow.ExecuteActivity(ctx, f)
}

func Charge(context.Context) error { // want Charge:`calls os.Open`
	_, err := os.Open("x")
	return err
}

func Transitive(ctx workflow.Context, k *clock.Clock) {
	_ = clock.Stamp() // want `calls Stamp, which calls time.Now \(clock.go:10\): use workflow.Now`
	_ = clock.Later() // want `calls Later, which calls Stamp, which calls time.Now`
	_ = k.Fetch()     // want `calls Fetch, which calls http.Get`
	_ = k.Locked()
	_ = clock.Fixed()
	_ = clock.ForLogs()
	_ = Charge(nil) // want `calls Charge, which calls os.Open`
	_ = generic(1)  // want `calls generic, which calls time.Now`
	Time(ctx)       // reported where it is
	even(3)         // want `calls even, which calls odd, which calls time.Now`
}

func generic[T any](t T) T { // want generic:`calls time.Now`
	_ = time.Now()
	return t
}

func even(n int) bool { return n == 0 || odd(n-1) } // want even:`calls odd, which calls time.Now`

func odd(n int) bool { // want odd:`calls time.Now`
	_ = time.Now()
	return n != 0 && even(n-1)
}

type Flow struct{}

func (Flow) Run(ctx workflow.Context) { _ = time.Now() } // want `time.Now`

var Variable = func(ctx workflow.Context) { _ = time.Now() } // want `time.Now`

func register(func(workflow.Context)) {}

func Main() { // want Main:`calls time.Sleep`
	register(func(workflow.Context) { time.Sleep(1) }) // want `time.Sleep`
	time.Sleep(1)
}

func Maps(ctx workflow.Context, m map[string]int, other map[string]int) (string, int) {
	for k := range m { // want `ranges over a map, whose order differs each time: range over workflow.DeterministicKeys of the map`
		workflow.ExecuteActivity(ctx, Charge, k)
	}
	for range maps.Values(m) {
	}
	for v := range maps.Values(m) { // want `ranges over a map`
		workflow.ExecuteActivity(ctx, Charge, v)
	}
	var keys, unsorted []string
	for k := range m {
		keys = append(keys, strings.ToUpper(k))
	}
	sort.Strings(keys)
	for k := range m { // want `ranges over a map`
		unsorted = append(unsorted, k)
	}
	sum, best, concat, odd := 0, 0, "", false
	for k, v := range m {
		if v < 0 {
			continue
		}
		sum += v
		other[k] = v * 2
		half := v / 2
		if half > best {
			best = half
		}
		if v%2 == 1 {
			odd = true
		}
	}
	for k := range m { // want `ranges over a map`
		concat += k
	}
	for k, v := range m { // want `ranges over a map`
		other["last"], _ = v, k
	}
	for _, v := range m {
		if v == 7 {
			return "seven", 7
		}
	}
	for k, v := range m { // want `ranges over a map`
		if v == 7 {
			return k, v
		}
	}
	for _, k := range workflow.DeterministicKeys(m) {
		concat += k
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		concat += k
	}
	for k := range other {
		delete(other, k)
	}
	_ = odd
	return concat + strings.Join(unsorted, ""), sum + best
}

// Silent is allowed as a whole.
//
//millrace:allow it was checked by hand
func Silent(workflow.Context) { time.Sleep(1) }
