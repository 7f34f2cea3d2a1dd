package integration

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/workflow"
)

// TestSignalsKeepTheirOrderAcrossContinueAsNew sends in order, each to whichever run is the newest.
func TestSignalsKeepTheirOrderAcrossContinueAsNew(t *testing.T) {
	e := newEngine(t)
	const total = 150
	e.serve(code{"relay": func(ctx workflow.Context, heard []string) ([]string, error) {
		ch := workflow.GetSignalChannel(ctx, "say")
		for i := 0; len(heard) < total; i++ {
			var s string
			if i < 4 {
				ch.Receive(ctx, &s)
			} else if !ch.ReceiveAsync(&s) {
				return nil, workflow.NewContinueAsNewError(ctx, "relay", heard)
			}
			heard = append(heard, s)
		}
		return heard, nil
	}}, nil)
	run := e.execute("relay", "relay", []string{})
	var sent []string
	for i := range total {
		sent = append(sent, fmt.Sprint(i))
		e.signal("relay", "say", sent[i])
		// Now and then the sender is slower than a run: signals meet runs at every point of their lives.
		<-time.After(time.Duration(i%7) * time.Millisecond)
	}
	if got := result[[]string](e, run); strings.Join(got, " ") != strings.Join(sent, " ") {
		t.Errorf("heard %v", got)
	}
	if chain := e.chain("relay"); chain < 2 {
		t.Errorf("the chain has %d runs: nothing was handed over", chain)
	}
}
