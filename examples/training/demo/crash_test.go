package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// A short demo under fire: run fails unless both kills were made with an activity in flight, something was redelivered
// and every card equals that of a run without an engine.
func TestCrashDemoEndsWithTheSameCards(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some ten seconds")
	}
	o, err := parseOptions([]string{"-crash", "-seed", "7", "-days", "10", "-kills", "2", "-server-kills", "1", "-dir", filepath.Join(t.TempDir(), "demo")})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "30 days trained") {
		t.Errorf("output does not say how many days were trained:\n%s", out.String())
	}
}

func TestOptionsNameWhatTheyRefuse(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-days 0", "-days 0: want 1 to 90"},
		{"-days 91", "-days 91: want 1 to 90"},
		{"-pace 6s", "-pace 6s: want 0 to 5s"},
		{"-kills -1", "-kills -1"},
		{"-kills 2 -server-kills 3", "-server-kills 3: want 0 to 2"},
		{"-workers 0", "-workers 0: want 1 to 16"},
		{"extra", `unexpected argument "extra"`},
	} {
		if _, err := parseOptions(strings.Fields(tt.args)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error is %v, want %q", tt.args, err, tt.want)
		}
	}
	if o, err := parseOptions([]string{"-crash", "-seed", "0"}); err != nil || o.seed != 0 || o.kills < 10 || o.servers < 3 {
		t.Errorf("options %+v, %v", o, err)
	}
}
