// Command compat compares the exported surface of Temporal's Go SDK with ours and writes docs/compat.md.
//
// Both sides are type-checked from source and every verdict comes from go/types; only the reasons for the gaps are
// written by hand, in reasons.txt. An identifier of Temporal is
//
//   - the same, if ours has the name and code that compiles against Temporal's compiles against ours once its import
//     paths are rewritten: equal signatures; for interfaces the same methods and no others, since people implement
//     them; for structs every exported field and method, and ours may have more;
//   - different, if the name is there and something of that is not;
//   - absent.
//
// Temporal's public names are mostly aliases of types in an internal package. A type is known by its public names, so
// a signature that mentions workflow.Context here must mention workflow.Context there, and two names of one type must
// stay two names of one type. Nothing that is deprecated or about Nexus counts, neither identifiers nor members: that
// is read from their doc comments, their names and the types they mention.
//
// This is a module of its own because Temporal's SDK must not come near go.mod of Millrace.
package main
