package ballast

import (
	"runtime"
	"runtime/metrics"
	"testing"
)

// goal is the heap size at which the collector will run next.
func goal() uint64 {
	runtime.GC()
	s := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func TestCollectorLetsMoreGarbageGather(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	before := goal()
	release := Hold()
	during := goal()
	release()
	after := goal()
	// What is held counts as heap, and as much garbage may gather beside it.
	if during < 2*Size || after > before+Size {
		t.Errorf("the collector runs at %d bytes before, %d while it is held, %d afterwards", before, during, after)
	}
}

func TestOwnersOfTheSettingsDecide(t *testing.T) {
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "100")
			before := goal()
			release := Hold()
			during := goal()
			release()
			if during > before+Size {
				t.Errorf("the collector runs at %d bytes, at %d without ballast", during, before)
			}
		})
	}
}
