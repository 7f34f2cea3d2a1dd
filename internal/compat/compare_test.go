package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"
)

// sources is one side in memory: import paths and files, those that are imported first.
type sources [][2]string

func (s sources) check(t *testing.T) *world {
	t.Helper()
	w := &world{packages: make(map[string]*types.Package), notes: make(map[types.Object]note)}
	fset := token.NewFileSet()
	for _, src := range s {
		path, text := src[0], src[1]
		file, err := parser.ParseFile(fset, path+".go", text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		info := &types.Info{Defs: make(map[*ast.Ident]types.Object)}
		cfg := types.Config{Importer: importerOf(w.packages)}
		pkg, err := cfg.Check(path, fset, []*ast.File{file}, info)
		if err != nil {
			t.Fatal(err)
		}
		w.packages[path] = pkg
		takeNotes(w.notes, []*ast.File{file}, info)
	}
	return w
}

type importerOf map[string]*types.Package

func (i importerOf) Import(path string) (*types.Package, error) { return i[path], nil }

const (
	sdkInternal = temporalSDK + "/internal"
	sdkWorkflow = temporalSDK + "/workflow"
	sdkClient   = temporalSDK + "/client"
	ourWorkflow = ourModule + "/workflow"
	ourClient   = ourModule + "/client"
)

// verdicts compares the two sides and returns "name: verdict", with the differences where there are any.
func verdicts(t *testing.T, theirs, ours sources) []string {
	t.Helper()
	var out []string
	for _, id := range newComparer(theirs.check(t), ours.check(t)).compareAll() {
		line := id.name.String() + ": " + string(id.verdict)
		if len(id.differences) > 0 {
			line += ": " + strings.Join(id.differences, "; ")
		}
		out = append(out, line)
	}
	return out
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// TestDeclarations compares a package workflow of theirs with one of ours.
func TestDeclarations(t *testing.T) {
	for _, tc := range []struct {
		name         string
		theirs, ours string
		want         []string
	}{
		{"equal functions", `func F[K ~int | ~string](a int, b ...K) error { return nil }`, `func F[T ~int | ~string](x int, y ...T) error { return nil }`, []string{"workflow.F: same"}},
		{"other constraint", `func F[K ~int](a K) {}`, `func F[K int](a K) {}`, []string{"workflow.F: differs: is `func[K int](a K)`, Temporal has `func[K ~int](a K)`"}},
		{"comparable is not any", `func F[K comparable](a K) {}`, `func F[K any](a K) {}`, []string{"workflow.F: differs: is `func[K any](a K)`, Temporal has `func[K comparable](a K)`"}},
		{"not variadic", `func F(b ...int)`, `func F(b []int)`, []string{"workflow.F: differs: is `func(b []int)`, Temporal has `func(b ...int)`"}},
		{"absent", `func F()`, `func f() {}`, []string{"workflow.F: absent"}},
		{"another kind", `func F()`, `var F func()`, []string{"workflow.F: differs: is a var, Temporal has a func"}},
		{"typed constant", `const C string = ""`, `const C = ""`, []string{"workflow.C: differs: is `untyped string`, Temporal has `string`"}},
		{"value of a constant", `const C = 1`, `const C = 2`, []string{"workflow.C: same"}},
		{"unexported", `func f()`, ``, nil},
		{"Nexus within", "type S struct { F interface { A(); RegisterNexus() } }", "type S struct { F interface { A() } }", []string{"workflow.S: same"}},
		{"Nexus", "type NexusX int\nfunc F() NexusX\nvar V map[string]NexusX", ``, nil},
		{"deprecated", "// F is old.\n//\n// Deprecated: use G.\nfunc F()\n// Deprecated: gone.\ntype T int\nfunc G(t *T)\nconst C T = 1", ``, nil},
		{"deprecated elsewhere in the comment", "// F replaces a Deprecated: thing.\nfunc F()", ``, []string{"workflow.F: absent"}},
		{
			"interface", "type I interface {\nA()\nB(int)\nC()\n// Deprecated: use A.\nD()\nNexusE()\n}", "type I interface { B(string); C(); X() }",
			[]string{"workflow.I: differs: lacks method `A`; method `B` is `func(string)`, Temporal has `func(int)`; asks for method `X` as well"},
		},
		{"deprecated method that is there", "type I interface {\nA()\n// Deprecated: use A.\nD()\n}", "type I interface { A(); D() }", []string{"workflow.I: same"}},
		{"closed interface may have more", "type I interface { A(); mustEmbed() }", "type I interface { A(); X() }", []string{"workflow.I: same"}},
		{"open interface cannot be closed", "type I interface { A() }", "type I interface { A(); mustEmbed() }", []string{"workflow.I: differs: asks for method `mustEmbed` as well"}},
		{"struct for an interface", "type I interface { A() }", "type I struct{}", []string{"workflow.I: differs: is `struct{}`, Temporal has an interface"}},
		{
			"struct", "type S struct {\nA int\nB []string\n// Deprecated: use B.\nC int\nd int\nE *S\n}", "type S struct { E *S; B []int; X int }",
			[]string{"workflow.S: differs: lacks field `A`; field `B` is `[]int`, Temporal has `[]string`"},
		},
		{"fields of a struct that cannot be named", "type S struct { impl }\ntype impl struct { A int }", "type S struct { A int }", []string{"workflow.S: same"}},
		{"methods", "type S struct{}\nfunc (S) A()\nfunc (*S) B()\nfunc (*S) C()", "type S struct{}\nfunc (*S) A() {}\nfunc (S) B() {}", []string{"workflow.S: differs: method `A` needs a pointer; lacks method `C`"}},
		{"underlying type", "type T int", "type T int32", []string{"workflow.T: differs: is `int32`, Temporal has `int`"}},
		{"a type that leads to itself", "type T func(T) *T", "type T func(T) *T", []string{"workflow.T: same"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := verdicts(t,
				sources{{sdkWorkflow, "package workflow\n" + tc.theirs}},
				sources{{ourWorkflow, "package workflow\n" + tc.ours}})
			expect(t, got, tc.want...)
		})
	}
}

func TestInternalTypesAreKnownByTheirPublicNames(t *testing.T) {
	theirs := sources{
		{sdkInternal, "package internal\ntype Context interface { Err() error }\ntype Options struct { Ctx Context }\nfunc F(ctx Context, o Options)"},
		{sdkWorkflow, "package workflow\nimport \"" + sdkInternal + "\"\ntype (\nContext = internal.Context\nSettings = internal.Options\n)\nvar F = internal.F"},
	}
	expect(t, verdicts(t, theirs, sources{
		{ourWorkflow, "package workflow\ntype Context interface { Err() error }\ntype Settings struct { Ctx Context }\nvar F func(ctx Context, o Settings)"},
	}), "workflow.Context: same", "workflow.F: same", "workflow.Settings: same")
	expect(t, verdicts(t, theirs, sources{
		{ourWorkflow, "package workflow\ntype Context interface { Err() error }\ntype Settings struct { Ctx interface { Err() error } }\nvar F func(ctx Context, o *Settings)"},
	}),
		"workflow.Context: same",
		"workflow.F: differs: is `func(ctx workflow.Context, o *workflow.Settings)`, Temporal has `func(ctx workflow.Context, o workflow.Settings)`",
		"workflow.Settings: differs: field `Ctx` is `interface{Err() error}`, Temporal has `workflow.Context`")
}

func TestTwoNamesOfOneTypeStaySo(t *testing.T) {
	theirs := sources{
		{sdkInternal, "package internal\ntype Version struct { ID string }"},
		{sdkWorkflow, "package workflow\nimport \"" + sdkInternal + "\"\ntype Version = internal.Version"},
		{sdkClient, "package client\nimport \"" + sdkInternal + "\"\ntype BuildVersion = internal.Version"},
	}
	expect(t, verdicts(t, theirs, sources{
		{ourWorkflow, "package workflow\ntype Version struct { ID string }"},
		{ourClient, "package client\nimport \"" + ourWorkflow + "\"\ntype BuildVersion = workflow.Version"},
	}), "workflow.Version: same", "client.BuildVersion: same")
	expect(t, verdicts(t, theirs, sources{
		{ourWorkflow, "package workflow\ntype Version struct { ID string }"},
		{ourClient, "package client\ntype BuildVersion struct { ID string }"},
	}), "workflow.Version: differs: is another type than `client.BuildVersion`", "client.BuildVersion: differs: is another type than `workflow.Version`")
}

func TestTypesWithoutAPublicNameAreComparedByMembers(t *testing.T) {
	theirs := sources{
		{sdkInternal, "package internal\ntype Callbacks interface { Done(Callbacks); Fail() }"},
		{sdkWorkflow, "package workflow\nimport \"" + sdkInternal + "\"\nfunc F(c internal.Callbacks)"},
	}
	expect(t, verdicts(t, theirs, sources{
		{ourWorkflow, "package workflow\ntype Result interface { Done(Result); Fail() }\nfunc F(r Result) {}"},
	}), "workflow.F: same")
	expect(t, verdicts(t, theirs, sources{
		{ourWorkflow, "package workflow\ntype Result interface { Done(Result) }\nfunc F(r Result) {}"},
	}), "workflow.F: differs: is `func(r workflow.Result)`, Temporal has `func(c internal.Callbacks)`")
}

// An interface without a public name that has the methods of a named one is interchangeable with it, and the gaps of
// the named one are counted there.
func TestTwinInterfacesAreKnownByOneName(t *testing.T) {
	theirs := sources{
		{sdkInternal, "package internal\ntype Client interface { Close(); List() }"},
		{sdkWorkflow, "package workflow\nimport \"" + sdkInternal + "\"\nfunc GetClient() internal.Client"},
		{sdkClient, "package client\ntype Client interface { Close(); List() }"},
	}
	expect(t, verdicts(t, theirs, sources{
		{ourClient, "package client\ntype Client interface { Close() }"},
		{ourWorkflow, "package workflow\nimport \"" + ourClient + "\"\nfunc GetClient() client.Client { return nil }"},
	}), "workflow.GetClient: same", "client.Client: differs: lacks method `List`")
}

func TestTypesOfTheAPIAreFoundByPath(t *testing.T) {
	const theirAPI, ourAPI, other = temporalAPI + "/common/v1", ourModule + "/api/common", "example.com/other/v2"
	theirs := sources{
		{theirAPI, "package common\ntype Payload struct { state int }"},
		{other, "package other\ntype T int"},
		{sdkWorkflow, "package workflow\nimport \"" + theirAPI + "\"\nimport \"" + other + "\"\nvar P *common.Payload\nvar T other.T"},
	}
	expect(t, verdicts(t, theirs, sources{
		{ourAPI, "package common\ntype Payload struct { Data []byte }"},
		{other, "package other\ntype T int"},
		{ourWorkflow, "package workflow\nimport \"" + ourAPI + "\"\nimport \"" + other + "\"\nvar P *common.Payload\nvar T other.T"},
	}), "workflow.P: same", "workflow.T: same")
	expect(t, verdicts(t, theirs, sources{
		{ourWorkflow, "package workflow\ntype Payload struct{}\nvar P *Payload\nvar T int"},
	}),
		"workflow.P: differs: is `*workflow.Payload`, Temporal has `*common.Payload`",
		"workflow.T: differs: is `int`, Temporal has `other.T`")
}

// A type stays in as long as one of its names is not deprecated.
func TestDeprecatedNamesOfATypeThatStays(t *testing.T) {
	const alias = "package %\nimport \"" + sdkInternal + "\"\n"
	internal := [2]string{sdkInternal, "package internal\ntype T int"}
	old := [2]string{sdkClient, strings.Replace(alias, "%", "client", 1) + "// Deprecated: see workflow.\ntype T = internal.T\nfunc F(t internal.T)"}
	kept := [2]string{sdkWorkflow, strings.Replace(alias, "%", "workflow", 1) + "type T = internal.T"}
	expect(t, verdicts(t, sources{internal, old}, nil))
	expect(t, verdicts(t, sources{internal, old, kept}, nil), "workflow.T: absent", "client.F: absent")
}
