// Package hostile holds tests that give a namespace what nobody should send: sizes around every limit, and malformed
// messages on every subject, while healthy runs go on beside.
package hostile
