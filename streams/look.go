package streams

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

// looks find out for many at once whether a stream holds anything for them: before a run closes somebody looks whether
// something waits for it, before a task runs that had to wait whether it was canceled, and mostly in vain. While nobody else
// asks, each asks at once. Those that come meanwhile wait until that one has its answer and then ask together: a request for
// each would cost the broker, and this process, several times as much.
//
// They have no goroutine: the first of those that wait asks for all.
type looks struct {
	broker broker
	stream string

	mu sync.Mutex // guards the rest, and subjects and called of next
	// alone is how many requests are under way before others wait for each other. Negative: they never do.
	alone  int
	flying int
	next   *look // of those that wait, nil when nobody does
}

// look is one request.
type look struct {
	subjects []string
	// lead gets a token for who came first, when it is time to ask; called says that it did. done is closed when the
	// answer is there.
	lead, done chan struct{}
	called     bool
	found      bool
	err        error
}

const (
	// looksAlone is looks.alone: who comes while a request is under way waits for its answer, half a journey on average, and
	// then asks together with all who came meanwhile.
	looksAlone = 1
	// lookLimit bounds the subjects of one request, and so its size, to a few hundred kilobytes.
	lookLimit = 1000
)

// InboxEmpty says whether nothing waits for a run from any of these sources, of which there is at least one. What was
// stored before the call is seen. False proves nothing: ask ReadInbox what waits.
func (n *Namespace) InboxEmpty(ctx context.Context, run history.Address, sources []history.Source) (bool, error) {
	if err := checkAddress(run); err != nil {
		return false, fmt.Errorf("look into inbox of run %s: %w", run.Run, err)
	}
	p := n.at(run.WorkflowID)
	if p.looks == nil || len(sources) == 0 || len(sources) > lookLimit {
		return false, nil
	}
	subjects := make([]string, len(sources))
	for i, source := range sources {
		if !validSource(source) {
			return false, fmt.Errorf("look into inbox of run %s: %w", run.Run,
				&InvalidError{Field: "source", Value: string(source), Limit: "a letter, perhaps followed by a number"})
		}
		subjects[i] = p.partitionSubjects.inbox(run, source)
	}
	found, err := p.looks.any(ctx, subjects)
	// No answer is no proof; who reads the inbox then tries for longer.
	return err == nil && !found, nil
}

// any says whether one of the subjects may hold a message.
func (k *looks) any(ctx context.Context, subjects []string) (bool, error) {
	k.mu.Lock()
	if k.alone < 0 || k.flying < k.alone || k.next != nil && len(k.next.subjects)+len(subjects) > lookLimit {
		k.flying++
		k.mu.Unlock()
		found, err := k.ask(ctx, subjects)
		k.landed()
		return found, err
	}
	l := k.next
	first := l == nil
	if first {
		l = &look{lead: make(chan struct{}, 1), done: make(chan struct{})}
		k.next = l
	}
	l.subjects = append(l.subjects, subjects...)
	k.mu.Unlock()
	if first {
		return k.leading(ctx, l)
	}
	select {
	case <-l.done:
		return l.found, l.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// leading waits until it is time to ask for all that wait, and does.
func (k *looks) leading(ctx context.Context, l *look) (bool, error) {
	select {
	case <-l.lead:
	case <-ctx.Done():
		// Who has come meanwhile is told, and asks for himself.
		k.mu.Lock()
		k.next = nil
		called := l.called
		k.mu.Unlock()
		l.err = ctx.Err()
		close(l.done)
		if called {
			k.landed()
		}
		return false, ctx.Err()
	}
	k.mu.Lock()
	k.next = nil
	k.mu.Unlock()
	l.found, l.err = k.ask(ctx, l.subjects)
	close(l.done)
	k.landed()
	return l.found, l.err
}

// landed hands the place of a request on that has been answered.
func (k *looks) landed() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next == nil || k.next.called {
		k.flying--
		return
	}
	k.next.called = true
	k.next.lead <- struct{}{}
}

var errNoLook = errors.New("no answer that says whether anything waits")

// ask makes one attempt.
func (k *looks) ask(ctx context.Context, subjects []string) (found bool, err error) {
	if err := k.broker.ready(); err != nil {
		return false, err
	}
	data := appendLook(make([]byte, 0, 64+len(subjects)*(len(subjects[0])+8)), subjects)
	answer, err := k.broker.request(ctx, &nats.Msg{Subject: apiRoot + "DIRECT.GET." + k.stream, Data: data}, firstAttempt)
	if err != nil {
		return false, err
	}
	if len(answer.Data) > 0 || bareStatus(answer) != statusNotFound {
		return true, nil
	}
	if answer.Header.Get(headerDescription) != noResults {
		return false, errNoLook // something was there and is gone
	}
	return false, nil
}

// appendLook writes a request for the last message of any of the subjects, which hold nothing that JSON would escape.
func appendLook(b []byte, subjects []string) []byte {
	b = append(b, `{"batch":1,"multi_last":[`...)
	for i, s := range subjects {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), s...), '"')
	}
	return append(b, ']', '}')
}
