// Package integration tests Millrace from the outside: programs written against its public packages, on real servers.
package integration
