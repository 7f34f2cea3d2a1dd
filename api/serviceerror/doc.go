// Package serviceerror holds the errors with which the engine answers a client's request, by Temporal's names. Tell them
// apart with errors.As; the error's text is its Message.
package serviceerror
