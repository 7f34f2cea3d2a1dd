package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"strings"
)

// outcome is how a step went for a sample: "ok", or what went wrong in a line.
type outcome string

const passed outcome = "ok"

// testEvent is a line of `go test -json`.
type testEvent struct {
	Action      string
	Package     string
	ImportPath  string
	Test        string
	Output      string
	FailedBuild string
}

// testSamples runs the unit tests of the samples below dir, with flags for go test.
func testSamples(ctx context.Context, dir string, names []string, flags ...string) (map[string]outcome, error) {
	args := append([]string{"test", "-json", "-timeout", "120s"}, flags...)
	for _, name := range names {
		args = append(args, "./samples/"+name)
	}
	out, stderr, err := goCommand(ctx, dir, args...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	outcomes := make(map[string]outcome)
	first := make(map[string]string) // what a package or a build complained of first
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var e testEvent
		if err := dec.Decode(&e); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("output of go test: %w: %s", err, stderr)
		}
		name := path.Base(e.Package)
		switch e.Action {
		case "build-output":
			note(first, e.ImportPath, e.Output)
		case "output":
			note(first, e.Package, e.Output)
		case "pass":
			if e.Test == "" {
				outcomes[name] = passed
			}
		case "fail":
			if e.Test == "" {
				why := first[e.Package]
				if e.FailedBuild != "" {
					why = first[e.FailedBuild]
				}
				outcomes[name] = outcome("fails: " + why)
			}
		}
	}
	for _, name := range names {
		if outcomes[name] == "" {
			return nil, fmt.Errorf("go test says nothing about %s: %s", name, stderr)
		}
	}
	return outcomes, nil
}

// note keeps the first line that complains: those of tests are indented.
func note(first map[string]string, key, line string) {
	complaint := strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "panic:") || strings.Contains(line, ".go:") && !strings.HasPrefix(line, "20")
	if first[key] == "" && complaint && !strings.HasPrefix(line, "#") {
		first[key] = strings.TrimSpace(line)
	}
}

func goCommand(ctx context.Context, dir string, args ...string) (stdout, stderr []byte, err error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.Bytes(), errs.Bytes(), err
}
