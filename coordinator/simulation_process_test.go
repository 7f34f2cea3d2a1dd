package coordinator_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
	"github.com/millrace-dev/millrace/streams/streamstest"
)

// process is the model as one process sees it: every call takes time, the process can freeze, and at a random call it
// dies, after which nothing that it does reaches the broker. Everything is drawn from the seed, the process, the
// operation, the run and how often it was called for that run, so that a seed repeats what scheduling does not change.
type process struct {
	*streamstest.Model
	sim  *simulation
	name string
	// died is closed at death.
	died chan struct{}

	// mu guards the rest.
	mu    sync.Mutex
	calls map[processCall]int
	// lives is the number of calls until death, negative for never.
	lives  int
	dead   bool
	thawed time.Time
}

// processCall is what a process counts its calls by.
type processCall struct {
	op  string
	run history.Run
}

func (s *simulation) newProcess(name string, lives int) *process {
	return &process{Model: s.model, sim: s, name: name, lives: lives, died: make(chan struct{}), calls: map[processCall]int{}}
}

func unavailable(op string) error {
	return fmt.Errorf("%s: process is dead: %w", op, streams.ErrUnavailable)
}

// die ends the process as SIGKILL does.
func (p *process) die() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dieLocked()
}

func (p *process) dieLocked() {
	if !p.dead {
		p.dead = true
		close(p.died)
	}
}

// freeze stops the process, as SIGSTOP does, for d.
func (p *process) freeze(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thawed = time.Now().Add(d)
}

// call is what every call suffers before it reaches the broker. After it the call is made, unless err says that the process is
// dead; last says that the process dies before it hears the answer.
func (p *process) call(op string, run history.Run) (last bool, err error) {
	p.mu.Lock()
	key := processCall{op, run}
	p.calls[key]++
	h := p.sim.hash(p.name, op, run.WorkflowID, run.RunID, strconv.Itoa(p.calls[key]))
	delay := p.sim.latency(h)
	if op == "KeepAlive" {
		delay = 0 // they are sent in no order
	}
	if frozen := time.Until(p.thawed); frozen > 0 {
		delay += frozen
	}
	dead := p.dead
	p.mu.Unlock()
	if dead {
		return false, unavailable(op)
	}
	time.Sleep(delay)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dead {
		return false, unavailable(op)
	}
	if p.lives > 0 {
		if p.lives--; p.lives == 0 {
			p.dieLocked()
			if h>>40&1 == 0 {
				return false, unavailable(op)
			}
			return true, nil
		}
	}
	return false, nil
}

// do makes one call.
func (p *process) do(op string, run history.Run, f func() error) error {
	last, err := p.call(op, run)
	if err != nil {
		return err
	}
	err = f()
	p.sim.traced(p.name, op, run, err)
	if last {
		return unavailable(op)
	}
	return err
}

func (p *process) Append(ctx context.Context, run history.Run, data []byte, info streams.RecordInfo, expected uint64) (seq uint64, err error) {
	err = p.do("Append", run, func() (err error) {
		seq, err = p.Model.Append(ctx, run, data, info, expected)
		if err == nil {
			p.sim.appended(run, data)
		}
		return err
	})
	return seq, err
}

func (p *process) Tail(ctx context.Context, run history.Run) (r *streams.Record, err error) {
	err = p.do("Tail", run, func() (err error) { r, err = p.Model.Tail(ctx, run); return err })
	return r, err
}

func (p *process) Load(ctx context.Context, run history.Run, after uint64) (l *streams.Loaded, err error) {
	err = p.do("Load", run, func() (err error) { l, err = p.Model.Load(ctx, run, after); return err })
	return l, err
}

func (p *process) PutBody(ctx context.Context, run history.Run, commit string, data []byte) (ref *history.BodyRef, err error) {
	err = p.do("PutBody", run, func() (err error) { ref, err = p.Model.PutBody(ctx, run, commit, data); return err })
	return ref, err
}

func (p *process) GetBody(ctx context.Context, run history.Run, ref *history.BodyRef) (data []byte, err error) {
	err = p.do("GetBody", run, func() (err error) { data, err = p.Model.GetBody(ctx, run, ref); return err })
	return data, err
}

func (p *process) PublishStart(ctx context.Context, run history.Address, data []byte, info streams.StartInfo, expected uint64) (seq uint64, err error) {
	err = p.do("PublishStart", run.Run, func() (err error) {
		seq, err = p.Model.PublishStart(ctx, run, data, info, expected)
		return err
	})
	return seq, err
}

func (p *process) LastStart(ctx context.Context, id string) (s *streams.StoredStart, err error) {
	err = p.do("LastStart", history.Run{WorkflowID: id}, func() (err error) { s, err = p.Model.LastStart(ctx, id); return err })
	return s, err
}

func (p *process) FindStart(ctx context.Context, run history.Run) (s *streams.StoredStart, err error) {
	err = p.do("FindStart", run, func() (err error) { s, err = p.Model.FindStart(ctx, run); return err })
	return s, err
}

func (p *process) StartAt(ctx context.Context, id string, seq uint64) (s *streams.StoredStart, err error) {
	err = p.do("StartAt", history.Run{WorkflowID: id}, func() (err error) { s, err = p.Model.StartAt(ctx, id, seq); return err })
	return s, err
}

func (p *process) Send(ctx context.Context, to history.Address, m *history.Message) error {
	return p.do("Send "+string(m.Source()), to.Run, func() error { return p.Model.Send(ctx, to, m) })
}

func (p *process) ReadInbox(ctx context.Context, run history.Address, source history.Source, limit int) (w []streams.Waiting, err error) {
	err = p.do("ReadInbox "+string(source), run.Run, func() (err error) { w, err = p.Model.ReadInbox(ctx, run, source, limit); return err })
	return w, err
}

func (p *process) ReadInboxAfter(ctx context.Context, run history.Address, source history.Source, after uint64, limit int) (w []streams.Waiting, err error) {
	err = p.do("ReadInbox "+string(source), run.Run, func() (err error) {
		w, err = p.Model.ReadInboxAfter(ctx, run, source, after, limit)
		return err
	})
	return w, err
}

func (p *process) ArmWakeUp(ctx context.Context, run history.Address, due time.Time) error {
	return p.do("ArmWakeUp", run.Run, func() error { return p.Model.ArmWakeUp(ctx, run, due) })
}

func (p *process) PutDeadLetter(ctx context.Context, d streams.DeadLetter) error {
	return p.do("PutDeadLetter", d.Run, func() error { return p.Model.PutDeadLetter(ctx, d) })
}

func (p *process) PublishTask(ctx context.Context, ref streams.TaskRef, data []byte) (stored bool, err error) {
	late := p.sim.resultAge(ref) // at the decision to send: what happens on the way is the zombie's excuse
	err = p.do(fmt.Sprint("PublishTask ", ref.Activity), ref.Run, func() (err error) {
		stored, err = p.Model.PublishTask(ctx, ref, data)
		return err
	})
	if stored && late > maxStall {
		p.sim.violation("%s: task of activity %d of run %s was published %v after its result", p.name, ref.Activity, ref.Run, late)
	}
	return stored, err
}

func (p *process) WithdrawTask(ctx context.Context, ref streams.TaskRef) error {
	return p.do(fmt.Sprint("WithdrawTask ", ref.Activity), ref.Run, func() error { return p.Model.WithdrawTask(ctx, ref) })
}

func (p *process) RequestCancel(ctx context.Context, run history.Run, activity int64) error {
	return p.do(fmt.Sprint("RequestCancel ", activity), run, func() error { return p.Model.RequestCancel(ctx, run, activity) })
}

func (p *process) PutControl(ctx context.Context, run history.Run, activity, event int64) error {
	return p.do(fmt.Sprint("PutControl ", activity), run, func() error { return p.Model.PutControl(ctx, run, activity, event) })
}

func (p *process) Asked(ctx context.Context, run history.Run, activity int64) (asked streams.Asked, err error) {
	err = p.do(fmt.Sprint("Asked ", activity), run, func() (err error) { asked, err = p.Model.Asked(ctx, run, activity); return err })
	return asked, err
}

func (p *process) FindTask(ctx context.Context, ref streams.TaskRef) (task *streams.QueuedTask, err error) {
	err = p.do(fmt.Sprint("FindTask ", ref.Activity), ref.Run, func() (err error) { task, err = p.Model.FindTask(ctx, ref); return err })
	return task, err
}

func (p *process) RemoveTask(ctx context.Context, ref streams.TaskRef, seq uint64) error {
	return p.do(fmt.Sprint("RemoveTask ", ref.Activity), ref.Run, func() error { return p.Model.RemoveTask(ctx, ref, seq) })
}

func (p *process) GetBeat(ctx context.Context, run history.Run, activity int64) (data []byte, seq uint64, err error) {
	err = p.do("GetBeat", run, func() (err error) { data, seq, err = p.Model.GetBeat(ctx, run, activity); return err })
	return data, seq, err
}

func (p *process) PutBeat(ctx context.Context, run history.Run, activity int64, data []byte, after uint64) (seq uint64, err error) {
	err = p.do("PutBeat", run, func() (err error) { seq, err = p.Model.PutBeat(ctx, run, activity, data, after); return err })
	return seq, err
}

func (p *process) PutNote(ctx context.Context, run history.Run, data []byte) error {
	return p.do("PutNote", run, func() error { return p.Model.PutNote(ctx, run, data) })
}

func (p *process) DeleteBeats(ctx context.Context, run history.Run, activity int64) error {
	return p.do("DeleteBeats", run, func() error { return p.Model.DeleteBeats(ctx, run, activity) })
}

func (p *process) Consume(ctx context.Context, lane streams.Lane, queue, build string, o streams.ConsumeOptions) (streams.Consumer, error) {
	c, err := p.Model.Consume(ctx, lane, queue, build, o)
	if err != nil {
		return nil, err
	}
	// Processes that begin at one instant come to the queue for deliveries one after the other.
	time.Sleep(time.Duration(p.sim.hash("consume", p.name, lane.String())%5000) * time.Microsecond)
	return &processConsumer{Consumer: c, process: p, turn: p.sim.turns[lane]}, nil
}

// processConsumer delivers to its process only.
type processConsumer struct {
	streams.Consumer
	process *process
	turn    chan struct{}
}

// Pull waits for its turn, so that who gets a message does not depend on the scheduling of goroutines.
func (c *processConsumer) Pull(ctx context.Context, max int) ([]*streams.Delivery, error) {
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	ds, err := c.Consumer.Pull(ctx, max)
	<-c.turn
	if err != nil {
		return nil, err
	}
	if _, err := c.process.call("Pull", history.Run{}); err != nil {
		<-ctx.Done() // what was delivered to the dead comes again after AckWait
		return nil, ctx.Err()
	}
	for _, d := range ds {
		d.Acker = &processAcker{Acker: d.Acker, process: c.process, run: d.Run.Run, delivery: d}
	}
	return ds, nil
}

// processAcker loses what the dead would answer.
type processAcker struct {
	streams.Acker
	process  *process
	run      history.Run
	delivery *streams.Delivery
}

func (a *processAcker) Ack(ctx context.Context) error {
	return a.acknowledge("Ack", func() error { return a.Acker.Ack(ctx) })
}

func (a *processAcker) AckSync(ctx context.Context) error {
	return a.acknowledge("AckSync", func() error { return a.Acker.AckSync(ctx) })
}

func (a *processAcker) acknowledge(op string, f func() error) error {
	return a.process.do(op, a.run, func() error {
		if a.delivery.Lane != streams.LaneTasks { // those the simulated workers acknowledge
			a.process.sim.acknowledging(a.process.name, a.delivery)
		}
		return f()
	})
}

// Nak hands back. The jitter of those who lost a race is the simulation's own.
func (a *processAcker) Nak(delay time.Duration) error {
	if delay >= 50*time.Millisecond && delay < 200*time.Millisecond {
		delay = 50*time.Millisecond + time.Duration(a.process.sim.hash("jitter", a.process.name, a.run.String(), strconv.Itoa(time.Now().Nanosecond()))%150)*time.Millisecond
	}
	return a.process.do("Nak", a.run, func() error { return a.Acker.Nak(delay) })
}

func (a *processAcker) KeepAlive() error {
	return a.process.do("KeepAlive", a.run, a.Acker.KeepAlive)
}

// jitter is the simulation's own, so that who wins the next race is the seed's choice.
func (p *process) jitter(d time.Duration) time.Duration {
	return time.Duration(p.sim.hash("pause", p.name, strconv.FormatInt(time.Now().UnixNano(), 10)) % uint64(d))
}

const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

// fnv1a goes on with a 64-bit FNV-1a hash. Package hash/fnv would allocate for each of millions.
func fnv1a[T string | []byte](h uint64, part T) uint64 {
	for i := range len(part) {
		h = (h ^ uint64(part[i])) * fnvPrime
	}
	return h
}

// hash draws a number from the seed and what happens.
func (s *simulation) hash(parts ...string) uint64 {
	var seed [20]byte
	x := fnv1a(fnvBasis, strconv.AppendUint(seed[:0], s.seed, 10))
	for _, part := range parts {
		x = fnv1a(fnv1a(x, "/"), part)
	}
	// FNV changes little in the high bits for a change at the end.
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// maxStall bounds how long after a result a zombie may still send its task: AckWait and the longest latencies of a few calls.
const maxStall = 15 * time.Second

// latency is how long a call takes to reach the broker: mostly a few milliseconds, sometimes longer than a process may be silent.
func (s *simulation) latency(h uint64) time.Duration {
	few := time.Duration(h>>8%5000) * time.Microsecond
	if s.calm.Load() {
		return few
	}
	switch h % 1000 {
	case 0, 1:
		return few + 3*time.Second
	case 2, 3, 4, 5, 6, 7, 8, 9:
		return few*100 + time.Millisecond
	}
	return few
}

// faults decides how the broker answers.
func (s *simulation) faults(op streamstest.Op, run history.Run, n int) streamstest.Fault {
	if s.calm.Load() || s.own.Load() > 0 || op == streamstest.OpConsume {
		return streamstest.Proceed
	}
	h := s.hash("fault", string(op), run.WorkflowID, run.RunID, strconv.Itoa(n))
	if int(h%1000) >= s.faultRate {
		return streamstest.Proceed
	}
	return possible(streamstest.Fault(1+h>>20%5), op)
}

// possible is the fault, or none where the operation cannot have it.
func possible(f streamstest.Fault, op streamstest.Op) streamstest.Fault {
	switch {
	case f == streamstest.Stale && (op == streamstest.OpTail || op == streamstest.OpLoad || op == streamstest.OpStarted ||
		op == streamstest.OpAsked || op == streamstest.OpGetBeat):
		// That the last record is not known to whoever answers, a wake-up that finds nothing due cannot tell from the
		// truth: the design asks the leader. So it does for the start marker of an activity, of which two processes must
		// not think differently, and for what was asked of it and who has it: one of two must see the other.
		return streamstest.Proceed
	case f == streamstest.InFlight && op == streamstest.OpPublishTask:
		// A subject seems taken only just after an acknowledgement, which has a result before it.
		return streamstest.Proceed
	}
	return f
}
