package lint

import "strings"

// confined says where a library may be imported.
type confined struct {
	library string   // import path; packages below it are meant too
	except  []string // import paths below library that have an entry of their own
	where   []string // directories, with what is below them
	tests   bool     // tests, and packages that exist for tests, may import it anywhere outside strict
}

func confinements() []confined {
	programs := []string{"cmd", "examples", "integration"}
	return []confined{
		// Only streams knows JetStream; client names the connection options of nats.go in its own.
		{library: "github.com/nats-io/nats.go/jetstream", where: append([]string{"streams"}, programs...), tests: true},
		{library: "github.com/nats-io/nats.go/micro", where: append([]string{"streams"}, programs...), tests: true},
		{
			library: "github.com/nats-io/nats.go",
			except:  []string{"github.com/nats-io/nats.go/jetstream", "github.com/nats-io/nats.go/micro"},
			where:   append([]string{"streams", "client", "internal/devserver", "contrib/envconfig"}, programs...), tests: true,
		},
		// A program that uses the client must not carry a server.
		{library: "github.com/nats-io/nats-server", where: []string{"cmd", "internal/devserver"}, tests: true},
		{library: "github.com/synadia-io/orbit.go", where: append([]string{"client", "contrib/envconfig"}, programs...)},
		// Libraries log through package log; programs choose the logger.
		{library: "github.com/rs/zerolog", where: append([]string{"log", "contrib"}, programs...)},
		{library: "github.com/spf13/cobra", where: []string{"cmd", "examples"}},
		// The storage format is encoded where its words are defined, payloads in converter.
		{library: "github.com/vmihailenco/msgpack", where: []string{".", "api", "internal/history", "converter", "cmd"}},
		// Mocks are for tests, and for the package that tests of programs import.
		{library: "github.com/stretchr/testify", where: []string{"testsuite"}, tests: true},
		// Protobuf is a form of payloads, never one of ours.
		{library: "google.golang.org/protobuf", where: []string{"converter", "cmd", "contrib", "examples"}},
		// What a cron schedule means is said in one place.
		{library: "github.com/robfig/cron", where: []string{"internal/cron"}},
		// Heavy graphs stay above the libraries.
		{library: "modernc.org/sqlite", where: []string{"cmd"}},
		{library: "go.opentelemetry.io/otel/sdk", where: []string{"cmd", "contrib", "examples"}},
		{library: "go.opentelemetry.io/otel/exporters", where: []string{"cmd", "contrib", "examples"}},
		{library: "github.com/prometheus", where: []string{"cmd", "contrib", "examples"}},
		{library: "charm.land", where: []string{"cmd", "examples"}},
	}
}

// checkLibraries keeps libraries of others where they belong.
func checkLibraries(t *Tree) []Violation {
	rules := confinements()
	var out []Violation
	for _, f := range t.Files {
		for _, spec := range f.Imports {
			pkg := importPath(spec)
			for _, c := range rules {
				if c.matches(pkg) && !c.allows(f) {
					out = append(out, t.violation(spec, "%s must not import %s: only %s may", f.Dir, pkg, strings.Join(c.where, ", ")))
				}
			}
		}
	}
	return out
}

func (c confined) matches(pkg string) bool {
	return within(pkg, c.library) && !withinAny(pkg, c.except)
}

func (c confined) allows(f *File) bool {
	if withinAny(f.Dir, c.where) {
		return true
	}
	if !c.tests || !f.Test && !isTestHelper(f.Dir) {
		return false
	}
	for _, layer := range strict {
		if layerOf(f.Dir) == layer {
			return false
		}
	}
	return true
}
