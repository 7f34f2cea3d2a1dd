// Package vet finds workflow code that is not deterministic: code that may do something else when a run is replayed
// from its history, which then fails or blocks the run.
//
// Workflow code is every function with a parameter of type workflow.Context, of Millrace or of Temporal's SDK, what
// is written inside it, and the functions of the same module that it calls, directly or through others. Functions that
// are called through interfaces or variables are not followed, nor is code of other modules, except the functions that
// this package knows by name. What workflow code hands to others to run, activities and the functions of SideEffect,
// may do anything. Test files are left out.
//
// A comment that begins with //millrace:allow silences the line that it is on, or the line below if it stands alone;
// in the comment of a function it silences the whole function. What follows on that line is the reason.
package vet
