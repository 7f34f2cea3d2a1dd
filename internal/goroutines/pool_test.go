package goroutines_test

import (
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/millrace-dev/millrace/internal/goroutines"
)

func TestAPoolRunsEverythingAndLeavesNothingBehind(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, keep := range []int{0, 1, 100} {
		p := goroutines.Pool{Keep: keep}
		var ran sync.WaitGroup
		for range 10 {
			for range 50 {
				ran.Add(1)
				p.Run(ran.Done)
			}
			ran.Wait()
		}
		p.Close()
		ran.Add(1)
		p.Run(ran.Done) // closed: it runs all the same
		ran.Wait()
	}
}

func TestAFunctionThatNeverReturnsKeepsNobodyWaiting(t *testing.T) {
	defer goleak.VerifyNone(t)
	p := goroutines.Pool{Keep: 4}
	end, ended := make(chan struct{}), make(chan struct{})
	p.Run(func() {
		defer close(ended)
		<-end
	})
	p.Close()
	close(end)
	<-ended
}
