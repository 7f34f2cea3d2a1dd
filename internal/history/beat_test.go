package history

import (
	"testing"
	"time"
)

func TestWhichRecordOutdatesAnAttempt(t *testing.T) {
	begun, later := time.Unix(100, 0), time.Unix(200, 0)
	own := Beat{Generation: 5, Attempt: 2, Identity: "w1", Started: begun}
	with := func(change func(b *Beat)) *Beat {
		b := own
		change(&b)
		return &b
	}
	for name, test := range map[string]struct {
		last     *Beat
		outdates bool
	}{
		"its own":                            {&own, false},
		"its own, with a later heartbeat":    {with(func(b *Beat) { b.Time = later }), false},
		"of the attempt before":              {&Beat{Generation: 5, Attempt: 1, Ended: later}, false},
		"of an earlier generation":           {&Beat{Generation: 4, Attempt: 9}, false},
		"of the next attempt":                {&Beat{Generation: 5, Attempt: 3, Started: later}, true},
		"of the next generation":             {&Beat{Generation: 8, Attempt: 1, Started: later}, true},
		"of a recall":                        {&Beat{Generation: 6, Attempt: 2, Ended: later}, true},
		"of the same number, another worker": {with(func(b *Beat) { b.Identity = "w2" }), true},
		"of the same number, begun later":    {with(func(b *Beat) { b.Started = later }), true},
		"a heartbeat from outside":           {&Beat{Generation: 5, Attempt: 2, Time: later}, false},
		"its own, ended by somebody else":    {with(func(b *Beat) { b.Ended = later }), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.last.Outdates(&own); got != test.outdates {
				t.Errorf("outdates: %v", got)
			}
		})
	}
	ended := with(func(b *Beat) { b.Ended = later })
	if ended.Outdates(ended) {
		t.Error("an end is outdated by itself")
	}
}
