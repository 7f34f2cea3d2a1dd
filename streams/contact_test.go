package streams

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestALeaderCountsWhenItHasJustHeardOfMostReplicas(t *testing.T) {
	t.Parallel()
	now, long := jetstream.PeerInfo{Active: time.Second}, jetstream.PeerInfo{Active: 5 * time.Second}
	off := jetstream.PeerInfo{Active: time.Second, Offline: true}
	for name, tc := range map[string]struct {
		replicas []jetstream.PeerInfo
		want     bool
	}{
		"both":         {[]jetstream.PeerInfo{now, now}, true},
		"one of two":   {[]jetstream.PeerInfo{now, long}, true},
		"none":         {[]jetstream.PeerInfo{long, long}, false},
		"offline":      {[]jetstream.PeerInfo{off, long}, false},
		"two of four":  {[]jetstream.PeerInfo{now, long, now, long}, true},
		"one of four":  {[]jetstream.PeerInfo{now, long, long, long}, false},
		"one of three": {[]jetstream.PeerInfo{now, long, long}, false},
	} {
		list := make([]*jetstream.PeerInfo, len(tc.replicas))
		for i := range tc.replicas {
			list[i] = &tc.replicas[i]
		}
		if got := inContact(&jetstream.ClusterInfo{Leader: "n1", Replicas: list}); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
	if !inContact(nil) {
		t.Error("a server without a cluster is its own leader")
	}
}
