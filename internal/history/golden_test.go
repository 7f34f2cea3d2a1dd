package history

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "add golden files for samples that have none; existing files never change")

const goldenDir = "testdata/golden"

// goldenName is the part of a golden file's name that says what is in it: the kind of a record, or the name of an
// event's type; a number and an extension follow.
func goldenName(kind string) string { return strings.ReplaceAll(kind, " ", "-") }

func goldenFiles(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(goldenDir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// samples are the bytes that this version writes, by golden name.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for kind := range newRecords {
		r := sampleRecord(kind)
		if tr, ok := r.(*Transition); ok {
			tr.Events = tr.Events[:3] // every event has a file of its own
		}
		all[goldenName(kind)] = encode(t, r)
	}
	for _, e := range sampleEvents() {
		data, err := EncodeEvents([]Event{e})
		if err != nil {
			t.Fatal(err)
		}
		all[e.Type.String()] = data
	}
	return all
}

// Every sample of this version is among the golden files. One that is not shows that the format has grown (add it with
// -update) or that it has changed (which the test of the older files will tell).
func TestGoldenFilesAreComplete(t *testing.T) {
	for name, data := range samples(t) {
		files := goldenFiles(t, name+".[0-9]*.bin")
		found := false
		for _, file := range files {
			stored, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found = found || bytes.Equal(stored, data)
		}
		switch {
		case found:
		case *update:
			file := filepath.Join(goldenDir, fmt.Sprintf("%s.%d.bin", name, len(files)+1))
			writeNew(t, file, data)
			writeNew(t, twin(file), readable(t, data))
		default:
			t.Errorf("%s: no golden file holds what this version writes; run go test ./internal/history -update", name)
		}
	}
}

func writeNew(t *testing.T, file string, data []byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
}

func twin(bin string) string { return strings.TrimSuffix(bin, ".bin") + ".json" }

// Every golden file decodes for ever, into what its JSON twin says, and loses nothing when it is encoded again.
func TestGoldenFilesDecode(t *testing.T) {
	files := goldenFiles(t, "*.bin")
	if len(files) < len(samples(t)) {
		t.Fatalf("%d golden files, want at least %d", len(files), len(samples(t)))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(twin(file))
			if err != nil {
				t.Fatal(err)
			}
			if got := readable(t, data); !bytes.Equal(got, want) {
				t.Errorf("differs from %s:\n%s", twin(file), got)
			}
			if got := recode(t, filepath.Base(file), data); !bytes.Equal(got, data) {
				t.Errorf("encodes again as %x, was %x", got, data)
			}
		})
	}
}

// recode decodes the content of a golden file and encodes it again.
func recode(t *testing.T, file string, data []byte) []byte {
	t.Helper()
	name, _, _ := strings.Cut(file, ".")
	for kind, empty := range newRecords {
		if goldenName(kind) != name {
			continue
		}
		_, decode := empty()
		r, err := decode(data)
		if err != nil {
			t.Fatal(err)
		}
		return encode(t, r)
	}
	events, err := DecodeEvents(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := EncodeEvents(events)
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// readable is msgpack as JSON: keys as they are stored, bytes in base64, times in UTC.
func readable(t testing.TB, data []byte) []byte {
	t.Helper()
	out, err := json.MarshalIndent(utcAll(decodeAny(t, data)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

func utcAll(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = utcAll(v[k])
		}
	case []any:
		for i := range v {
			v[i] = utcAll(v[i])
		}
	case time.Time:
		return v.UTC()
	}
	return v
}
