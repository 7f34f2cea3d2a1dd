package main

import (
	"go/types"
	"testing"
)

// TestTemporalBesideItself compares the SDK with itself under our paths: whatever counts must be the same, or the rules
// find differences that are not there.
func TestTemporalBesideItself(t *testing.T) {
	theirs, err := loadTemporal(".")
	if err != nil {
		t.Fatal(err)
	}
	mirror := &world{packages: make(map[string]*types.Package), notes: theirs.notes}
	var add func(pkg *types.Package)
	add = func(pkg *types.Package) {
		path := rewrite(pkg.Path())
		if path == pkg.Path() || mirror.packages[path] != nil {
			return
		}
		mirror.packages[path] = pkg
		for _, imported := range pkg.Imports() {
			add(imported)
		}
	}
	for _, pkg := range theirs.packages {
		add(pkg)
	}
	c := newComparer(theirs, mirror)
	all := c.compareAll()
	if len(all) < 600 {
		t.Errorf("%d identifiers: the surface was not understood", len(all))
	}
	for _, id := range all {
		if id.verdict != same {
			t.Errorf("%s: %s %q", id.name, id.verdict, id.differences)
		}
	}
	if twins := c.twins(theirs.lookup(temporalSDK+"/internal", "Client").Type().(*types.Named)); len(twins) != 1 {
		t.Errorf("internal.Client, which activity.GetClient returns, is known as %v, want client.Client", twins)
	}
	used, err := readUsed("used.txt", all)
	if err != nil {
		t.Fatal(err)
	}
	if len(used) != 175 {
		t.Errorf("%d used identifiers, want 175", len(used))
	}
	if theirs.version != "v1.48.0" {
		t.Errorf("version %q of the SDK: used.txt and the targets are for v1.48.0", theirs.version)
	}
}
