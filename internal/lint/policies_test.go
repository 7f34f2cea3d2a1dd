package lint

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// source is a module in memory: file names and contents.
type source map[string]string

func (s source) load(t *testing.T) *Tree {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range s {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := Load(fs.FS(fsys))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// ours returns a file that imports packages of this module.
func ours(pkg string, imports ...string) string {
	return importing(pkg, prefixed(imports)...)
}

func prefixed(imports []string) []string {
	out := make([]string, len(imports))
	for i, name := range imports {
		out[i] = strings.TrimSuffix(Module+"/"+name, "/.")
	}
	return out
}

func importing(pkg string, imports ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "// Package %s is a test.\npackage %s\n", pkg, pkg)
	for _, name := range imports {
		fmt.Fprintf(&b, "import _ %q\n", name)
	}
	return b.String()
}

// code returns a file of package p whose function f has that body.
func code(imports, body string) string {
	return "// Package p is a test.\npackage p\n" + imports + "\nfunc f() {\n" + body + "\n}\n"
}

// doctored is a module with or without a violation of one policy.
type doctored struct {
	policy string
	name   string
	src    source
	want   []string // a part of each expected violation, in order; none means that the module is right
}

func TestPoliciesCatchViolations(t *testing.T) {
	all := Policies()
	cases := slices.Concat(layerCases(), libraryCases(), wordCases(), sizeCases(), purityCases(), wireCases())
	for _, tc := range cases {
		t.Run(tc.policy+"/"+tc.name, func(t *testing.T) {
			i := slices.IndexFunc(all, func(p Policy) bool { return p.Name == tc.policy })
			if i < 0 {
				t.Fatalf("no policy %q", tc.policy)
			}
			got := all[i].Check(tc.src.load(t))
			if len(got) != len(tc.want) {
				t.Fatalf("%d violations %v, want %d like %q", len(got), got, len(tc.want), tc.want)
			}
			for j, want := range tc.want {
				if !strings.Contains(got[j].String(), want) {
					t.Errorf("violation %q, want one with %q", got[j], want)
				}
			}
		})
	}
	for _, p := range all {
		caught := slices.ContainsFunc(cases, func(tc doctored) bool { return tc.policy == p.Name && len(tc.want) > 0 })
		passed := slices.ContainsFunc(cases, func(tc doctored) bool { return tc.policy == p.Name && len(tc.want) == 0 })
		if !caught || !passed {
			t.Errorf("policy %q: shown to catch %v, shown to let pass %v; both are needed", p.Name, caught, passed)
		}
	}
}

func layerCases() []doctored {
	const layers = "layers"
	return []doctored{
		{layers, "allowed directly and through others", source{
			"log/log.go":                   ours("log"),
			"streams/streams.go":           ours("streams", "internal/history", "api/common", ".", "log"),
			"worker/worker.go":             ours("worker", "coordinator", "activity", "streams", "internal/replay"),
			"cmd/millrace/main.go":         ours("main", "worker", "internal/devserver", "cmd/millrace/page"),
			"streams/streamstest/suite.go": ours("streamstest", "streams", "internal/devserver/devtest"),
		}, nil},
		{layers, "upwards", source{"workflow/w.go": ours("workflow", "worker")}, []string{"workflow/w.go:3: workflow must not import worker: workflow may import only"}},
		{layers, "sideways", source{"coordinator/c.go": ours("coordinator", "client")}, []string{"coordinator must not import client"}},
		{layers, "log stays below everything", source{"log/l.go": ours("log", "api/enums")}, []string{"log may import nothing of ours"}},
		{layers, "replay has no logger", source{"internal/replay/r.go": ours("replay", "log")}, []string{"internal/replay must not import log"}},
		{layers, "subpackages belong to the layer", source{"streams/memory/m.go": ours("memory", "client")}, []string{"streams/memory must not import client"}},
		{layers, "root upwards", source{"errors.go": ours("millrace", "internal/history")}, []string{". must not import internal/history"}},
		{layers, "nobody imports programs", source{
			"client/c.go":               ours("client", "cmd/millrace"),
			"client/c_test.go":          ours("client", "examples/training"),
			"examples/training/main.go": ours("main", "cmd/millrace"),
		}, []string{"nobody imports cmd", "nobody imports examples", "nobody imports cmd"}},
		{layers, "server in a library", source{"client/c.go": ours("client", "internal/devserver")}, []string{"client must not import internal/devserver"}},
		{layers, "test helper in a library", source{"streams/s.go": ours("streams", "streams/streamstest")}, []string{"streams must not import streams/streamstest: it exists for tests"}},
		{layers, "tests reach further", source{
			"workflow/example_test.go": ours("workflow_test", "worker", "client"),
			"streams/streams_test.go":  ours("streams", "internal/devserver/devtest", "streams/streamstest"),
		}, nil},
		{layers, "tests of the pure core do not", source{"internal/replay/r_test.go": ours("replay", "internal/devserver/devtest")}, []string{"internal/replay must not import internal/devserver/devtest"}},
		{layers, "unknown package", source{"engine/e.go": ours("engine")}, []string{"engine has no place"}},
		{layers, "import of an unknown package", source{"client/c.go": ours("client", "engine")}, []string{"client must not import engine"}},
		{layers, "nested modules are another world", source{
			"tools/go.mod": "module tools", "tools/t.go": ours("tools", "cmd/millrace"), "client/testdata/x.go": ours("x", "worker"),
		}, nil},
	}
}

func libraryCases() []doctored {
	const libraries = "libraries"
	const jetstream, natsgo, server = "github.com/nats-io/nats.go/jetstream", "github.com/nats-io/nats.go", "github.com/nats-io/nats-server/v2/server"
	return []doctored{
		{libraries, "where they belong", source{
			"streams/s.go":              importing("streams", jetstream, natsgo),
			"client/c.go":               importing("client", natsgo),
			"internal/devserver/s.go":   importing("devserver", natsgo, server),
			"cmd/millrace/main.go":      importing("main", server, "github.com/spf13/cobra", "github.com/rs/zerolog"),
			"coordinator/c_test.go":     importing("coordinator", natsgo, server),
			"streams/streamstest/s.go":  importing("streamstest", jetstream),
			"internal/history/codec.go": importing("history", "github.com/vmihailenco/msgpack/v5"),
		}, nil},
		{libraries, "JetStream in the client", source{"client/c.go": importing("client", jetstream)}, []string{"client must not import " + jetstream}},
		{libraries, "NATS in the worker", source{"worker/w.go": importing("worker", natsgo)}, []string{"worker must not import"}},
		{libraries, "server in a library", source{"streams/s.go": importing("streams", server)}, []string{"only cmd, internal/devserver may"}},
		{libraries, "NATS in a test of the pure core", source{"internal/history/h_test.go": importing("history", natsgo)}, []string{"internal/history must not import"}},
		{libraries, "logger in a library", source{"worker/w.go": importing("worker", "github.com/rs/zerolog")}, []string{"worker must not import"}},
		{libraries, "database below cmd", source{"client/c.go": importing("client", "modernc.org/sqlite")}, []string{"only cmd may"}},
		{libraries, "a name that only begins alike", source{"worker/w.go": importing("worker", "github.com/prometheusx/y")}, nil},
	}
}

func wordCases() []doctored {
	const comment, name, open = "package comment", "package name", "open ends"
	return []doctored{
		{comment, "one", source{"p/p.go": code("", ""), "p/q.go": "package p\n", "p/p_test.go": "package p_test\n", "d/d_test.go": "// Package d is tested.\npackage d\n"}, nil},
		{comment, "none", source{"p/p.go": "package p\n"}, []string{"p: package has no package comment"}},
		{comment, "two", source{"p/p.go": code("", ""), "p/q.go": code("", "")}, []string{"p/q.go:1: second package comment of p"}},
		{comment, "in a test", source{"p/p.go": code("", ""), "p/p_test.go": code("", "")}, []string{"package comment in a test file"}},
		{comment, "about something else", source{"p/p.go": "// Helpers.\npackage p\n"}, []string{`does not begin with "Package p "`}},
		{comment, "long outside doc.go", source{"p/p.go": "// Package p is long.\n" + strings.Repeat("// More.\n", longComment) + "package p\n"}, []string{"belongs into doc.go"}},
		{comment, "long in doc.go", source{"p/doc.go": "// Package p is long.\n" + strings.Repeat("// More.\n", longComment) + "package p\n"}, nil},

		{name, "good", source{"api/common/c.go": "package common\n", "p/p.go": "package commonplace\n"}, nil},
		{name, "util", source{"p/p.go": "package util\n"}, []string{"package name util"}},
		{name, "types in a test", source{"p/p_test.go": "package types_test\n"}, []string{"package name types"}},
		{name, "common elsewhere", source{"internal/common/c.go": "package common\n"}, []string{"package name common"}},

		{open, "none", source{"p/p.go": code("", "// A mastodon is not unfinished.")}, nil},
		{open, "mark", source{"p/p.go": code("", "// TO"+"DO: later")}, []string{"file an issue"}},
		{open, "mark in a test", source{"p/p_test.go": code("", "/* FIX"+"ME */")}, []string{"file an issue"}},
		{open, "context", source{"p/p.go": code(`import "context"`, "_ = context.TO"+"DO()")}, []string{"pass the caller's context"}},
	}
}

func sizeCases() []doctored {
	const size = "size"
	lines := func(n int) string { return strings.Repeat("_ = 0\n", n-2) }
	fn := func(n int) string { return "package p\nfunc f() {\n" + lines(n) + "}\n" }
	return []doctored{
		{size, "at the limits", source{"p/p.go": fn(maxFunctionLines), "p/p_test.go": fn(maxTestFunctionLines), "p/ptest/p.go": fn(maxTestFunctionLines)}, nil},
		{size, "long function", source{"p/p.go": fn(maxFunctionLines + 1)}, []string{"p/p.go:2: function f has 71 lines, the limit is 70"}},
		{size, "long test", source{"p/p_test.go": fn(maxTestFunctionLines + 1)}, []string{"function f has 121 lines"}},
		{size, "long file", source{"p/p.go": "package p\n" + strings.Repeat("\n", maxFileLines)}, []string{"file has 601 lines, the limit is 600"}},
		{size, "named exception", source{"api/enums/e.go": "package enums\nfunc (e EventType) String() {\n" + lines(80) + "}\n"}, nil},
		{size, "exception of another", source{"api/enums/e.go": "package enums\nfunc (e *Other) String() {\n" + lines(80) + "}\n"}, []string{"function String has 80 lines"}},
		{size, "generated", source{"p/p.go": "// Code generated by x. DO NOT EDIT.\n\n" + fn(300)}, nil},
	}
}

func purityCases() []doctored {
	const pure, sleep, initFunc = "pure replay", "sleep", "init"
	const file = "internal/replay/p.go"
	clock := `import "time"`
	return []doctored{
		{pure, "arithmetic on times, iterators, atomics", source{
			file:                        code(`import ("time"; "iter"; _ "sync/atomic")`, "var t time.Time; _ = t.Add(time.Second); var s iter.Seq[int]; _ = s"),
			"internal/replay/p_test.go": code(`import ("time"; "sync")`, "go f(); _ = time.Now(); var m sync.Mutex; _ = m"),
			"coordinator/c.go":          code(clock, "_ = time.Now()"),
		}, nil},
		{pure, "clock", source{file: code(clock, "_ = time.Now()")}, []string{"no time.Now"}},
		{pure, "renamed clock", source{file: code(`import clock "time"`, "<-clock.After(1)")}, []string{"no time.After"}},
		{pure, "clock as a value", source{file: code(clock, "now := time.Now; _ = now")}, []string{"no time.Now"}},
		{pure, "context", source{file: code(`import _ "context"`, "")}, []string{"must not import context"}},
		{pure, "lock", source{file: code(`import "sync"`, "var m sync.Mutex; _ = m")}, []string{"must not import sync"}},
		{pure, "goroutine", source{file: code("", "go f()")}, []string{"no goroutines"}},
		{pure, "logger", source{file: code(`import _ "`+Module+`/log"`, "")}, []string{"must not import " + Module + "/log"}},
		{pure, "chance", source{file: code(`import _ "math/rand/v2"`, "")}, []string{"must not import math/rand/v2"}},
		{pure, "below it", source{"internal/replay/deep/p.go": code("", "go f()")}, []string{"no goroutines"}},

		{sleep, "in programs and tests", source{
			"cmd/x/p.go": code(clock, "time.Sleep(1)"), "examples/p.go": code(clock, "time.Sleep(1)"), "integration/p.go": code(clock, "time.Sleep(1)"),
			"client/p_test.go": code(clock, "time.Sleep(1)"), "client/p.go": code(`import "example.org/time2"`, "time.Sleep(1)"),
		}, nil},
		{sleep, "in a library", source{"client/p.go": code(clock, "time.Sleep(1)")}, []string{"client/p.go:5: time.Sleep in a library"}},
		{sleep, "for tests of others", source{"streams/streamstest/p.go": code(clock, "time.Sleep(1)")}, nil},
		{sleep, "by another name", source{"client/p.go": code(`import wait "time"`, "wait.Sleep(1)")}, []string{"time.Sleep in a library"}},

		{initFunc, "a method of that name", source{"p/p.go": "package p\ntype T struct{}\nfunc (T) init() {}\n"}, nil},
		{initFunc, "init function", source{"p/p.go": "package p\nfunc init() {}\n"}, []string{"init function"}},
	}
}

func wireCases() []doctored {
	const wire = "wire"
	format := `import "fmt"`
	return []doctored{
		{wire, "in streams, tests and examples", source{
			"streams/p.go":     code(format, `_ = fmt.Sprintf("millrace.%s", "x"); _ = 10071; _ = "Nats-Msg-Id"`),
			"client/p_test.go": code(format, `_ = fmt.Sprintf("millrace.%s", "x"); _ = 10_164`),
			"examples/p.go":    code("", `_ = "millrace." + "x"`),
		}, nil},
		{wire, "harmless literals", source{"client/p.go": code(format, `_ = fmt.Sprintf("workflow %s", "millrace."); _ = 10000; _ = "millrace.lock"; _ = "a" + "millrace."`)}, nil},
		{wire, "code", source{"client/p.go": code("", "_ = 10071")}, []string{"NATS error code 10071"}},
		{wire, "code with a separator", source{"cmd/x/p.go": code("", "_ = 10_164")}, []string{"NATS error code 10_164"}},
		{wire, "named code", source{"worker/p.go": code(`import "github.com/nats-io/nats.go/jetstream"`, "_ = jetstream.JSErrCodeStreamNotFound")}, []string{"JSErrCodeStreamNotFound"}},
		{wire, "formatted subject", source{"coordinator/p.go": code(format, `_ = fmt.Sprintf("millrace.%s.live", "x")`)}, []string{"fmt.Sprintf"}},
		{wire, "concatenated subject", source{"coordinator/p.go": code("", `x := ""; _ = "millrace." + x + ".live"`)}, []string{"concatenation"}},
		{wire, "header", source{"worker/p.go": code("", `_ = "Nats-Msg-Id"`)}, []string{"header name"}},
		{wire, "API subject", source{"client/p.go": code("", `_ = "$JS.API.INFO"`)}, []string{"of JetStream"}},
	}
}

func TestLoadReportsBrokenSource(t *testing.T) {
	_, err := Load(fstest.MapFS{"p/p.go": &fstest.MapFile{Data: []byte("package")}})
	if err == nil || !strings.Contains(err.Error(), "p/p.go") {
		t.Fatalf("error %v, want one that names p/p.go", err)
	}
}

// TestLayersAreAcyclic: a cycle in the table would allow what the compiler refuses anyway, and hide a mistake.
func TestLayersAreAcyclic(t *testing.T) {
	for layer, set := range closure(below()) {
		if set[layer] {
			t.Errorf("layer %s is below itself", layer)
		}
		for to := range set {
			if layerOf(to) != to {
				t.Errorf("layer %s lists %s, which is no layer", layer, to)
			}
		}
	}
}
