package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace-dev/millrace/api/failure"
	"github.com/millrace-dev/millrace/internal/history"
)

// An activity that ends its process (os.Exit, out of memory, a panic in a goroutine of its own) leaves no word, and the
// next worker would be ended as well. So after lives attempts in a row that were lost the next one begins with nothing
// else running in its process, and if that is lost, too, the task rests, longer each time, before it is tried again, alone.

const (
	// lives is how many attempts in a row may be lost beside other work.
	lives = 2
	// aloneWait is how long an attempt that is to run alone waits for what else runs in its process, aloneFor how long others
	// wait for it: what ends a process does so early.
	aloneWait = 5 * time.Second
	aloneFor  = 5 * time.Second
	// The rest after the first attempt that was lost alone, and the longest.
	minRest = 5 * time.Second
	maxRest = 5 * time.Minute
)

// afterLoss counts a lost attempt in the record of the one that follows, and says how long that has to rest. The failure
// of the lost one tells why.
func afterLoss(b *history.Beat, f *failure.Failure) (rest time.Duration) {
	b.Lost++
	b.Failure = f
	if !b.Alone {
		return 0
	}
	b.Alone = false
	b.Killed++
	rest = maxRest
	if shift := b.Killed - 1; shift < 6 {
		rest = min(minRest<<shift, maxRest)
	}
	f.Message = fmt.Sprintf("%s: %d attempts in a row ended the processes that made them, the last one with nothing else running in it; "+
		"the next one waits for %v", lostMessage, b.Lost, rest)
	return rest
}

// withdrawSuspicion is for an attempt of which there is word.
func withdrawSuspicion(b *history.Beat) { b.Lost, b.Killed, b.Alone = 0, 0, false }

// seclude has a suspected attempt begin with nothing else in its process. It belongs before the record is stored that the
// attempt leaves behind if it ends the process.
func (a *attempt) seclude(ctx context.Context) {
	if a.beat.Lost < lives {
		return
	}
	if a.alone = a.w.gate.Close(ctx, aloneWait); a.alone != nil {
		a.beat.Alone = a.alone.Alone()
	}
}
