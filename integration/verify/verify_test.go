package verify

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/millrace-dev/millrace/worker"
)

// replayer replays what record ran.
func replayer() Options {
	r := worker.NewWorkflowReplayer()
	registerWorkflows(r)
	return Options{Replay: ReplayWith(r)}
}

func verified(t *testing.T, dir string, o Options) *Report {
	t.Helper()
	r, err := Verify(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func text(t *testing.T, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestVerifier(t *testing.T) {
	dir := record(t)
	r := verified(t, dir, replayer())
	t.Log(text(t, r))
	if r.Verdict != Green {
		t.Fatalf("the undoctored recording is %s", r.Verdict)
	}
	for _, i := range allInvariants() {
		if r.Invariants[i].Examined == 0 {
			t.Errorf("%s was decided from nothing", i)
		}
	}
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(b.Bytes(), &again); err != nil || again.Verdict != Green || again.Runs != r.Runs {
		t.Errorf("read back as %+v, %v", again, err)
	}
	t.Run("doctored", func(t *testing.T) { testDoctored(t, dir) })
	t.Run("replay", func(t *testing.T) { testReplay(t, dir) })
	t.Run("truncated", func(t *testing.T) { testTruncatedDump(t, dir) })
}
