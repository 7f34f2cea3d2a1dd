package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millrace-dev/millrace/integration/verify"
)

// fault is a kind of fault.
type fault interface {
	kind() verify.FaultKind
	// inject does it. It returns nil when there is nobody whom it could befall just now. What it did not get to do for
	// certain is an error, which ends the segment.
	inject(ctx context.Context, s *scene, r *rand.Rand) (*strike, error)
}

// strike is a fault that was done.
type strike struct {
	target string
	// pid is the process whose work it has to hit; 0 for servers, for whom everybody's requests wait.
	pid int
	// hit is what it hit in flight, empty for nothing.
	hit string
	// hold is for how long it is left so.
	hold time.Duration
	// heal ends it, and returns when whatever was taken away is there again.
	heal func(ctx context.Context) error
}

// scene is where faults happen.
type scene struct {
	fleet *fleet
	load  *load

	mu sync.Mutex // guards killed
	// killed counts the processes that were killed while they decided a run.
	killed map[string]int
}

// lane is a sequence of faults. What may not happen at the same time is in one lane.
type lane struct {
	faults []fault
	// mean is the mean time from the end of a fault to the beginning of the next, which is exponentially distributed.
	mean time.Duration
}

// storm runs lanes of faults side by side and writes down what it did.
type storm struct {
	scene *scene
	log   *verify.Faults
	seed  uint64
	// calm is the shortest time from the end of a fault to the next one of its lane.
	calm time.Duration
	last atomic.Int64

	mu   sync.Mutex // guards the rest
	done []verify.Fault
	hits map[verify.FaultKind]int
}

// healTimeout bounds the end of a fault: a server reads its streams first.
const healTimeout = 2 * time.Minute

// run injects faults until stop ends or ctx does, and heals what it did.
func (s *storm) run(ctx context.Context, stop <-chan struct{}, lanes []lane) error {
	var wg sync.WaitGroup
	errs := make([]error, len(lanes))
	for i, l := range lanes {
		wg.Go(func() { errs[i] = s.runLane(ctx, stop, uint64(i), l) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// runLane injects the faults of a lane in random order, each as often as the others.
func (s *storm) runLane(ctx context.Context, stop <-chan struct{}, number uint64, l lane) error {
	r := rand.New(rand.NewPCG(s.seed, number))
	next := time.NewTimer(0)
	defer next.Stop()
	pause := time.Duration(0) // the first one may come at once
	for {
		for _, i := range r.Perm(len(l.faults)) {
			// The seed gives each fault numbers of its own, so that one that found nobody changes nothing for the next.
			own := rand.New(rand.NewPCG(r.Uint64(), number))
			next.Reset(pause + min(time.Duration(r.ExpFloat64()*float64(l.mean)), 4*l.mean))
			pause = s.calm
			select {
			case <-ctx.Done():
				return nil
			case <-stop:
				return nil
			case <-next.C:
			}
			if err := s.one(ctx, l.faults[i], own); err != nil {
				return err
			}
		}
	}
}

// one does a fault and ends it.
func (s *storm) one(ctx context.Context, f fault, r *rand.Rand) error {
	done := verify.Fault{ID: strconv.FormatInt(s.last.Add(1), 10), Kind: f.kind(), Begun: verify.Now()}
	struck, err := f.inject(ctx, s.scene, r)
	if err != nil {
		return fmt.Errorf("%s: %w", f.kind(), err)
	}
	if struck == nil {
		return nil
	}
	done.Target, done.PID, done.Hit = struck.target, struck.pid, struck.hit
	s.note(done)
	if err := s.log.Append(done); err != nil {
		return err
	}
	hold := time.NewTimer(struck.hold)
	select {
	case <-ctx.Done():
	case <-hold.C:
	}
	hold.Stop()
	// The end belongs to the fault: it is not cut short when the segment is over.
	healing, cancel := context.WithTimeout(context.WithoutCancel(ctx), healTimeout)
	defer cancel()
	if err := struck.heal(healing); err != nil {
		return fmt.Errorf("end of %s: %w", f.kind(), err)
	}
	done.Ended = verify.Now()
	s.mu.Lock()
	s.done = append(s.done, done)
	s.mu.Unlock()
	return s.log.Append(done)
}

// note counts a fault that hit something.
func (s *storm) note(f verify.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Hit != "" {
		s.hits[f.Kind]++
	}
}

// lacks says whether fewer faults have hit something than are wanted.
func (s *storm) lacks(wanted map[verify.FaultKind]int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind, n := range wanted {
		if s.hits[kind] < n {
			return true
		}
	}
	return false
}

// conclude writes down when the system had recovered from each fault: when the last of those short runs had ended that
// were open when it happened.
func (s *storm) conclude() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scene.load.mu.Lock()
	short := s.scene.load.short
	s.scene.load.mu.Unlock()
	for i := range s.done {
		d := &s.done[i]
		for _, run := range short {
			if run.begun <= d.Begun && d.Begun < run.ended {
				d.Recovered = max(d.Recovered, run.ended)
			}
		}
		if err := s.log.Append(*d); err != nil {
			return err
		}
	}
	return nil
}
