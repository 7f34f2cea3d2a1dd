// Package devserver runs a nats-server inside the calling process: the broker of `millrace dev` and of every test
// that needs a real one. It is the only package that embeds nats-server.
//
// nats-server itself happily starts twice on one data directory, and both servers then acknowledge writes into the
// same files. Start therefore holds an exclusive lock on the directory for as long as the server lives; the second
// starter gets a *LockedError that names the holder. The kernel drops the lock when its process dies, however it
// dies, so a lock never has to be cleaned up by hand.
package devserver
