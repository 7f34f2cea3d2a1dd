// Package powerloss holds tests of what is left on a disk: when the power goes, when the disk fills up, and when what
// is on it is no longer what was written.
//
// A site is one nats-server, or three, each a process of its own on a forgetfs.Disk. A power cut is SIGKILL for the
// server, after which its disk forgets what nobody had synced, and another process starts on what is left. Clients and
// workers stay alive: they are other machines, which remember what they were told. Operations and executions are noted
// on the real disk as package verify wants them.
//
// The tests need Linux, root and /dev/fuse, and skip elsewhere, saying so.
package powerloss
