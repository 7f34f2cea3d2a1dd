package streams

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func TestPlace(t *testing.T) {
	t.Parallel()
	want := place{stream: "S", seq: 77, deliveries: 2, published: time.Unix(0, 1763800000000000001), pending: 5}
	for reply, ok := range map[string]bool{
		"$JS.ACK.S.c.2.77.66.1763800000000000001.5":          true,
		"$JS.ACK._.hash.S.c.2.77.66.1763800000000000001.5":   true,
		"$JS.ACK.D.hash.S.c.2.77.66.1763800000000000001.5.r": true,
		"$JS.ACK.x.S.c.2.77.66.1763800000000000001.5":        false,
		"$JS.ACK.S.c.2.77.66.1763800000000000001":            false,
		"$JS.ACK.S.c.2.seq.66.1763800000000000001.5":         false,
		"_INBOX.S.c.2.77.66.1763800000000000001.5":           false,
		"": false,
	} {
		got, parsed := parsePlace(reply)
		if parsed != ok || ok && got != want {
			t.Errorf("%s: %+v, %v", reply, got, parsed)
		}
	}
}

// What is read of a delivery is what the client library reads.
func FuzzPlace(f *testing.F) {
	f.Add("$JS.ACK.S.c.2.77.66.1763800000000000001.5")
	f.Add("$JS.ACK.D.hash.S.c.2.77.66.1763800000000000001.5.r")
	f.Fuzz(func(t *testing.T, reply string) {
		got, ok := parsePlace(reply)
		if !ok {
			return
		}
		meta, err := (&nats.Msg{Reply: reply, Sub: &nats.Subscription{}}).Metadata()
		if err != nil {
			t.Fatalf("%q: %+v, but the library says: %v", reply, got, err)
		}
		want := place{stream: meta.Stream, seq: meta.Sequence.Stream, deliveries: int(meta.NumDelivered),
			published: meta.Timestamp, pending: meta.NumPending}
		if got != want {
			t.Fatalf("%q: %+v, want %+v", reply, got, want)
		}
	})
}
