package testsuite

import (
	"fmt"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/api/serviceerror"
	"github.com/millrace-dev/millrace/converter"
	"github.com/millrace-dev/millrace/internal/replay"
)

// strands keeps none of a machine's goroutines, and counts those in use: nobody tells an environment that its test is
// over, so it must not leave any behind.
type strands struct{ used int }

// Take makes a strand.
func (s *strands) Take() *replay.Strand {
	s.used++
	return replay.NewStrand()
}

// Put ends a strand.
func (s *strands) Put(strand *replay.Strand) {
	s.used--
	strand.End()
}

// release ends the coroutines that a run's code has left. A run without any keeps its machine, for queries.
func (r *run) release() {
	r.code.Lock()
	defer r.code.Unlock()
	if r.strands.used > 0 {
		r.machine.Destroy()
		r.released = true
	}
}

// query asks a run's code. One whose coroutines have been ended is replayed for it, as a worker does.
func (e *engine) query(r *run, queryType string, args []any) (converter.EncodedValue, error) {
	input, err := e.dataConverter.ToPayloads(args...)
	if err != nil {
		return nil, fmt.Errorf("query %q: encode arguments: %w", queryType, err)
	}
	result, err := r.query(queryType, input)
	if err != nil {
		return nil, serviceerror.NewQueryFailed(err.Error())
	}
	return converter.NewEncodedValue(result, e.dataConverter), nil
}

func (r *run) query(queryType string, input *common.Payloads) (*common.Payloads, error) {
	r.code.Lock()
	defer r.code.Unlock()
	m := r.machine
	if r.released || m.Ahead() {
		m = r.newMachine()
		defer m.Destroy()
		if err := r.replayOn(m); err != nil {
			return nil, err
		}
	}
	return m.Query(queryType, input)
}
