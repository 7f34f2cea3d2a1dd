// Package security attacks installations: first one in which all share an account, to see that the attacks work there, and
// then one with accounts as internal/security describes them, in which none may.
package security
