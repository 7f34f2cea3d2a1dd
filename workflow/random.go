package workflow

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// WorkflowRandomStream is a source of pseudorandom numbers that are the same each time the code runs. Drawing by Read and
// by Uint64 from one stream gives no fixed order of bits between the two: use a stream for each.
type WorkflowRandomStream interface {
	// Uint64 makes it a rand.Source of math/rand/v2.
	rand.Source
	// Read fills p. It never fails.
	Read(p []byte) (n int, err error)
}

// GetRandomStream returns the run's stream of the given name: the same stream each time, which goes on where it was left.
// Runs differ, a run that continues another among them. Nothing is recorded: code that runs again must draw the same in
// the same order.
func GetRandomStream(ctx Context, name string) WorkflowRandomStream {
	r := runOf(ctx)
	r.guard("GetRandomStream")
	s, ok := r.random[name]
	if !ok {
		s = &randomStream{run: r, source: rand.NewChaCha8(seed(r.start().Run.RunID, name))}
		if r.random == nil {
			r.random = map[string]*randomStream{}
		}
		r.random[name] = s
	}
	return s
}

// seed tells apart the streams of all runs: no pair of texts runs into another.
func seed(runID, name string) [32]byte {
	b := binary.AppendUvarint(nil, uint64(len(runID)))
	return sha256.Sum256(append(append(b, runID...), name...))
}

type randomStream struct {
	run    *run
	source *rand.ChaCha8
}

func (s *randomStream) Uint64() uint64 {
	s.run.guard("WorkflowRandomStream.Uint64")
	return s.source.Uint64()
}

func (s *randomStream) Read(p []byte) (int, error) {
	s.run.guard("WorkflowRandomStream.Read")
	return s.source.Read(p)
}
