package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// options say how much work is done and how much of it is disturbed.
type options struct {
	seed uint64
	// runs is the number of one-activity runs at least, sequences that of runs of steps activities one after another.
	runs, sequences, steps int
	// concurrency and parallel are how many of the two kinds are open at a time.
	concurrency, parallel int
	workers               int
	// workerKills and serverKills are how many kills have to hit work in flight. Runs are added until they have.
	workerKills, serverKills int
	workerEvery, serverEvery time.Duration
	// activity is how long an activity works.
	activity time.Duration
	// settle is how long after the last kill everything may take to end.
	settle time.Duration
	// limit bounds the time of the kills.
	limit time.Duration
	// dir is where data, ledgers and logs go; empty means a new directory that is removed after success.
	dir string
}

func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("kill", flag.ContinueOnError)
	f.SetOutput(out)
	f.Uint64Var(&o.seed, "seed", 0, "seed of the kills; 0 means a random one")
	f.IntVar(&o.runs, "runs", 5000, "one-activity runs; more are added until there were enough kills")
	f.IntVar(&o.sequences, "sequences", 200, "runs of sequential activities")
	f.IntVar(&o.steps, "steps", 50, "activities of each of them")
	f.IntVar(&o.concurrency, "concurrency", 48, "one-activity runs open at a time")
	f.IntVar(&o.parallel, "parallel", 40, "runs of sequential activities open at a time")
	f.IntVar(&o.workers, "workers", 4, "worker processes")
	f.IntVar(&o.workerKills, "worker-kills", 200, "workers to kill with an activity in flight, at least")
	f.IntVar(&o.serverKills, "server-kills", 20, "servers to kill with requests or activities in flight, at least")
	f.DurationVar(&o.workerEvery, "worker-every", 300*time.Millisecond, "mean time between two kills of workers")
	f.DurationVar(&o.serverEvery, "server-every", 2*time.Second, "mean time between two kills of the server")
	f.DurationVar(&o.activity, "activity", 20*time.Millisecond, "how long an activity works")
	f.DurationVar(&o.settle, "settle", time.Minute, "how long after the last kill everything may take to end")
	f.DurationVar(&o.limit, "limit", 15*time.Minute, "give up when there were not enough kills after this time")
	f.StringVar(&o.dir, "dir", "", "keep data, ledgers and logs in this directory, which must not exist or be empty (default: a temporary one, removed after success)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	return o, o.validate()
}

func (o options) validate() error {
	for _, n := range []struct {
		flag       string
		value, min int
	}{
		{"runs", o.runs, 1}, {"sequences", o.sequences, 0}, {"steps", o.steps, 1}, {"concurrency", o.concurrency, 1},
		{"parallel", o.parallel, 1}, {"workers", o.workers, 1}, {"worker-kills", o.workerKills, 0}, {"server-kills", o.serverKills, 0},
	} {
		if n.value < n.min {
			return fmt.Errorf("-%s is %d, must be at least %d", n.flag, n.value, n.min)
		}
	}
	for _, d := range []struct {
		flag       string
		value, min time.Duration
	}{
		{"worker-every", o.workerEvery, time.Millisecond}, {"server-every", o.serverEvery, time.Millisecond},
		{"activity", o.activity, 0}, {"settle", o.settle, time.Second}, {"limit", o.limit, time.Second},
	} {
		if d.value < d.min {
			return fmt.Errorf("-%s is %v, must be at least %v", d.flag, d.value, d.min)
		}
	}
	return nil
}
