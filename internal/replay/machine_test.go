package replay_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/internal/replay"
)

func block(env *replay.Env) { env.Block("ever", func() bool { return false }) }

func TestGoexitIsAPanicError(t *testing.T) {
	r := newRun(t, newStart(), func(env *replay.Env) {
		env.Go("other", func() { block(env) })
		defer func() {
			if v := recover(); v != nil {
				t.Errorf("recovered %v from Goexit", v)
			}
		}()
		runtime.Goexit()
	})
	_, err := r.step()
	var p *replay.PanicError
	if !errors.As(err, &p) || p.Error() !=
		"run order-1/019b76da-a800-7000-8000-000000000001: workflow code panicked in coroutine root: workflow code called runtime.Goexit" {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(p.Stack, "TestGoexitIsAPanicError.func1") {
		t.Errorf("stack does not show the author's code:\n%s", p.Stack)
	}
	if _, err := r.m.Decide(r.m.State().Draft(epoch)); !errors.Is(err, replay.ErrDead) || !errors.As(err, &p) {
		t.Errorf("after the panic: %v", err)
	}
}

func TestPanicKeepsValueAndStack(t *testing.T) {
	cause := errors.New("out of luck")
	r := newRun(t, newStart(), func(env *replay.Env) {
		env.Go("unlucky", func() {
			schedule(env, "A")
			explode(cause)
		})
		block(env)
	})
	_, err := r.step()
	var p *replay.PanicError
	if !errors.As(err, &p) || !errors.Is(err, cause) || p.Coroutine != "coroutine unlucky" {
		t.Fatalf("got %v", err)
	}
	if first, _, _ := strings.Cut(p.Stack, "\n"); !strings.HasSuffix(first, "replay_test.explode(...)") {
		t.Errorf("the stack does not begin with the panicking function:\n%s", p.Stack)
	}
	if s := r.m.State(); s.LastEvent != 1 || s.Transitions != 0 {
		t.Errorf("a panic changed the run: event %d, transition %d", s.LastEvent, s.Transitions)
	}
}

//go:noinline
func explode(err error) { panic(err) }

func TestDestroyUnwinds(t *testing.T) {
	var log []string
	r := newRun(t, newStart(), func(env *replay.Env) {
		env.Go("stubborn", func() {
			for { // swallows everything and blocks again: must not keep Destroy from ending it
				func() {
					defer func() { log = append(log, "recovered nothing: "+boolText(recover() == nil)) }()
					block(env)
				}()
			}
		})
		env.Go("nested", func() {
			defer func() { log = append(log, "nested end") }()
			defer func() {
				log = append(log, "blocking again")
				block(env)
				log = append(log, "not reached")
			}()
			block(env)
		})
		env.Go("panics", func() {
			defer func() { panic("in a deferred call") }()
			block(env)
		})
		defer func() {
			id, err := env.ScheduleActivity(nil, nil)
			env.CancelTimer(env.StartTimer(5, "", nil))
			env.Go("late", func() { log = append(log, "not reached") })
			env.Complete(nil)
			env.OnSignal(nil)
			log = append(log, "root: no command: "+boolText(id == 0 && err == nil)+", replaying: "+boolText(env.Replaying()))
		}()
		block(env)
	})
	r.mustStep()
	r.m.Destroy()
	r.m.Destroy()
	want := "root: no command: true, replaying: true; recovered nothing: true; blocking again; nested end"
	if got := strings.Join(log, "; "); got != want {
		t.Errorf("deferred calls:\n got %s\nwant %s", got, want)
	}
	if err := r.m.Apply(r.records[0]); !errors.Is(err, replay.ErrDestroyed) {
		t.Errorf("after Destroy: %v", err)
	}
	if s := r.m.StackTrace(); s != "" {
		t.Errorf("stack trace after Destroy: %s", s)
	}
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// A coroutine that never began must be ended without running.
func TestDestroyBeforeBegin(t *testing.T) {
	r := newRun(t, newStart(), func(env *replay.Env) {
		env.Go("late", func() { t.Error("ran after the run was closed") })
		env.Complete(nil)
	})
	r.mustStep()
	if got := r.m.StackTrace(); got != "coroutine late [not begun]:\n" {
		t.Errorf("stack trace: %q", got)
	}
}
