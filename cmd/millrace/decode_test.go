package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/millrace-dev/millrace/api/common"
	"github.com/millrace-dev/millrace/contrib/envconfig"
	"github.com/millrace-dev/millrace/internal/history"
)

func TestDecode(t *testing.T) {
	data, err := history.Encode(&history.Start{
		Run:  history.Address{Run: history.Run{WorkflowID: "w", RunID: "r"}, Queue: "q"},
		Type: "T", Time: time.Unix(1700000000, 0),
		Input: &common.Payloads{Payloads: []*common.Payload{rawJSON([]byte(`{"id":7}`)).Payload(), {Data: []byte{0xff}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{stdin: bytes.NewReader(data), stdout: &out, stderr: &out, env: envconfig.EnvLookupMap{}}
	if code := a.execute(t.Context(), []string{"decode"}); code != exitOK {
		t.Fatalf("decode ended with %d, %s", code, &out)
	}
	var got any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("%v in %s", err, &out)
	}
	want := map[string]any{"v": 1.0, "r": map[string]any{"w": "w", "r": "r", "q": "q"}, "t": "T", "ti": "2023-11-14T22:13:20Z",
		"in": map[string]any{"p": []any{map[string]any{"id": 7.0}, map[string]any{"d": "/w=="}}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("differs (-want +got):\n%s", d)
	}
}

func TestPrintableBreaksNoTerminal(t *testing.T) {
	for in, want := range map[string]string{"plain ünï 日本": "plain ünï 日本", "a\tb\nc": `a\tb\nc`, "\x1b[31mred": `\x1b[31mred`, "a\u202eb": `a\u202eb`} {
		if got := printable(in); got != want {
			t.Errorf("printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1234567: "1ms", 1234 * time.Millisecond: "1.2s", 90 * time.Second: "1m30s", 10 * time.Minute: "10m", 20 * time.Hour: "20h", time.Hour + 59*time.Second: "1h1m", 50 * time.Hour: "2d2h",
	} {
		if got := short(d); got != want {
			t.Errorf("short(%v) = %s, want %s", d, got, want)
		}
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{"order-7": "order-7", "a b": "'a b'", "it's": `'it'\''s'`, "": "''", "$(x)": "'$(x)'"} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestFlagsComeBeforeTheEnvironment(t *testing.T) {
	a := &app{env: envconfig.EnvLookupMap{"MILLRACE_ADDRESS": "env:1", "NATS_TOKEN": "t", "MILLRACE_NAMESPACE": "env"},
		flags: globalFlags{server: "flag:1", user: "u", password: "p", namespace: "flag", identity: "me"}}
	o, err := a.options()
	if err != nil {
		t.Fatal(err)
	}
	if o.HostPort != "flag:1" || o.Namespace != "flag" || o.Identity != "me" || len(o.ConnectionOptions.NATS) != 1 {
		t.Errorf("options are %+v", o)
	}
	a.flags = globalFlags{}
	if o, err := a.options(); err != nil || o.HostPort != "env:1" || o.Namespace != "env" {
		t.Errorf("options are %+v, %v", o, err)
	}
	a.flags = globalFlags{creds: "a", nkey: "b"}
	if _, err := a.options(); err == nil || !strings.Contains(err.Error(), "a") {
		t.Errorf("two kinds of credentials: %v", err)
	}
}
