// Package typed executes activities and workflows with the compiler's knowledge of their types: arguments that do not
// fit the function do not compile, and results come back as values instead of through pointers. It stands beside
// packages workflow and client, whose contexts, options and errors it uses, and may be mixed with them.
//
// Functions without a number in their name are for one argument; those that end in 0, 2 and 3 are for as many. A
// function that returns only an error needs no type for its result: call it by package workflow.
package typed
