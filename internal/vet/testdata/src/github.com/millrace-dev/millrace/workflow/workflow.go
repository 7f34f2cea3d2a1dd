// Package workflow stands for the real one.
package workflow

import "time"

type Context interface{ Done() }

type Future interface{ Get(Context, any) error }

func Now(Context) time.Time                                    { return time.Now() }
func Sleep(Context, time.Duration) error                       { return nil }
func Go(Context, func(Context))                                {}
func SideEffect(Context, func(Context) any) Future             { return nil }
func ExecuteActivity(Context, any, ...any) Future              { return nil }
func ExecuteLocalActivity(Context, any, ...any) Future         { return nil }
func DeterministicKeys[K comparable, V any](m map[K]V) (k []K) { return nil }
