package converter

// SerializationContext says whose payloads are converted: a WorkflowSerializationContext or an
// ActivitySerializationContext.
type SerializationContext interface {
	serializationContext()
}

// WorkflowSerializationContext stands for the payloads of a run: its input, result, signals, queries and memo. Those
// that pass between two runs carry the ID of the one that they are sent to or, for a child, belong to.
type WorkflowSerializationContext struct {
	Namespace  string
	WorkflowID string
}

// ActivitySerializationContext stands for the payloads of an activity: its input, result, heartbeats and failures.
type ActivitySerializationContext struct {
	Namespace    string
	WorkflowID   string
	WorkflowType string
	ActivityType string
	TaskQueue    string
	// IsLocal says that it is a local activity.
	IsLocal bool
}

func (WorkflowSerializationContext) serializationContext() {}
func (ActivitySerializationContext) serializationContext() {}

// DataConverterWithSerializationContext is implemented by data converters that work differently for each run or
// activity, for instance with a key of its own. They must work without a context as well.
type DataConverterWithSerializationContext interface {
	// WithSerializationContext returns the converter for ctx. It is called often and must be cheap.
	WithSerializationContext(ctx SerializationContext) DataConverter
}

// FailureConverterWithSerializationContext is implemented by failure converters that work differently for each run or
// activity. They must work without a context as well.
type FailureConverterWithSerializationContext interface {
	// WithSerializationContext returns the converter for ctx. It is called often and must be cheap.
	WithSerializationContext(ctx SerializationContext) FailureConverter
}

// PayloadCodecWithSerializationContext is implemented by codecs that work differently for each run or activity. They
// must work without a context as well.
type PayloadCodecWithSerializationContext interface {
	// WithSerializationContext returns the codec for ctx. It is called often and must be cheap.
	WithSerializationContext(ctx SerializationContext) PayloadCodec
}

// WithDataConverterSerializationContext returns dc for ctx, dc itself when it knows no contexts or ctx is nil.
func WithDataConverterSerializationContext(dc DataConverter, ctx SerializationContext) DataConverter {
	if aware, ok := dc.(DataConverterWithSerializationContext); ok && ctx != nil {
		return aware.WithSerializationContext(ctx)
	}
	return dc
}

// WithFailureConverterSerializationContext returns fc for ctx, fc itself when it knows no contexts or ctx is nil.
func WithFailureConverterSerializationContext(fc FailureConverter, ctx SerializationContext) FailureConverter {
	if aware, ok := fc.(FailureConverterWithSerializationContext); ok && ctx != nil {
		return aware.WithSerializationContext(ctx)
	}
	return fc
}

// DependsOnSerializationContext says whether a data converter, failure converter or codec works differently for each run
// or activity, so that a context is worth making. One that wraps others tells it by a method of this name, without
// arguments; for all others it follows from WithSerializationContext.
func DependsOnSerializationContext(v any) bool {
	switch x := v.(type) {
	case interface{ DependsOnSerializationContext() bool }:
		return x.DependsOnSerializationContext()
	case DataConverterWithSerializationContext, FailureConverterWithSerializationContext, PayloadCodecWithSerializationContext:
		return true
	}
	return false
}
