package blobs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/millrace-dev/millrace/examples/training/blobs"
)

func open(t *testing.T) (blobs.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := blobs.Open(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func TestSameContentSameRef(t *testing.T) {
	s, _ := open(t)
	first, err := s.Put([]byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Put([]byte("one"))
	if err != nil || again != first {
		t.Errorf("second put: %s, %v; want %s", again, err, first)
	}
	other, err := s.Put([]byte("two"))
	if err != nil || other == first {
		t.Errorf("other content: %s, %v", other, err)
	}
	got, err := s.Get(first)
	if err != nil || string(got) != "one" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	s, _ := open(t)
	want := map[string]float64{"x": 0.1}
	ref, err := s.PutJSON(want)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]float64
	if err := s.GetJSON(ref, &got); err != nil || got["x"] != want["x"] {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestGetRefusesWhatIsNotThere(t *testing.T) {
	s, _ := open(t)
	for _, ref := range []blobs.Ref{"", "x", "../../etc/passwd", "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"} {
		if _, err := s.Get(ref); !errors.Is(err, blobs.ErrNotFound) {
			t.Errorf("%q: error is %v, want ErrNotFound", ref, err)
		}
	}
}

func TestGetRefusesChangedContent(t *testing.T) {
	s, dir := open(t)
	ref, err := s.Put([]byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "blobs", string(ref[:2]), string(ref)), []byte("two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ref); !errors.Is(err, blobs.ErrCorrupt) {
		t.Errorf("error is %v, want ErrCorrupt", err)
	}
}

func TestWriteFileReplacesAndLeavesNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "card")
	for _, content := range []string{"long content", "short"} {
		if err := blobs.WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("got %q, %v; want %q", got, err, content)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d entries, %v; want the file alone", len(entries), err)
	}
	if err := blobs.WriteFile(filepath.Join(dir, "absent", "card"), nil); err == nil {
		t.Error("no error for a directory that does not exist")
	}
}
