// Package migrate brings Go programs over from Temporal's Go SDK: it rewrites the import paths of a tree of files to
// those of this module and says which of the names that they use have no equivalent here yet.
//
// Files are changed at the bytes of their import declarations and nowhere else. A file that was formatted by gofmt
// stays so: its rewritten imports move to their place within their group.
//
// What this module has is in surface.txt, which `make compat` computes from the source of both sides. Packages that
// it lacks keep Temporal's path, so that a later version of this package finds them again.
package migrate
