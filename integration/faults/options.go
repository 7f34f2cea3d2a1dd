package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// options say what is done.
type options struct {
	// soak goes on until it has taken that long, 0 does every segment once.
	soak time.Duration
	// only are the segments to play, by name, separated by commas; empty for all.
	only string
	seed uint64
	// dir is where evidence goes. What is green is removed, unless keep is set.
	dir  string
	keep bool
	// state is the file of the totals, to which this run adds; empty for none.
	state string
	// millrace is the command to run as daemon; empty to build it.
	millrace string
	// scale multiplies the lengths of the segments.
	scale float64
}

func parseOptions(args []string, out io.Writer) (options, error) {
	var o options
	minutes := 0.0
	f := flag.NewFlagSet("faults", flag.ContinueOnError)
	f.SetOutput(out)
	f.Float64Var(&minutes, "soak", 0, "go on for so many minutes; 0 plays every segment once")
	f.StringVar(&o.only, "only", "", "segments to play, separated by commas (default: all; an unknown name lists them)")
	f.Uint64Var(&o.seed, "seed", 0, "seed of faults and load; 0 means a random one")
	f.StringVar(&o.dir, "dir", "", "directory for evidence, which must not exist or be empty (default: a temporary one, removed when all is green)")
	f.BoolVar(&o.keep, "keep", false, "keep the evidence of green segments, too")
	f.StringVar(&o.state, "state", "", "file of totals to add to")
	f.StringVar(&o.millrace, "millrace", "", "millrace command to run as daemon (default: build it)")
	f.Float64Var(&o.scale, "scale", 1, "multiplies the lengths of segments")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.soak = time.Duration(minutes * float64(time.Minute))
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("argument %q is not understood: there are only flags, and the command report", f.Arg(0))
	case minutes < 0:
		return o, fmt.Errorf("-soak is %v, must be at least 0", minutes)
	case o.scale <= 0:
		return o, fmt.Errorf("-scale is %v, must be more than 0", o.scale)
	}
	return o, nil
}
