package streamstest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/millrace-dev/millrace/internal/history"
	"github.com/millrace-dev/millrace/streams"
)

func recordChecks() []check {
	return []check{
		{"append/chain", appendChain},
		{"append/refused", appendRefused},
		{"append/repeated", appendRepeated},
		{"append/eight writers", appendCompetition},
		{"append/hundred runs", appendHundred},
		{"append/too large", appendTooLarge},
		{"load/empty lane", loadEmpty},
		{"load/among other runs", loadAmongOthers},
		{"load/junk", loadJunk},
		{"load/junk first", loadJunkFirst},
		{"body/stored", bodyStored},
		{"body/absent or damaged", bodyDamaged},
		{"claim/first holds", claimFirst},
		{"claim/eight claimers", claimCompetition},
	}
}

// lane writes the records of one run.
type lane struct {
	*fixture
	run history.Run
	// number and previous are those of the last record, expected is what the next append expects.
	number             uint64
	previous, expected uint64
}

func (f *fixture) newLane() *lane { return &lane{fixture: f, run: f.newRun().Run} }

// record makes the next record of the lane.
func (l *lane) record() ([]byte, streams.RecordInfo) {
	l.Helper()
	info := streams.RecordInfo{
		Number:    l.number + 1,
		CommitID:  uuid.NewString(),
		Previous:  l.previous,
		Type:      "Order",
		Status:    "Running",
		LastEvent: int64(l.number) + 2,
	}
	data, err := history.Encode(&history.Transition{
		RunID:    l.run.RunID,
		Number:   info.Number,
		CommitID: info.CommitID,
		Previous: info.Previous,
		Cover:    history.StartIdentity,
		Time:     time.Unix(1700000000+int64(info.Number), 0),
	})
	l.noError("encode transition", err)
	return data, info
}

// append stores the next record and must succeed.
func (l *lane) append() streams.RecordInfo {
	l.Helper()
	data, info := l.record()
	seq, err := l.Append(l.ctx, l.run, data, info, l.expected)
	l.noError("append record "+strconv.FormatUint(info.Number, 10), err)
	if seq <= l.previous {
		l.Fatalf("record %d got sequence %d after %d", info.Number, seq, l.previous)
	}
	l.number, l.previous, l.expected = info.Number, seq, seq
	return info
}

// load demands that the lane has the records from number first to the last one.
func (l *lane) load(first uint64) *streams.Loaded {
	l.Helper()
	loaded, err := l.Load(l.ctx, l.run, first-1)
	l.noError("load", err)
	equal(l.fixture, "last sequence", loaded.LastSeq, l.expected)
	equal(l.fixture, "number of records", len(loaded.Records), int(l.number+1-first))
	for i, r := range loaded.Records {
		equal(l.fixture, "record number", r.Number, first+uint64(i))
		equal(l.fixture, "run of a record", r.Run, l.run)
		t, err := r.Transition()
		l.noError("decode transition", err)
		equal(l.fixture, "number in the transition", t.Number, r.Number)
		if i > 0 {
			equal(l.fixture, "previous sequence", r.Previous, loaded.Records[i-1].Seq)
		}
	}
	return loaded
}

func appendChain(f *fixture) {
	l := f.newLane()
	var infos []streams.RecordInfo
	for range 4 {
		infos = append(infos, l.append())
	}
	tail, err := f.Tail(f.ctx, l.run)
	f.noError("tail", err)
	equal(f, "tail", tail.RecordInfo, infos[3])
	equal(f, "tail's sequence", tail.Seq, l.previous)
	equal(f, "tail is junk", tail.Junk, false)
	for i, r := range l.load(1).Records {
		equal(f, "record", r.RecordInfo, infos[i])
	}
	l.load(3)
	equal(f, "skipped", l.load(5).Skipped, 0)
}

func appendRefused(f *fixture) {
	l := f.newLane()
	l.append()
	old := l.expected
	l.append()
	for _, expected := range []uint64{0, old, l.expected + 1000} {
		data, info := l.record()
		_, err := f.Append(f.ctx, l.run, data, info, expected)
		f.wantError("append that expects another", err, streams.ErrConflict)
	}
	l.load(1)
	other := f.newLane()
	data, info := other.record()
	_, err := f.Append(f.ctx, other.run, data, info, l.expected)
	f.wantError("append that expects what another run has", err, streams.ErrConflict)
	other.load(1)
}

func appendRepeated(f *fixture) {
	l := f.newLane()
	l.append()
	before := l.expected
	data, info := l.record()
	seq, err := f.Append(f.ctx, l.run, data, info, before)
	f.noError("append", err)
	again, err := f.Append(f.ctx, l.run, data, info, before)
	f.noError("repeated append", err)
	equal(f, "sequence of the repetition", again, seq)
	l.number, l.previous, l.expected = info.Number, seq, seq
	l.load(1)
	// A try that comes late still learns that it was stored, though others have written since.
	l.append()
	l.append()
	again, err = f.Append(f.ctx, l.run, data, info, before)
	f.noError("late repetition", err)
	equal(f, "sequence of the late repetition", again, seq)
	l.load(1)
}

func appendCompetition(f *fixture) {
	l := f.newLane()
	for round := range 5 {
		var won, refused, seq atomic.Uint64
		var commit atomic.Value
		race(8, func(int) {
			data, info := l.record()
			got, err := f.Append(f.ctx, l.run, data, info, l.expected)
			switch {
			case err == nil:
				won.Add(1)
				seq.Store(got)
				commit.Store(info.CommitID)
			case errors.Is(err, streams.ErrConflict):
				refused.Add(1)
			default:
				f.Errorf("append: %v", err)
			}
		})
		if won.Load() != 1 || refused.Load() != 7 {
			f.Fatalf("round %d: %d of 8 records were stored and %d refused, want 1 and 7", round, won.Load(), refused.Load())
		}
		tail, err := f.Tail(f.ctx, l.run)
		f.noError("tail", err)
		equal(f, "tail's sequence", tail.Seq, seq.Load())
		equal(f, "tail's commit ID", tail.CommitID, commit.Load().(string))
		l.number, l.previous, l.expected = l.number+1, seq.Load(), seq.Load()
	}
	l.load(1)
}

// appendHundred writes to many runs at one time, to each twice with the same expectation: one of the two is stored.
func appendHundred(f *fixture) {
	const runs = 100
	var lanes [runs]*lane
	var won [runs]atomic.Uint64
	var seqs [2 * runs]uint64
	for i := range lanes {
		lanes[i] = f.newLane()
		lanes[i].append()
	}
	race(2*runs, func(i int) {
		l := *lanes[i%runs]
		data, info := l.record()
		seq, err := f.Append(f.ctx, l.run, data, info, l.expected)
		if err == nil {
			won[i%runs].Add(1)
			seqs[i] = seq
		} else if !errors.Is(err, streams.ErrConflict) {
			f.Errorf("append: %v", err)
		}
	})
	for i, l := range lanes {
		equal(f, "records of two that were stored", won[i].Load(), 1)
		seq := max(seqs[i], seqs[i+runs])
		l.number, l.previous, l.expected = l.number+1, seq, seq
		l.load(1)
	}
}

func appendTooLarge(f *fixture) {
	l := f.newLane()
	_, info := l.record()
	_, err := f.Append(f.ctx, l.run, make([]byte, f.Limits().MaxRecord+1), info, 0)
	f.wantError("too large a record", err, streams.ErrTooLarge)
	l.load(1)
}

func loadEmpty(f *fixture) {
	l := f.newLane()
	_, err := f.Tail(f.ctx, l.run)
	f.wantError("tail of an empty lane", err, streams.ErrNotFound)
	l.load(1)
}

func loadAmongOthers(f *fixture) {
	a, b := f.newLane(), f.newLane()
	sibling := &lane{fixture: f, run: f.runOf(a.run.WorkflowID).Run}
	for range 3 {
		a.append()
		b.append()
		sibling.append()
	}
	for _, l := range []*lane{a, b, sibling} {
		l.load(1)
	}
}

func loadJunk(f *fixture) {
	l := f.newLane()
	l.append()
	l.append()
	f.noError("inject junk", f.InjectJunk(l.run, []byte("a reply that went astray")))
	tail, err := f.Tail(f.ctx, l.run)
	f.noError("tail", err)
	equal(f, "tail is junk", tail.Junk, true)
	if tail.Seq <= l.previous {
		f.Fatalf("junk has sequence %d, not after %d", tail.Seq, l.previous)
	}

	data, info := l.record()
	_, err = f.Append(f.ctx, l.run, data, info, l.previous)
	f.wantError("append that expects the last record", err, streams.ErrConflict)
	l.expected = tail.Seq
	equal(f, "skipped", l.load(1).Skipped, 1)
	l.load(2)
	l.append()
	l.load(1)

	f.noError("inject junk", f.InjectJunk(l.run, nil))
	f.noError("inject junk", f.InjectJunk(l.run, data))
	loaded, err := f.Load(f.ctx, l.run, 0)
	f.noError("load", err)
	l.expected = loaded.LastSeq
	l.load(1)
	l.append()
	l.load(2)
}

func loadJunkFirst(f *fixture) {
	l := f.newLane()
	f.noError("inject junk", f.InjectJunk(l.run, []byte("junk")))
	loaded, err := f.Load(f.ctx, l.run, 0)
	f.noError("load", err)
	equal(f, "records", len(loaded.Records), 0)
	equal(f, "skipped", loaded.Skipped, 1)
	l.expected = loaded.LastSeq
	l.append()
	l.append()
	l.load(1)
}

func bodyStored(f *fixture) {
	run := f.newRun().Run
	for _, size := range []int{1, 3*f.Limits().MaxRecord + 7} {
		body, commit := noise(size), uuid.NewString()
		ref, err := f.PutBody(f.ctx, run, commit, body)
		f.noError("put body", err)
		equal(f, "commit ID", ref.CommitID, commit)
		got, err := f.GetBody(f.ctx, run, ref)
		f.noError("get body", err)
		equal(f, "body of "+strconv.Itoa(size)+" bytes comes back", bytes.Equal(got, body), true)

		_, err = f.PutBody(f.ctx, run, commit, body)
		f.noError("put body again", err)
		got, err = f.GetBody(f.ctx, run, ref)
		f.noError("get body again", err)
		equal(f, "body that was put twice comes back", bytes.Equal(got, body), true)
	}
}

func noise(size int) []byte {
	b := make([]byte, size)
	r := rand.New(rand.NewPCG(1, uint64(size)))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func bodyDamaged(f *fixture) {
	run := f.newRun().Run
	ref, err := f.PutBody(f.ctx, run, uuid.NewString(), []byte("body"))
	f.noError("put body", err)
	absent := &history.BodyRef{CommitID: uuid.NewString(), Pieces: 1, Hash: ref.Hash}
	_, err = f.GetBody(f.ctx, run, absent)
	f.wantError("body of another commit", err, streams.ErrNotFound)
	damaged := &history.BodyRef{CommitID: ref.CommitID, Pieces: 1, Hash: make([]byte, len(ref.Hash))}
	_, err = f.GetBody(f.ctx, run, damaged)
	f.wantError("body with another hash", err, streams.ErrNotFound)
}

func claimFirst(f *fixture) {
	run := f.newRun().Run
	for _, claimer := range []string{"a", "b", "a"} {
		holder, err := f.Claim(f.ctx, run, 5, claimer)
		f.noError("claim", err)
		equal(f, "holder", holder, "a")
	}
	holder, err := f.Claim(f.ctx, run, 6, "b")
	f.noError("claim another activity", err)
	equal(f, "holder of another activity", holder, "b")
	holder, err = f.Claim(f.ctx, f.runOf(run.WorkflowID).Run, 5, "c")
	f.noError("claim in another run", err)
	equal(f, "holder in another run", holder, "c")
}

func claimCompetition(f *fixture) {
	run := f.newRun().Run
	for activity := int64(1); activity <= 5; activity++ {
		holders := make([]string, 8)
		race(8, func(i int) {
			var err error
			if holders[i], err = f.Claim(f.ctx, run, activity, strconv.Itoa(i)); err != nil {
				f.Errorf("claim: %v", err)
			}
		})
		for _, h := range holders {
			equal(f, "holder", h, holders[0])
		}
	}
}
