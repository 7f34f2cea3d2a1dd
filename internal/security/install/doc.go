// Package install makes the configuration of a small secured installation: an operator, the engine's account and those of
// tenants, users with the permissions of their roles, certificates, and the files of nats-server that name all of them.
// It computes; whoever calls it writes the files.
package install
