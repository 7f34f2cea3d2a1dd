package main

import "path/filepath"

// layout names the directories of one demo.
type layout struct{ root string }

func (l layout) nats() string     { return filepath.Join(l.root, "nats") }
func (l layout) blobs() string    { return filepath.Join(l.root, "blobs") }
func (l layout) cards() string    { return filepath.Join(l.root, "cards") }
func (l layout) journals() string { return filepath.Join(l.root, "journals") }
func (l layout) logs() string     { return filepath.Join(l.root, "logs") }
func (l layout) data() string     { return filepath.Join(l.root, "data.csv") }
