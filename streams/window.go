package streams

import "time"

const (
	// minLines is how many requests may be under way however few are answered.
	minLines = 64
	// pace is how often it is looked whether answers come in time.
	pace = time.Second
	// prompt is how soon an answer comes from a broker that could be asked for more.
	prompt = firstAttempt / 4
)

// window bounds the requests under way by what the broker answers in time. Without it a broker, or a processor, that is
// too slow for all that are asked at once answers none in time: each has been given up and asked again before its turn
// comes, and what is answered is what nobody waits for any more. That does not end by itself.
//
// The number is halved, at most once in each pace, while more than a fifth of the requests get no answer in time, and
// grows with each answer that is prompt: twice as many as before come out of one round.
//
// Its fields belong to the lock of its link.
type window struct {
	// slots has a token for each request under way, and for each that is withheld: a request waits until there is room.
	slots chan struct{}
	// withheld tokens stand for no request, and owed ones are kept back as requests end.
	withheld, owed int
	// answered and late are how many requests ended so since judged, and narrowed is when the last ones were withheld.
	answered, late     int
	judged, narrowedAt time.Time
}

func newWindow(size int) window { return window{slots: make(chan struct{}, size)} }

// size is how many requests may be under way.
func (w *window) size() int { return cap(w.slots) - w.withheld - w.owed }

// lost notes a request, sent at that time, that got no answer in time. What was sent before the window was narrowed says
// nothing about whether it is narrow enough.
func (w *window) lost(sent time.Time) {
	if sent.After(w.narrowedAt) {
		w.late++
	}
}

// judge narrows the window when it is time to, and too little is answered.
func (w *window) judge(now time.Time) {
	if now.Sub(w.judged) < pace {
		return
	}
	if 4*w.late > w.answered {
		size := w.size()
		w.owed += size - max(size/2, min(minLines, size))
		w.narrowedAt = now
	}
	w.answered, w.late, w.judged = 0, 0, now
}

// ended notes the end of a request that was sent at that time, zero for one without a limit, and says how many tokens
// are to be taken out of slots.
func (w *window) ended(sent time.Time, answered bool) (tokens int) {
	tokens = 1
	if answered {
		w.answered++
	}
	if w.withheld+w.owed == 0 {
		return tokens // as nearly always
	}
	if answered && !sent.IsZero() && time.Since(sent) < prompt {
		if w.owed > 0 {
			w.owed--
		} else {
			w.withheld--
			tokens++
		}
	}
	if w.owed > 0 {
		w.owed--
		w.withheld++
		tokens--
	}
	return tokens
}
