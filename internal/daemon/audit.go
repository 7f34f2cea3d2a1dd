package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

// AuditConfig configures an Audit; every zero field has a default.
type AuditConfig struct {
	// Every is the pause between two looks. What is lost behind the last one may go unnoticed. Default 10 s.
	Every time.Duration
	// Logger is told what was lost. Default: nobody.
	Logger log.Logger
	// Lost, if set, is called with each loss that this process finds out about. It must not block.
	Lost func(streams.Loss)
	// Ready, if set, is called when the first look is over.
	Ready func()
}

// Audit compares what the broker stores with checkpoints of what it has stored: a server that lost power, or whose files
// were damaged, comes back with less and does not say so. It puts nothing right.
type Audit struct {
	ns  *streams.Namespace
	cfg AuditConfig
}

// NewAudit is the audit of a namespace, whose OnLoss it sets.
func NewAudit(ns *streams.Namespace, cfg AuditConfig) *Audit {
	if cfg.Every == 0 {
		cfg.Every = 10 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = log.Discard{}
	}
	ns.OnLoss(func(l streams.Loss) {
		cfg.Logger.Error("the broker has lost what it had acknowledged", "stream", l.Stream, "first", l.First, "last", l.Last, "missing", l.Missing, "server", l.Server)
		if cfg.Lost != nil {
			cfg.Lost(l)
		}
	})
	return &Audit{ns: ns, cfg: cfg}
}

// lastLook bounds the last look, when the audit has been told to end.
const lastLook = 2 * time.Second

// Run looks at once, then again and again, and a last time when ctx has ended.
func (a *Audit) Run(ctx context.Context) error {
	tick := time.NewTicker(a.cfg.Every)
	defer tick.Stop()
	for ready := a.cfg.Ready; ; {
		if err := a.look(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		if ready != nil {
			ready()
			ready = nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
			defer cancel()
			// The server may have ended already.
			_ = a.look(last)
			return nil
		}
	}
}

// look makes one look. A broker that does not answer is asked again the next time.
func (a *Audit) look(ctx context.Context) error {
	_, err := a.ns.Audit(ctx)
	if errors.Is(err, streams.ErrUnavailable) {
		a.cfg.Logger.Warn("histories not audited", "error", err)
		return nil
	}
	return err
}
