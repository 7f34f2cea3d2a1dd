package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/examples/training/data"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

func publishExpected(t *testing.T) (dir string, spans []span, expected map[string][]byte) {
	t.Helper()
	ds, err := weather.Load(strings.NewReader(data.SeattleWeather()))
	if err != nil {
		t.Fatal(err)
	}
	if spans, err = demoSpans(2); err != nil {
		t.Fatal(err)
	}
	if expected, err = expectedCards(ds, data.FileName, spans); err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for name, content := range expected {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, spans, expected
}

func TestCompareCardsFindsEveryDifference(t *testing.T) {
	dir, _, expected := publishExpected(t)
	digest, err := compareCards(dir, expected)
	if err != nil {
		t.Fatalf("equal cards: %v", err)
	}
	if n := countCards(dir); n != 6 || len(expected) != 12 {
		t.Errorf("%d cards, %d files; want 6 and 12", n, len(expected))
	}
	half := filepath.Join(dir, "winter", ".tmp-1")
	if err := os.WriteFile(half, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if again, err := compareCards(dir, expected); err != nil || again != digest {
		t.Errorf("with a half-written file: %s, %v; want %s", again, err, digest)
	}

	changed, missing, extra := filepath.Join("summer", "2014-07-01.md"), filepath.Join("winter", "2014-01-02.json"), filepath.Join("winter", "2014-01-03.json")
	if err := os.WriteFile(filepath.Join(dir, changed), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, missing), filepath.Join(dir, extra)); err != nil {
		t.Fatal(err)
	}
	other, err := compareCards(dir, expected)
	if err == nil || other == digest {
		t.Fatalf("three differences: error %v, same digest %v", err, other == digest)
	}
	for _, want := range []string{changed + " differs", missing + " is missing", extra + " should not exist"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say that %s", err, want)
		}
	}
}

func TestTableShowsEveryDayAndBothBaselines(t *testing.T) {
	dir, spans, _ := publishExpected(t)
	var out bytes.Buffer
	if err := printTable(&out, dir, spans); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"majority class", "as the day before", "2014-01-02", "2014-07-02", "2014-10-02", "winter: of 2 models"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("table does not show %q:\n%s", want, out.String())
		}
	}
}
