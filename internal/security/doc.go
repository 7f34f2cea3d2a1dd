// Package security says who may do what at the broker: the roles of an installation, the subjects that each may publish
// and subscribe to, and what accounts export to each other. Whoever writes a server's configuration takes it from here, and
// so do the tests that try each subject with each role.
//
// There are two kinds of accounts. The engine's account holds the streams; whoever has a user there is trusted with all
// namespaces. A tenant's account holds nothing: it imports the gateway of the namespaces that it was given, and its users
// have no subject of JetStream.
//
// All permissions are lists of what is allowed. What is in none of them is denied.
package security
