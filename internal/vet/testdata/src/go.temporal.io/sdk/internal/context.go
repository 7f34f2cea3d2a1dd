// Package internal stands for the one of Temporal's SDK.
package internal

type Context interface{ Done() }
