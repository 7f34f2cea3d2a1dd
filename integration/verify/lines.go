package verify

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// readLines calls each with every whole line of a file, which may be compressed. A last line without its end was being
// written when its process died, and a line that a later process ended for it (see endTornLine) is no JSON: if torn
// allows it, such lines are passed over.
func readLines(name string, torn bool, each func(line []byte) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var from io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(bufio.NewReaderSize(f, 1<<18))
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		from = z
	}
	r := bufio.NewReaderSize(from, 1<<18)
	var long []byte
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, line...)
			line, err = r.ReadSlice('\n')
		}
		if len(long) > 0 {
			long = append(long, line...)
			line, long = long, long[:0]
		}
		switch {
		case errors.Is(err, io.EOF) && (len(line) == 0 || torn):
			return nil
		case err != nil:
			return fmt.Errorf("read %s: line %d: %w", name, n, err)
		}
		if line = bytes.TrimSuffix(line, []byte("\n")); torn && !json.Valid(line) {
			continue
		}
		if err := each(line); err != nil {
			return fmt.Errorf("read %s: line %d: %w", name, n, err)
		}
	}
}

// readAll calls each with every value in the files dir/pattern.
func readAll[T any](dir, pattern string, each func(file int, v T) error) error {
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		return err
	}
	for i, name := range names {
		err := readLines(name, true, func(line []byte) error {
			var v T
			if err := json.Unmarshal(line, &v); err != nil {
				return err
			}
			return each(i, v)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
