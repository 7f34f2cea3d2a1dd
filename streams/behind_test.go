package streams

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestServersWithoutTheirPartAreBehind(t *testing.T) {
	here := func(name string) *jetstream.PeerInfo {
		return &jetstream.PeerInfo{Name: name, Current: true, Active: time.Second}
	}
	led := func(leader string, others ...*jetstream.PeerInfo) *jetstream.ClusterInfo {
		return &jetstream.ClusterInfo{Leader: leader, Replicas: others}
	}
	whole := led("a", here("b"), here("c"))
	for name, c := range map[string]struct {
		consumer *jetstream.ClusterInfo
		want     int
	}{
		"all are there":                    {led("b", here("a"), here("c")), 0},
		"one is not current":               {led("b", here("a"), &jetstream.PeerInfo{Name: "c"}), 1},
		"one is offline":                   {led("b", here("a"), &jetstream.PeerInfo{Name: "c", Current: true, Offline: true}), 1},
		"one has been silent":              {led("b", here("a"), &jetstream.PeerInfo{Name: "c", Current: true, Active: 2 * maxSilence}), 1},
		"one answers as if it were alone":  {led("c"), 1},
		"nobody has said anything of them": {nil, 0},
	} {
		// Each is counted once, however much it lacks.
		if got := countBehind(3, []*jetstream.ClusterInfo{whole, c.consumer, c.consumer}); got != c.want {
			t.Errorf("%s: %d servers are behind, want %d", name, got, c.want)
		}
	}
}
