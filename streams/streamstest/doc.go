// Package streamstest holds a model of a namespace's streams in memory, and the conformance suite that the model and the
// real streams pass alike. Tests of coordinators, workers and clients use the model: it is fast, its time can be moved,
// and a hook decides how every call is answered, including the answers that a real broker gives rarely.
//
// The model is trusted only because of the suite. What the suite does not check, the model may get wrong.
package streamstest
