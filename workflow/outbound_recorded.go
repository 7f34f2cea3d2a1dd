package workflow

import (
	millrace "github.com/millrace-dev/millrace"
	"github.com/millrace-dev/millrace/converter"
)

// This file takes what the code records of itself (side effects, versions, upserts) through the interceptors.

// SideEffect is documented at OutboundInterceptor, as are the other methods.
func (b *OutboundInterceptorBase) SideEffect(ctx Context, f func(ctx Context) interface{}) converter.EncodedValue {
	return b.Next.SideEffect(ctx, f)
}

// SideEffectWithOptions is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) SideEffectWithOptions(ctx Context, options SideEffectOptions,
	f func(ctx Context) interface{}) converter.EncodedValue {
	return b.Next.SideEffectWithOptions(ctx, options, f)
}

// MutableSideEffect is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) MutableSideEffect(ctx Context, id string,
	f func(ctx Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue {
	return b.Next.MutableSideEffect(ctx, id, f, equals)
}

// MutableSideEffectWithOptions is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) MutableSideEffectWithOptions(ctx Context, id string, options MutableSideEffectOptions,
	f func(ctx Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue {
	return b.Next.MutableSideEffectWithOptions(ctx, id, options, f, equals)
}

// GetVersion is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetVersion(ctx Context, changeID string, minSupported, maxSupported Version) Version {
	return b.Next.GetVersion(ctx, changeID, minSupported, maxSupported)
}

// UpsertSearchAttributes is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) UpsertSearchAttributes(ctx Context, attributes map[string]interface{}) error {
	return b.Next.UpsertSearchAttributes(ctx, attributes)
}

// UpsertTypedSearchAttributes is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) UpsertTypedSearchAttributes(ctx Context, attributes ...millrace.SearchAttributeUpdate) error {
	return b.Next.UpsertTypedSearchAttributes(ctx, attributes...)
}

// UpsertMemo is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) UpsertMemo(ctx Context, memo map[string]interface{}) error {
	return b.Next.UpsertMemo(ctx, memo)
}

func (o *outbound) SideEffect(ctx Context, f func(ctx Context) interface{}) converter.EncodedValue {
	return o.run.sideEffect(ctx, SideEffectOptions{}, f)
}

func (o *outbound) SideEffectWithOptions(ctx Context, options SideEffectOptions, f func(ctx Context) interface{}) converter.EncodedValue {
	return o.run.sideEffect(ctx, options, f)
}

func (o *outbound) MutableSideEffect(ctx Context, id string,
	f func(ctx Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue {
	return o.run.mutableSideEffect(ctx, id, MutableSideEffectOptions{}, f, equals)
}

func (o *outbound) MutableSideEffectWithOptions(ctx Context, id string, options MutableSideEffectOptions,
	f func(ctx Context) interface{}, equals func(a, b interface{}) bool) converter.EncodedValue {
	return o.run.mutableSideEffect(ctx, id, options, f, equals)
}

func (o *outbound) GetVersion(_ Context, changeID string, minSupported, maxSupported Version) Version {
	return o.run.version(changeID, minSupported, maxSupported)
}

func (o *outbound) UpsertSearchAttributes(_ Context, attributes map[string]interface{}) error {
	return o.run.upsertUntyped(attributes)
}

func (o *outbound) UpsertTypedSearchAttributes(_ Context, attributes ...millrace.SearchAttributeUpdate) error {
	return o.run.upsertTyped(attributes)
}

func (o *outbound) UpsertMemo(_ Context, memo map[string]interface{}) error {
	return o.run.upsertMemo(memo)
}

// GetTypedSearchAttributes is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) GetTypedSearchAttributes(ctx Context) millrace.SearchAttributes {
	return b.Next.GetTypedSearchAttributes(ctx)
}

// ExecuteLocalActivity is documented at OutboundInterceptor.
func (b *OutboundInterceptorBase) ExecuteLocalActivity(ctx Context, activityType string, args ...interface{}) Future {
	return b.Next.ExecuteLocalActivity(ctx, activityType, args...)
}

func (o *outbound) GetTypedSearchAttributes(Context) millrace.SearchAttributes { return o.run.search() }

func (o *outbound) ExecuteLocalActivity(ctx Context, activityType string, args ...interface{}) Future {
	return o.run.executeLocalActivity(ctx, activityType, args)
}
