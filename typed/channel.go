package typed

import "github.com/millrace-dev/millrace/workflow"

// ReceiveChannel is a channel whose values are of type T. The zero value is not usable.
type ReceiveChannel[T any] struct{ channel workflow.ReceiveChannel }

// GetSignalChannel returns the channel of the signals of that name.
func GetSignalChannel[T any](ctx workflow.Context, name string) ReceiveChannel[T] {
	return ReceiveChannel[T]{workflow.GetSignalChannel(ctx, name)}
}

// Receive blocks until there is a value. more is false when the channel is closed and empty, which that of a signal
// never is.
func (c ReceiveChannel[T]) Receive(ctx workflow.Context) (value T, more bool) {
	more = c.channel.Receive(ctx, &value)
	return value, more
}

// ReceiveAsync returns a value if there is one.
func (c ReceiveChannel[T]) ReceiveAsync() (value T, ok bool) {
	ok = c.channel.ReceiveAsync(&value)
	return value, ok
}

// Untyped is the same channel for package workflow.
func (c ReceiveChannel[T]) Untyped() workflow.ReceiveChannel { return c.channel }

// AddReceive adds c to a selector, which calls fn with the value that it receives. It returns the selector.
func AddReceive[T any](ctx workflow.Context, s workflow.Selector, c ReceiveChannel[T], fn func(value T, more bool)) workflow.Selector {
	return s.AddReceive(c.channel, func(workflow.ReceiveChannel, bool) { fn(c.Receive(ctx)) })
}

// SideEffect returns what fn returns, which is recorded: replay returns the same without calling fn. It must not be used
// to change anything, and fn must not fail.
func SideEffect[R any](ctx workflow.Context, fn func(ctx workflow.Context) R) (R, error) {
	var result R
	err := workflow.SideEffect(ctx, func(ctx workflow.Context) any { return fn(ctx) }).Get(&result)
	return result, err
}
