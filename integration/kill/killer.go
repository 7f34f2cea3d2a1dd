package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// kills counts them; those that hit had work in flight.
type kills struct {
	Workers, WorkersHit int
	Servers, ServersHit int
	// Last is when the last process was killed, Ready when everything that was killed had been started again.
	Last time.Time
}

// killers kill workers and the server side by side until they are told to stop.
type killers struct {
	fleet  *fleet
	driver *driver
	o      options

	mu    sync.Mutex // guards kills
	kills kills
	// enough is closed when the kills that hit are as many as were asked for.
	enough     chan struct{}
	enoughOnce sync.Once
}

func newKillers(f *fleet, d *driver, o options) *killers {
	k := &killers{fleet: f, driver: d, o: o, enough: make(chan struct{})}
	k.note(func(*kills) {})
	return k
}

// note changes the counts.
func (k *killers) note(change func(*kills)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.kills)
	if k.kills.WorkersHit >= k.o.workerKills && k.kills.ServersHit >= k.o.serverKills {
		k.enoughOnce.Do(func() { close(k.enough) })
	}
}

func (k *killers) counts() kills {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kills
}

// run kills until ctx ends, which is no error. What was killed is started again before it returns.
func (k *killers) run(ctx context.Context) error {
	var wg sync.WaitGroup
	errs := make([]error, 2)
	wg.Go(func() { errs[0] = k.runLoop(ctx, 1, k.o.workerEvery, k.o.workerKills, k.killWorker) })
	wg.Go(func() { errs[1] = k.runLoop(ctx, 2, k.o.serverEvery, k.o.serverKills, k.killServer) })
	wg.Wait()
	return errors.Join(errs...)
}

// runLoop kills at random intervals of half to one and a half times the mean, counted from kill to kill.
func (k *killers) runLoop(ctx context.Context, stream uint64, mean time.Duration, wanted int, kill func(*rand.Rand) error) error {
	if wanted == 0 {
		return nil
	}
	r := rand.New(rand.NewPCG(k.o.seed, stream))
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		next.Reset(mean/2 + time.Duration(r.Int64N(int64(mean))))
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		if err := kill(r); err != nil {
			return err
		}
	}
}

func (k *killers) killWorker(r *rand.Rand) error {
	at := time.Now()
	hit, err := k.fleet.killWorker(r.IntN(k.o.workers))
	if err != nil {
		return fmt.Errorf("kill a worker: %w", err)
	}
	k.note(func(c *kills) {
		c.Workers, c.Last = c.Workers+1, at
		if hit {
			c.WorkersHit++
		}
	})
	return nil
}

// restartTimeout bounds the server's way back; it reads its streams first.
const restartTimeout = time.Minute

func (k *killers) killServer(*rand.Rand) error {
	activities, err := k.fleet.activitiesInFlight()
	if err != nil {
		return fmt.Errorf("kill the server: %w", err)
	}
	open, waiting := k.driver.inFlight()
	at := time.Now()
	// The restart belongs to the kill: it is not cut short when the kills are over.
	ctx, cancel := context.WithTimeout(context.Background(), restartTimeout)
	defer cancel()
	if err := k.fleet.killServer(ctx); err != nil {
		return fmt.Errorf("kill the server: %w", err)
	}
	k.note(func(c *kills) {
		c.Servers++
		if at.After(c.Last) {
			c.Last = at
		}
		if open > 0 && waiting+activities > 0 {
			c.ServersHit++
		}
	})
	return nil
}
