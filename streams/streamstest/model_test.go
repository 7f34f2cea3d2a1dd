package streamstest

import (
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestModelConforms(t *testing.T) {
	Run(t, func(*testing.T) Subject { return New(Options{}) })
}

// TestModelConformsInBubble runs the suite on a bubble's clock, where nobody waits for a redelivery or a wake-up.
func TestModelConformsInBubble(t *testing.T) {
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { c.run(newFixture(t, New(Options{}))) })
		})
	}
}
