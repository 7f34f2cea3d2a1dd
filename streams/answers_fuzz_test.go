package streams

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// FuzzAnswers reads any bytes as each answer of the broker's API, and as each document that is kept in the registry.
func FuzzAnswers(f *testing.F) {
	header, err := json.Marshal(nats.Header{headerNumber: {"1"}})
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range []any{
		registryEntry{Version: formatVersion, Partitions: 4, Hash: hashName, Profile: ProfileDurable, Sync: SyncAlways},
		checkpoint{Stream: "S", Samples: []sample{{7, "00"}, {3, "11"}}, Holes: 2, Time: time.UnixMilli(1)},
		jetstream.StreamInfo{Config: jetstream.StreamConfig{Name: "S"}, State: jetstream.StreamState{Msgs: 1, LastSeq: 1}},
	} {
		data, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{
		`{"stream":"S","seq":7}`, `{"stream":"S","seq":18446744073709551615}`, `{"stream":"S","domain":"d","seq":7,"duplicate":true}`,
		`{"stream":"S","seq":3,"batch":"b","count":2}`, `{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 4"}}`,
		`{"error":{"code":400,"err_code":10164}}`, `{"error":{}}`, `null`, `{"send task":{"count":3,"last":"2026-01-01T00:00:00Z","object":"w"}}`, `{"data":{"config":{"sync_always":true}}}`,
		`{"message":{"subject":"s","seq":1,"hdrs":"TkFUUy8xLjANCk1pbGxyYWNlLU46IDENCg0K","data":"eA==","time":"2026-01-01T00:00:00Z"}}`,
		`{"message":{"seq":1,"hdrs":"TkFUUy8xLjAgNDA0DQoNCg=="}}`, string(header),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var info jetstream.StreamInfo
		_ = readAnswer(data, &info)
		_ = readAnswer(data, nil)
		if seq, err := readAck(data); err == nil {
			var ack struct{ Seq uint64 }
			if err := json.Unmarshal(data, &ack); err != nil || ack.Seq != seq {
				t.Errorf("acknowledgement of %d reads as %d, %v", seq, ack.Seq, err)
			}
		}
		if first, err := readBatchAck(data, "b", 2); err == nil && first == 0 {
			t.Error("batch begins at 0")
		}
		if m, err := readMessage(data); err == nil {
			parseRecordHeader(m.header)
			_, _ = parseSubject(m.subject)
		}
		var e registryEntry
		if json.Unmarshal(data, &e) == nil && e.check("n") == nil {
			_ = e.durability(1).check("n", true)
		}
		var c checkpoint
		if json.Unmarshal(data, &c) == nil && len(distinct(c.Samples)) > maxSamples {
			t.Error("too many samples are kept")
		}
		if decodeHealed(data) == nil {
			t.Error("what was healed cannot be added to")
		}
		var server ServerConfig
		if json.Unmarshal(data, &server) == nil {
			server.Sync()
		}
	})
}

// FuzzDirectAnswer reads any headers as those of a message that was read directly, which come behind those that whoever
// published it has chosen.
func FuzzDirectAnswer(f *testing.F) {
	f.Add([]byte("NATS/1.0\r\nNats-Sequence: 9\r\nNats-Stream: S\r\nNats-Subject: a.b\r\nNats-Time-Stamp: 2026-01-01T00:00:00Z\r\n\r\n"), []byte("x"))
	f.Add([]byte("NATS/1.0 404 Message Not Found\r\n\r\n"), []byte(nil))
	f.Add([]byte("NATS/1.0 204 EOB\r\nNats-Num-Pending: 3\r\nNats-Last-Sequence: 9\r\n\r\n"), []byte(nil))
	f.Fuzz(func(t *testing.T, header, data []byte) {
		h, err := nats.DecodeHeadersMsg(header)
		if err != nil {
			return
		}
		m := &nats.Msg{Header: h, Data: data}
		status := bareStatus(m)
		sequenceBefore(m)
		if s, err := directAnswer(m); err == nil {
			if status != "" {
				t.Errorf("message %d has status %q", s.seq, status)
			}
			parseRecordHeader(s.header)
			_, _ = parseSubject(s.subject)
		}
	})
}
