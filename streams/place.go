package streams

import (
	"strings"
	"time"
)

// place is what the broker says of a message that it delivers: where it stands in its stream and how it got here.
type place struct {
	stream     string
	seq        uint64
	deliveries int
	published  time.Time
	// pending is how many more messages waited when this one was sent.
	pending uint64
}

// parsePlace reads it from the subject of the acknowledgement, which is, with or without what is in brackets,
// $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<seq>.<consumer seq>.<time>.<pending>[.<random>].
func parsePlace(reply string) (p place, ok bool) {
	rest, ok := strings.CutPrefix(reply, "$JS.ACK.")
	if !ok {
		return place{}, false
	}
	const short, long = 7, 9 // tokens from here on, before the random one
	switch n := strings.Count(rest, ".") + 1; {
	case n == short:
	case n >= long:
		_, rest, _ = strings.Cut(rest, ".")
		_, rest, _ = strings.Cut(rest, ".")
	default:
		return place{}, false
	}
	p.stream, rest, _ = strings.Cut(rest, ".")
	_, rest, _ = strings.Cut(rest, ".") // the consumer
	var numbers [5]int64
	for i := range numbers {
		var token string
		token, rest, _ = strings.Cut(rest, ".")
		if numbers[i], ok = parseNumber(token); !ok {
			return place{}, false
		}
	}
	p.deliveries, p.seq = int(numbers[0]), uint64(numbers[1])
	p.published, p.pending = time.Unix(0, numbers[3]), uint64(numbers[4])
	return p, true
}
