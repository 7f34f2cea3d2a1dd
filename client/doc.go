// Package client starts workflows and talks to their runs: signals, queries, cancellation, results, histories. Its
// names, signatures and meanings are those of Temporal's Go SDK; what lies underneath is a NATS connection.
//
// A Client is safe for concurrent use and meant to live as long as its process.
package client
