// Package forgetfs is a file system for Linux that can lose power: on command it forgets whatever no fsync has asked it to
// keep. It is what a test of durability needs to have instead of a plug to pull.
//
// A Disk holds everything twice, in memory: as processes see it, and as it would be found after a power cut. Writes,
// truncations, new names, removed names and renames change the first and wait; an fsync lets those that it speaks of take
// effect on the second; Cut makes the second the first again. Mount shows a Disk to processes through FUSE.
//
// What an fsync speaks of is settled by the Model, for which there are two. Strict is the letter of POSIX: fsync of a file
// keeps its content and nothing else, fsync of a directory keeps its names. A name that nobody kept is gone, and what it
// named with it, however often that was synced. Journal is what ext4 and XFS have in common: names and sizes are
// changed in one order by a journal, and fsync makes the journal keep all changes up to the last one that concerned the
// file or directory; the content of other files is not kept with them. Unlike these, neither model writes anything back by itself, neither after five seconds
// nor when a file replaces another by a rename: a power cut just after the write is the worst that can happen.
//
// What nobody has synced may survive all the same, in part and in any order; Loss says how much of it does.
package forgetfs
