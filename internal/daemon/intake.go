package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/log"
	"github.com/millrace-dev/millrace/streams"
)

const (
	// intakeBatch is how many messages are taken at a time, intakeParallel how many workflow IDs are worked on at once.
	intakeBatch    = 64
	intakeParallel = 16
	// orderTimeout bounds the work for one message. It is less than the time after which the broker delivers it again.
	orderTimeout = 20 * time.Second
	maxDelay     = time.Minute
)

// Broker is what Intake needs of a namespace. *streams.Namespace is one.
type Broker interface {
	streams.Starter
	Intake(ctx context.Context) (streams.IntakeConsumer, error)
	ServeIntake(handle func(ctx context.Context, m *streams.IntakeMessage) []byte) (stop func(), err error)
	PutDeadLetter(ctx context.Context, d streams.DeadLetter) error
}

// IntakeConfig configures an Intake; its zero value works.
type IntakeConfig struct {
	// Identity signs the starts and signals. Default "intake".
	Identity string
	// Logger receives what was refused. Default: none.
	Logger log.Logger
	// Ready, when set, is called once, when requests are answered and messages taken. It must not block.
	Ready func()
}

// Intake turns what anyone sent to a namespace's intake into starts and signals.
type Intake struct {
	broker Broker
	config IntakeConfig
}

// NewIntake is the intake of a namespace; it does nothing before Run.
func NewIntake(b Broker, c IntakeConfig) *Intake {
	if c.Identity == "" {
		c.Identity = "intake"
	}
	if c.Logger == nil {
		c.Logger = log.Discard{}
	}
	return &Intake{broker: b, config: c}
}

// Run works until ctx ends, finishes what it has begun and returns nil. It returns early only when the intake cannot be
// opened or used.
func (i *Intake) Run(ctx context.Context) (err error) {
	consumer, err := i.broker.Intake(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, consumer.Close()) }()
	stop, err := i.broker.ServeIntake(i.answer)
	if err != nil {
		return err
	}
	defer stop()
	if i.config.Ready != nil {
		i.config.Ready()
	}
	for {
		messages, err := consumer.Pull(ctx, intakeBatch)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("take from intake: %w", err)
		}
		// What was taken is finished, each message within its time-out.
		i.handleAll(context.WithoutCancel(ctx), messages)
	}
}

// handleAll works on the workflow IDs side by side and on the messages for each in their order.
func (i *Intake) handleAll(ctx context.Context, messages []*streams.IntakeMessage) {
	var order []string
	groups := map[string][]*streams.IntakeMessage{}
	for _, m := range messages {
		key := groupKey(m)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], m)
	}
	slots := make(chan struct{}, intakeParallel)
	var wg sync.WaitGroup
	for _, key := range order {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			i.handleGroup(ctx, groups[key])
		})
	}
	wg.Wait()
}

// groupKey is the workflow ID, or for a message that names none its own identity.
func groupKey(m *streams.IntakeMessage) string {
	if o, refused := read(m, m.Published); refused == nil && o.workflowID != "" {
		return "w" + o.workflowID
	}
	return "m" + m.Key
}

// handleGroup stops at the first message that the broker gives no answer for: what follows must not overtake it.
func (i *Intake) handleGroup(ctx context.Context, messages []*streams.IntakeMessage) {
	for n, m := range messages {
		err := i.handle(ctx, m)
		if err == nil {
			continue
		}
		delay := min(time.Second<<min(m.Deliveries-1, 10), maxDelay)
		i.config.Logger.Warn("intake message is handed back", "subject", m.Subject, "delay", delay, "error", err)
		for _, back := range messages[n:] {
			if err := back.Nak(delay); err != nil {
				i.config.Logger.Warn("hand back intake message", "subject", back.Subject, "error", err)
			}
		}
		return
	}
}

// handle ends a message: by its effect or as a dead letter. An error means that it has to be delivered again.
func (i *Intake) handle(ctx context.Context, m *streams.IntakeMessage) error {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	run, refused := i.carryOut(ctx, m)
	if refused != nil && refused.Code == codeUnavailable {
		return errors.New(refused.Message)
	}
	if refused != nil {
		i.config.Logger.Warn("intake message is refused", "subject", m.Subject, "reason", refused.Message)
		letter := streams.DeadLetter{
			ID: "intake-" + m.Key, Reason: refused.Message, Subject: m.Subject,
			Run: history.Run{WorkflowID: refused.WorkflowID}, Headers: m.Headers, Data: m.Data,
		}
		if err := i.broker.PutDeadLetter(ctx, letter); err != nil {
			return err
		}
	} else {
		i.config.Logger.Debug("intake message is carried out", "subject", m.Subject, "run", run)
	}
	// Unconfirmed: a message that is delivered again has no second effect.
	return m.Ack(ctx)
}

// answer carries a request out and says what became of it.
func (i *Intake) answer(ctx context.Context, m *streams.IntakeMessage) []byte {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	run, refused := i.carryOut(ctx, m)
	r := reply{WorkflowID: run.WorkflowID, RunID: run.RunID, Error: refused}
	data, err := json.Marshal(r)
	if err != nil {
		i.config.Logger.Error("encode reply", "subject", m.Subject, "error", err)
		return nil
	}
	return data
}

// carryOut does what a message asks for and returns the run that it concerns, or says why not.
func (i *Intake) carryOut(ctx context.Context, m *streams.IntakeMessage) (history.Run, *refusal) {
	o, refused := read(m, time.Now())
	if refused != nil {
		return history.Run{}, refused
	}
	var run history.Run
	var err error
	if o.verb == verbStart {
		run, err = i.startRun(ctx, o, m.Published)
	} else {
		run, err = i.signalRun(ctx, o)
	}
	if err != nil {
		return history.Run{}, refusalOf(err, o)
	}
	return run, nil
}

func (i *Intake) startRun(ctx context.Context, o *order, at time.Time) (history.Run, error) {
	address, err := streams.StartRun(ctx, i.broker, streams.StartRequest{Start: o.start(at, i.config.Identity)})
	return address.Run, err
}

// signalRun signals the newest run of the workflow ID. A run that closed in favour of a successor passes signals on.
func (i *Intake) signalRun(ctx context.Context, o *order) (history.Run, error) {
	last, _, err := streams.LastRun(ctx, i.broker, o.workflowID, 0)
	if err != nil {
		return history.Run{}, err
	}
	closed, err := streams.RunClosed(ctx, i.broker, last.Run.Run)
	if err != nil {
		return history.Run{}, err
	}
	if closed != nil && closed.Successor == "" {
		return history.Run{}, fmt.Errorf("its last run %s is closed as %s: %w", last.Run.RunID, closed.Status, streams.ErrNotFound)
	}
	return last.Run.Run, i.broker.Send(ctx, last.Run, o.signal(i.config.Identity))
}

// refusalOf puts an error into the words of the protocol. What is not known to be final is worth another try.
func refusalOf(err error, o *order) *refusal {
	var already *streams.AlreadyStartedError
	switch {
	case errors.As(err, &already):
		return &refusal{
			Code: codeAlreadyStarted, WorkflowID: o.workflowID, RunID: already.Run.RunID,
			Message: fmt.Sprintf("workflow %s has an open run, %s: wait for its end, or choose another workflow ID", o.workflowID, already.Run.RunID),
		}
	case errors.Is(err, streams.ErrNotFound):
		return &refusal{
			Code: codeNotFound, WorkflowID: o.workflowID,
			Message: fmt.Sprintf("workflow %s has no open run to signal: start it first (%v)", o.workflowID, err),
		}
	case errors.Is(err, streams.ErrInvalid), errors.Is(err, streams.ErrTooLarge):
		r := invalid("%v", err)
		r.WorkflowID = o.workflowID
		return r
	}
	return &refusal{Code: codeUnavailable, WorkflowID: o.workflowID, Message: err.Error()}
}
