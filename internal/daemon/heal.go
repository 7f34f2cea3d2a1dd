package daemon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

// HealerConfig configures a Healer; every zero field has a default.
type HealerConfig struct {
	// Every is how often streams and consumers are looked at. Default 5 s.
	Every time.Duration
	// StallAfter is for how long a consumer may deliver nothing of what waits to those who wait for it, before something is
	// done about it. Default 30 s. A third of it passes before the next, stronger measure.
	StallAfter time.Duration
	// ScanEvery is the pause between two looks at what the open runs wait for. Default 1 minute.
	ScanEvery time.Duration
	// Age is how long ago a run's last transition must be before anything is taken to be lost: until then those who made it
	// are sending what it asks for. Default 10 s.
	Age time.Duration
	// Rate bounds the runs that are looked at in a second; after a stream was created again, or when a look at all has lasted for
	// longer than ScanEvery, ten times as many. Default 200.
	Rate float64
	// Logger is told what was healed. Default: nobody.
	Logger log.Logger
	// Healed, if set, is called after each measure. It must not block.
	Healed func(Healing)
	// Ready, if set, is called when the healer works.
	Ready func()
}

func (c HealerConfig) withDefaults() HealerConfig {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Every, 5 * time.Second}, {&c.StallAfter, 30 * time.Second}, {&c.ScanEvery, time.Minute}, {&c.Age, 10 * time.Second}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Rate == 0 {
		c.Rate = 200
	}
	if c.Logger == nil {
		c.Logger = log.Discard{}
	}
	if c.Healed == nil {
		c.Healed = func(Healing) {}
	}
	return c
}

// Healing is one thing that was put right.
type Healing struct {
	// Measure is "create stream", "step down consumer", "reset consumer", "recreate consumer", "send task", "arm wake-up",
	// "request cancel" or "repeat message".
	Measure string
	// Object is the stream, STREAM/CONSUMER or run, with what of it.
	Object string
}

// Healer puts right what the protocol does not need while nothing is lost: it creates disposable streams again that were
// deleted, sends what histories ask for and nobody will send, and revives consumers that deliver nothing. Any number of
// daemons may heal one namespace.
type Healer struct {
	ns     *streams.Namespace
	cfg    HealerConfig
	repair *Repair
	limit  *rate.Limiter
	mu     sync.Mutex // guards noted
	// noted is what was healed and is not yet stored, by measure.
	noted map[string]streams.Healed
	// restored tells the scan which streams were created again; it holds one set of names.
	restored chan map[string]bool
}

// NewHealer makes the healer of a namespace. Nothing happens until Run.
func NewHealer(ns *streams.Namespace, cfg HealerConfig) *Healer {
	cfg = cfg.withDefaults()
	return &Healer{ns: ns, cfg: cfg, repair: NewRepair(ns), limit: rate.NewLimiter(rate.Limit(cfg.Rate), 1),
		noted: map[string]streams.Healed{}, restored: make(chan map[string]bool, 1)}
}

// Run heals until ctx ends, and returns nil then. A broker that does not answer is waited for.
func (h *Healer) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { h.runWatch(ctx) })
	loops.Go(func() { h.runScan(ctx) })
	if h.cfg.Ready != nil {
		h.cfg.Ready()
	}
	loops.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	h.store(last)
	return nil
}

// store adds what was healed to what is stored about that. What cannot be stored is stored the next time.
func (h *Healer) store(ctx context.Context) {
	h.mu.Lock()
	noted := h.noted
	h.noted = map[string]streams.Healed{}
	h.mu.Unlock()
	if len(noted) == 0 {
		return
	}
	if err := h.ns.NoteHealed(ctx, noted); err != nil {
		h.failed(ctx, "note", err)
		for measure, n := range noted {
			h.note(measure, n)
		}
	}
}

func (h *Healer) note(measure string, n streams.Healed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noted[measure] = h.noted[measure].Plus(n)
}

// healed tells of a measure.
func (h *Healer) healed(measure, object string, kv ...any) {
	h.cfg.Logger.Warn("healed: "+measure, append([]any{"object", object}, kv...)...)
	h.note(measure, streams.Healed{Count: 1, Last: time.Now().UTC(), Object: object})
	h.cfg.Healed(Healing{Measure: measure, Object: object})
}

// failed tells of an attempt that failed, which is repeated.
func (h *Healer) failed(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		h.cfg.Logger.Warn("not healed: "+what, "error", err)
	}
}

// runWatch looks at streams and consumers.
func (h *Healer) runWatch(ctx context.Context) {
	tick := time.NewTicker(h.cfg.Every)
	defer tick.Stop()
	stalls := map[string]*stall{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := h.restore(ctx); err != nil {
			h.failed(ctx, "streams", err)
		}
		if err := h.revive(ctx, stalls, time.Now()); err != nil {
			h.failed(ctx, "consumers", err)
		}
		h.store(ctx)
	}
}

// restore creates streams again, and has the scan fill them.
func (h *Healer) restore(ctx context.Context) error {
	names, err := h.ns.Restore(ctx)
	if len(names) == 0 {
		return err
	}
	all := map[string]bool{}
	select {
	case all = <-h.restored: // not begun yet: it is to be one scan
	default:
	}
	for _, name := range names {
		all[name] = true
		h.healed("create stream", name)
	}
	h.restored <- all
	return err
}

// stall is a consumer of which messages are wanted.
type stall struct {
	delivered uint64
	since     time.Time
	// wanted is set when somebody was seen waiting.
	wanted bool
	steps  int
}

// revive looks for consumers that have messages and pulls, and bring them together no more. The number of what waits is an
// estimate and may be wrong; each measure is harmless, because receivers check what they get.
func (h *Healer) revive(ctx context.Context, stalls map[string]*stall, now time.Time) error {
	states, err := h.ns.Consumers(ctx)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	var errs []error
	for _, c := range states {
		key := c.Stream + "/" + c.Name
		seen[key] = true
		s := stalls[key]
		if s == nil || c.Pending == 0 || c.Delivered != s.delivered {
			stalls[key] = &stall{delivered: c.Delivered, since: now}
			continue
		}
		s.wanted = s.wanted || c.Waiting > 0
		patience := h.cfg.StallAfter
		if s.steps > 0 {
			patience /= 3
		}
		if !s.wanted || now.Sub(s.since) < patience {
			continue
		}
		errs = append(errs, h.step(ctx, c, s))
		s.since, s.wanted = now, false
	}
	for key := range stalls {
		if !seen[key] {
			delete(stalls, key)
		}
	}
	return errors.Join(errs...)
}

// step takes the next measure for a consumer that is stuck.
func (h *Healer) step(ctx context.Context, c streams.ConsumerState, s *stall) error {
	measures := []struct {
		name string
		do   func(context.Context, streams.ConsumerState) error
	}{{"step down consumer", h.ns.StepDown}, {"reset consumer", h.ns.Reset}, {"recreate consumer", h.ns.Recreate}}
	if s.steps == 0 && !c.Replicated {
		s.steps++ // nobody else could lead it
	}
	m := measures[min(s.steps, len(measures)-1)]
	s.steps++
	if err := m.do(ctx, c); err != nil {
		return fmt.Errorf("%s: %w", m.name, err)
	}
	kv := []any{"pending", c.Pending, "waiting", c.Waiting}
	if c.Paused {
		kv = append(kv, "pausedFor", c.PauseRemaining)
	}
	h.healed(m.name, c.Stream+"/"+c.Name, kv...)
	return nil
}

// holds says whether a stream of that kind is among names.
func holds(names map[string]bool, kind string) bool {
	for name := range names {
		if strings.HasSuffix(name, "_"+kind) {
			return true
		}
	}
	return false
}
