package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/examples/training/data"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

func TestPublishingAgainWritesTheSameFiles(t *testing.T) {
	ds, err := weather.Load(strings.NewReader(data.SeattleWeather()))
	if err != nil {
		t.Fatal(err)
	}
	day := ds.Days[800].Date
	cards, err := weather.Backfill(ds, data.FileName, day, day)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for range 2 {
		if err := PublishFiles(dir, "spring", cards[0]); err != nil {
			t.Fatal(err)
		}
		want, err := cards[0].JSON()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "spring", day.String()+".json")); err != nil || string(got) != string(want) {
			t.Errorf("JSON of %d bytes, %v; want %d bytes", len(got), err, len(want))
		}
		if got, err := os.ReadFile(filepath.Join(dir, "spring", day.String()+".md")); err != nil || string(got) != string(cards[0].Markdown()) {
			t.Errorf("page of %d bytes, %v", len(got), err)
		}
		if entries, err := os.ReadDir(filepath.Join(dir, "spring")); err != nil || len(entries) != 2 {
			t.Errorf("%d files, %v; want 2", len(entries), err)
		}
	}
	if err := PublishFiles(dir, "../elsewhere", cards[0]); !errors.Is(err, ErrInput) {
		t.Errorf("range that leaves the directory: error is %v, want ErrInput", err)
	}
}

func TestInputsAreChecked(t *testing.T) {
	tests := map[string]struct {
		err  error
		want string
	}{
		"empty range":      {checkRange(""), "want 1 to 40"},
		"long range":       {checkRange(strings.Repeat("x", 41)), "want 1 to 40"},
		"path":             {checkRange("a/b"), "'/' is not"},
		"no days":          {BackfillInput{Range: "a"}.check(), "days 0: want 1 to 366"},
		"too many days":    {BackfillInput{Range: "a", Days: 367}.check(), "days 367: want 1 to 366"},
		"negative ahead":   {BackfillInput{Range: "a", Days: 1, Ahead: -1}.check(), "ahead -1"},
		"ends before":      {DailyInput{Range: "a", Date: 20, Last: 19}.check(), "want 1970-01-21 or later"},
		"negative waiting": {DailyInput{Range: "a", Interval: -1}.check(), "interval -1ns"},
	}
	for name, tt := range tests {
		if !errors.Is(tt.err, ErrInput) || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: error is %v, want ErrInput with %q", name, tt.err, tt.want)
		}
	}
	for _, err := range []error{
		checkRange("winter-2014"), BackfillInput{Range: "a", Days: 366}.check(),
		DailyInput{Range: "a", Date: 20, Last: 20}.check(), DailyInput{Range: "a", Date: 20}.check(),
	} {
		if err != nil {
			t.Errorf("right input: %v", err)
		}
	}
}
