package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func found(v verdict, names ...string) []identifier {
	var out []identifier
	for _, name := range names {
		out = append(out, identifier{name: publicName{ourClient, name}, verdict: v})
	}
	return out
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReasons(t *testing.T) {
	reasons, err := readReasons(write(t, "# comment\n\nclient.Schedule* later\nclient.ScheduleRange  is a range \nclient.Dial done\nclient.Never* gone\n"))
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(found(absent, "Schedule", "ScheduleRange"), found(differs, "Client"), found(same, "Dial"))
	texts, stale := explain(reasons, all)
	want := map[string]string{"client.Schedule": "later", "client.ScheduleRange": "is a range"}
	if !maps.Equal(texts, want) {
		t.Errorf("reasons %v, want %v", texts, want)
	}
	if !slices.Equal(stale, []string{"client.Dial", "client.Never*"}) {
		t.Errorf("stale: %v", stale)
	}
}

func TestListsRefuseWhatTheyCannotMean(t *testing.T) {
	for text, want := range map[string]string{"client.A": "has no reason", "client.A x\nclient.A y": "there twice"} {
		if _, err := readReasons(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("reasons %q: %v, want %q", text, err, want)
		}
	}
	for text, want := range map[string]string{"client.Gone": "client.Gone is not an identifier", "client.A\nclient.A": "there twice"} {
		if _, err := readUsed(write(t, text), found(same, "A")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("used %q: %v, want %q", text, err, want)
		}
	}
}

func TestPercentNeverRoundsUp(t *testing.T) {
	almost := tally{total: 1000, same: 949, differs: 51}
	if almost.percent() != "94.9 %" || almost.reaches(95) {
		t.Errorf("949 of 1000: %s, reaches 95: %v", almost.percent(), almost.reaches(95))
	}
	if exact := (tally{total: 20, same: 19}); !exact.reaches(95) {
		t.Error("19 of 20 do not reach 95 %")
	}
}

func TestCheckFailsBelowATargetAndOnStaleReasons(t *testing.T) {
	many := found(same, strings.Split(strings.Repeat("A ", 86), " ")[:86]...)
	gaps := found(absent, strings.Split(strings.Repeat("B ", 14), " ")[:14]...)
	for _, tc := range []struct {
		name  string
		r     result
		stale []string
		want  string
	}{
		{"good", result{all: slices.Concat(many, gaps), used: map[string]bool{"client.A": true}}, nil, ""},
		{"used", result{all: slices.Concat(many, gaps), used: map[string]bool{"client.B": true}}, nil, "of the used identifiers"},
		{"all", result{all: slices.Concat(many, gaps, gaps)}, nil, "of all identifiers"},
		{"stale", result{all: many}, []string{"client.X"}, "client.X"},
	} {
		var out bytes.Buffer
		err := tc.r.conclude(&out, tc.stale, true)
		if got := err != nil; got != (tc.want != "") || got && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
		if err := tc.r.conclude(&out, tc.stale, false); err != nil {
			t.Errorf("%s without -check: %v", tc.name, err)
		}
		if tc.stale != nil && !strings.Contains(out.String(), tc.want) {
			t.Errorf("%s: no word about it in %q", tc.name, out.String())
		}
	}
}

func TestPageListsGapsWithTheirReasons(t *testing.T) {
	all := slices.Concat(found(absent, "Gone"), found(same, "Dial"), found(differs, "Client"))
	all[2].differences = []string{"is `int | string`", "lacks method `A`"}
	r := result{version: "v1", all: all, used: map[string]bool{"client.Client": true}, reasons: map[string]string{"client.Gone": "later"}}
	page := r.page()
	for _, want := range []string{
		"| `client` | 0 | 1 | 0.0 % | 1 | 1 | 1 | 3 | 33.3 % |\n",
		"| **together** | 0 | 1 | 0.0 % | 1 | 1 | 1 | 3 | 33.3 % |\n",
		"## `client`: differs\n\n| identifier | what differs | why |\n|---|---|---|\n| **`Client`** (used) | is `int \\| string`; lacks method `A` |  |\n",
		"## `client`: absent\n\n| identifier | why |\n|---|---|\n| `Gone` | later |\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if strings.Contains(page, "Dial") {
		t.Error("the page lists what is the same")
	}
}
