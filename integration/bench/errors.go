package main

import "errors"

var (
	// errTarget means that a requirement of docs/benchmarks.md is not met.
	errTarget = errors.New("target missed")
	// errRegressed means that a ratio is too far below the one that was recorded.
	errRegressed = errors.New("below the recorded ratio")
	// errUnrecorded means that what was measured and what is recorded are not the same ratios: nothing would watch over
	// some of them.
	errUnrecorded = errors.New("not compared: record anew with -quick -record")
)
