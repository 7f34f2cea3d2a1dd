package coordinator

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/millrace-dev/millrace/internal/alone"
	"github.com/millrace-dev/millrace/internal/metrics"
	"github.com/millrace-dev/millrace/internal/replay"
	"github.com/millrace-dev/millrace/log"
)

// Config configures a Coordinator. Queue and Definition are required; every other zero field has a default.
type Config struct {
	// Queue is the task queue whose runs are served, Build the build of the code when it serves pinned runs.
	Queue string
	Build string
	// Definition finds the code of a workflow type, false when this process does not have it.
	Definition func(workflowType string) (replay.Body, bool)
	// MaxConcurrent bounds the messages held at once on each of the two lanes, starts and inbox. Default 1,000.
	MaxConcurrent int
	// AckWait is after how long the broker gives a silent process's messages to another. Default 5 s.
	AckWait time.Duration
	// DeadlockTimeout bounds one uninterrupted stretch of workflow code. Default 1 s; negative for none.
	DeadlockTimeout time.Duration
	// FailDiverged fails runs whose code decides something else than their history records, once there is something new for them.
	// Otherwise they wait for code that fits.
	FailDiverged bool
	// CacheSize bounds the number of runs kept live in memory. Default 2,000.
	CacheSize int
	// ArchiveSize bounds the memory in bytes for the records of open runs that left the cache, from which they are
	// replayed without reading them from the broker. Default 64 MiB; negative for none.
	ArchiveSize int
	// MaxAlarms bounds the number of runs whose deadlines are kept on time here, live or not; each takes about 300 bytes.
	// What is beyond it the broker's wake-ups are for. Default 200,000; negative for none.
	MaxAlarms int
	// MaxPayload bounds the size in bytes of one call's arguments or results. Default 512 KiB.
	MaxPayload int
	// MaxAside bounds what comes along with one call: header, memo, search attributes and texts. Default 192 KiB.
	MaxAside int
	// MaxFailure bounds the failure with which a run closes: what is longer is cut. Default 512 KiB.
	MaxFailure int
	// Payloads stores large payloads outside records. Nil: all stay in them.
	Payloads Payloads
	// MaxRecord is the size in bytes above which a transition's events are stored apart from it. Default 256 KiB.
	MaxRecord int
	// StopTimeout bounds how long Run waits, once told to stop, for what has begun. Default 10 s.
	StopTimeout time.Duration
	// Eager runs first attempts of activities in this process. Nil: all go to their task queues.
	Eager EagerRunner
	// MaxEager bounds the activities of one transition that Eager runs. 0: all that it takes.
	MaxEager int
	// Local runs local activities. Nil: runs whose code asks for them wait for another process.
	Local LocalRunner
	// Gate is passed by whatever this process runs that may end it: what is suspected of that runs alone. Local and Eager
	// pass the same. Nil: one of the coordinator's own.
	Gate *alone.Gate
	// Versions says for which runs of the queue this process decides. Nil: for all.
	Versions Versions
	// Stuck, if set, is called when a run is found not to go on: for its code, because it is quarantined, or because its
	// history is damaged. It must not block.
	Stuck func(Cause)
	// Metrics receives what runs and their code have to tell, with tags for namespace and queue. Nil: nothing is measured.
	Metrics metrics.Handler
	// Logger receives what goes wrong beyond one run. Default: none.
	Logger log.Logger
	// Jitter draws a duration that is at least zero and less than the one given: how long to wait after a lost race. Default
	// rand.N of math/rand/v2. It must be safe for concurrent use.
	Jitter func(time.Duration) time.Duration
	// Now is the clock that stamps transitions. Default time.Now.
	Now func() time.Time
}

// Cause is why a run does not go on.
type Cause string

// The causes.
const (
	CauseCode        Cause = "code"
	CauseQuarantined Cause = "quarantined"
	CauseDamaged     Cause = "damaged"
)

func (c Config) withDefaults() Config {
	setDefault(&c.MaxConcurrent, 1000)
	setDefault(&c.AckWait, 5*time.Second)
	setDefault(&c.DeadlockTimeout, time.Second)
	setDefault(&c.CacheSize, 2000)
	setDefault(&c.ArchiveSize, 64<<20)
	setDefault(&c.MaxAlarms, 200_000)
	setDefault(&c.MaxPayload, 512<<10)
	setDefault(&c.MaxAside, 192<<10)
	setDefault(&c.MaxFailure, 512<<10)
	setDefault(&c.MaxRecord, 256<<10)
	setDefault(&c.StopTimeout, 10*time.Second)
	if c.Gate == nil {
		c.Gate = &alone.Gate{}
	}
	if c.Stuck == nil {
		c.Stuck = func(Cause) {}
	}
	if c.Logger == nil {
		c.Logger = log.Discard{}
	}
	if c.Jitter == nil {
		c.Jitter = rand.N[time.Duration]
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

func (c Config) validate() error {
	switch {
	case c.Queue == "":
		return fmt.Errorf("coordinator: Config.Queue is empty: name the task queue to serve")
	case c.Definition == nil:
		return fmt.Errorf("coordinator: Config.Definition is nil: give a function that finds workflow code")
	case c.MaxConcurrent < 1:
		return fmt.Errorf("coordinator: Config.MaxConcurrent is %d: at least 1", c.MaxConcurrent)
	case c.AckWait < 100*time.Millisecond:
		return fmt.Errorf("coordinator: Config.AckWait is %v: at least 100ms", c.AckWait)
	case c.CacheSize < 1:
		return fmt.Errorf("coordinator: Config.CacheSize is %d: at least 1", c.CacheSize)
	}
	return nil
}
