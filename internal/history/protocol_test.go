package history

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace-dev/millrace/api/enums"
)

// key is one msgpack key of a struct.
type key struct {
	Name     string
	Field    string
	Owner    reflect.Type // the struct that declares the field, which may be an inlined one
	Type     reflect.Type
	Optional bool
}

// keysOf lists the msgpack keys of a struct, those of inlined structs in their place.
func keysOf(typ reflect.Type) []key {
	var keys []key
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("msgpack"), ",")
		if strings.Contains(options, "inline") {
			keys = append(keys, keysOf(f.Type)...)
			continue
		}
		optional := strings.Contains(options, "omitempty")
		keys = append(keys, key{Name: name, Field: f.Name, Owner: typ, Type: f.Type, Optional: optional})
	}
	return keys
}

func TestEveryStoredFieldHasAKeyOfItsOwn(t *testing.T) {
	for _, typ := range storedTypes() {
		seen := map[string]string{}
		for _, k := range keysOf(typ) {
			if k.Name == "" || k.Name == "-" {
				t.Errorf("%v.%s has no key", typ, k.Field)
			}
			if other, twice := seen[k.Name]; twice {
				t.Errorf("%v: fields %s and %s have the key %q", typ, other, k.Field, k.Name)
			}
			seen[k.Name] = k.Field
		}
		if k := keysOf(typ)[0]; isRecord(typ) && k.Name != "v" {
			t.Errorf("the first key of %v is %q: it must be the version, by which readers know newer formats", typ, k.Name)
		}
	}
}

// storedTypes are all structs that records are made of, records first, then attributes by the number of their event,
// then the rest by name.
func storedTypes() []reflect.Type {
	var all []reflect.Type
	for _, kind := range slices.Sorted(maps.Keys(newRecords)) {
		r, _ := newRecords[kind]()
		all = append(all, reflect.TypeOf(r).Elem())
	}
	for _, n := range eventTypes() {
		all = append(all, reflect.TypeOf(newAttributes(n)).Elem())
	}
	roots := len(all)
	for i := 0; i < len(all); i++ {
		for _, k := range keysOf(all[i]) {
			if elem := structIn(k.Type); elem != nil && !slices.Contains(all, elem) {
				all = append(all, elem)
			}
		}
	}
	slices.SortFunc(all[roots:], func(a, b reflect.Type) int { return cmp.Compare(a.Name(), b.Name()) })
	return all
}

// structIn is the struct of ours that a field's type holds, nil for none.
func structIn(typ reflect.Type) reflect.Type {
	switch typ.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return structIn(typ.Elem())
	case reflect.Struct:
		if typ != reflect.TypeFor[time.Time]() && typ != reflect.TypeFor[Event]() {
			return typ
		}
	}
	return nil
}

func isRecord(typ reflect.Type) bool {
	return reflect.PointerTo(typ).Implements(reflect.TypeFor[record]())
}

const protocolPage = "../../docs/protocol.md"

// The tables of docs/protocol.md are those that follow from the structs; -update writes them.
func TestProtocolPageHasTheTables(t *testing.T) {
	page, err := os.ReadFile(protocolPage)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- The tables from here on are generated: go test ./internal/history -run Protocol -update -->\n",
		"<!-- End of the generated tables. -->\n"
	before, rest, ok1 := bytes.Cut(page, []byte(begin))
	old, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok1 || !ok2 {
		t.Fatalf("%s has lost the comments around its tables", protocolPage)
	}
	tables := protocolTables(t)
	if string(old) == tables {
		return
	}
	if !*update {
		t.Fatalf("the tables of %s are not those of the structs: run go test ./internal/history -run Protocol -update", protocolPage)
	}
	page = slices.Concat(before, []byte(begin), []byte(tables), []byte(end), after)
	if err := os.WriteFile(protocolPage, page, 0o644); err != nil {
		t.Fatal(err)
	}
}

// protocolTables writes the reference: a table for every stored struct and every enumeration in them.
func protocolTables(t *testing.T) string {
	docs := readDocs(t, ".", "../../api/common", "../../api/failure", "../../api/enums")
	var b strings.Builder
	var enumerations []reflect.Type
	section := ""
	for _, typ := range storedTypes() {
		attributes, isEvent := reflect.New(typ).Interface().(Attributes)
		here := "## Parts"
		switch {
		case isRecord(typ):
			here = "## Records"
		case isEvent:
			here = "## Events"
		}
		if here != section {
			section = here
			fmt.Fprintf(&b, "\n%s\n", here)
		}
		title := typ.Name()
		if isEvent {
			title = fmt.Sprintf("%d %s", attributes.EventType(), title)
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n| key | field | value | |\n|---|---|---|---|\n", title, docs[typ.Name()])
		for _, k := range keysOf(typ) {
			value, enumeration := wireType(k.Type)
			if enumeration != nil && !slices.Contains(enumerations, enumeration) {
				enumerations = append(enumerations, enumeration)
			}
			if k.Optional {
				value += ", optional"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Name, k.Field, value, docs[k.Owner.Name()+"."+k.Field])
		}
	}
	slices.SortFunc(enumerations, func(a, b reflect.Type) int { return cmp.Compare(a.Name(), b.Name()) })
	b.WriteString("\n## Enumerations\n\n0 is unspecified in all of them: an optional field is absent then.\n\n| name | values |\n|---|---|\n")
	for _, typ := range enumerations {
		fmt.Fprintf(&b, "| %s | %s |\n", typ.Name(), strings.Join(enumValues(typ), ", "))
	}
	b.WriteString("\n")
	return b.String()
}

// wireType says what a field's value is in msgpack, and which enumeration it is of.
func wireType(typ reflect.Type) (text string, enumeration reflect.Type) {
	switch typ {
	case reflect.TypeFor[time.Time]():
		return "timestamp", nil
	case reflect.TypeFor[Millis]():
		return "integer, milliseconds", nil
	case reflect.TypeFor[[]byte]():
		return "binary", nil
	case reflect.TypeFor[[]Event]():
		return "array of events", nil
	}
	if typ.PkgPath() == reflect.TypeFor[enums.EventType]().PkgPath() {
		return "integer, " + typ.Name(), typ
	}
	switch typ.Kind() {
	case reflect.Pointer:
		return wireType(typ.Elem())
	case reflect.Slice:
		text, enumeration = wireType(typ.Elem())
		return "array of " + text, enumeration
	case reflect.Map:
		text, enumeration = wireType(typ.Elem())
		return "map of " + text, enumeration
	case reflect.Struct:
		anchor := strings.ToLower(typ.Name())
		if a, ok := reflect.New(typ).Interface().(Attributes); ok {
			anchor = fmt.Sprintf("%d-%s", a.EventType(), anchor)
		}
		return fmt.Sprintf("[%s](#%s)", typ.Name(), anchor), nil
	case reflect.Bool:
		return "boolean", nil
	case reflect.String:
		return "string", nil
	case reflect.Float64:
		return "float", nil
	}
	return "integer", nil
}

func enumValues(typ reflect.Type) []string {
	var values []string
	for n := int64(1); n < 100; n++ {
		v := reflect.New(typ).Elem()
		v.SetInt(n)
		if name := v.Interface().(fmt.Stringer).String(); name != strconv.FormatInt(n, 10) {
			values = append(values, fmt.Sprintf("%d %s", n, name))
		}
	}
	return values
}

// readDocs collects the comments of types ("Start") and fields ("Start.Delay") in the sources of packages.
func readDocs(t *testing.T, dirs ...string) map[string]string {
	t.Helper()
	docs := map[string]string{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range f.Decls {
				if g, ok := decl.(*ast.GenDecl); ok {
					collectDocs(g, docs)
				}
			}
		}
	}
	return docs
}

func collectDocs(g *ast.GenDecl, docs map[string]string) {
	for _, spec := range g.Specs {
		s, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		docs[s.Name.Name] = oneLine(cmp.Or(s.Doc.Text(), g.Doc.Text()))
		fields, ok := s.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range fields.Fields.List {
			for _, name := range f.Names {
				docs[s.Name.Name+"."+name.Name] = oneLine(cmp.Or(f.Doc.Text(), f.Comment.Text()))
			}
		}
	}
}

func oneLine(comment string) string { return strings.Join(strings.Fields(comment), " ") }
