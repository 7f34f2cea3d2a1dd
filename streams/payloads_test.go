package streams

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/millrace-dev/millrace/internal/history"
)

func TestPayloadIsReadBackFromItsPieces(t *testing.T) {
	t.Parallel()
	f := setup(t, 2)
	run := newRun("w. *>").Run
	for _, size := range []int{0, 1, maxPiece, maxPiece + 1, 5 << 20} {
		data := bytes.Repeat([]byte{byte(size), 'x', 'y'}, size/3+1)[:size]
		ref, err := f.ns.PutPayload(f.ctx, run, data)
		f.ok(err)
		again, err := f.ns.PutPayload(f.ctx, run, data)
		f.ok(err)
		if again != ref {
			t.Errorf("%d bytes: stored again as %+v, first as %+v", size, again, ref)
		}
		got, err := f.ns.GetPayload(f.ctx, ref)
		f.ok(err)
		if !bytes.Equal(got, data) {
			t.Errorf("%d bytes: read %d others", size, len(got))
		}
	}
	info, err := f.ns.streamInfo(f.ctx, payloadsStream("test"))
	f.ok(err)
	if want := uint64(1 + 1 + 1 + 2 + (5<<20)/maxPiece); info.State.Msgs != want {
		t.Errorf("%d messages are stored, want %d", info.State.Msgs, want)
	}
}

func TestDeletedAndDamagedPayloadsAreNotFound(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run, other := newRun("w").Run, newRun("w").Run
	data := bytes.Repeat([]byte("x"), 3<<20)
	ref, err := f.ns.PutPayload(f.ctx, run, data)
	f.ok(err)
	kept, err := f.ns.PutPayload(f.ctx, other, data)
	f.ok(err)
	f.ok(f.ns.DeletePayloads(f.ctx, run))
	_, err = f.ns.GetPayload(f.ctx, ref)
	f.is(err, ErrNotFound)
	_, err = f.ns.GetPayload(f.ctx, kept)
	f.ok(err)

	f.ok(f.ns.purge(f.ctx, payloadsStream("test"), f.ns.payloadPiece(kept, 1)))
	_, err = f.ns.putRetried(f.ctx, &nats.Msg{Subject: f.ns.payloadPiece(kept, 1), Data: []byte("something else")})
	f.ok(err)
	_, err = f.ns.GetPayload(f.ctx, kept)
	f.is(err, ErrNotFound)
	if _, err = f.ns.PutPayload(f.ctx, other, data); err == nil {
		t.Error("damaged content counts as stored")
	}
}

func TestPayloadReferencesAreChecked(t *testing.T) {
	t.Parallel()
	f := setup(t, 1)
	run := newRun("w").Run
	good := PayloadRef{Run: run, Hash: fmt.Sprintf("%064x", 1), Pieces: 1}
	_, err := f.ns.GetPayload(f.ctx, good)
	f.is(err, ErrNotFound)
	for _, bad := range []PayloadRef{
		{Run: history.Run{RunID: "r"}, Hash: good.Hash, Pieces: 1},
		{Run: run, Hash: "../x", Pieces: 1},
		{Run: run, Hash: good.Hash},
		{Run: run, Hash: good.Hash, Pieces: maxPieces + 1},
	} {
		_, err := f.ns.GetPayload(f.ctx, bad)
		f.is(err, ErrInvalid)
	}
}
