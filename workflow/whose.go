package workflow

import (
	"github.com/millrace-dev/millrace/converter"
)

// Converters may work differently for each run or activity: an encrypting codec binds what it encrypts to whose it is.
// Where none does, nobody is named: nil stands for the run itself.

// own stands for the payloads of the run itself.
func (r *run) own() converter.SerializationContext { return r.ofWorkflow(r.start().Run.WorkflowID) }

func (r *run) ofWorkflow(id string) converter.SerializationContext {
	return converter.WorkflowSerializationContext{Namespace: r.def.options.Namespace, WorkflowID: id}
}

// otherWorkflow stands for the payloads of another run, nil where no converter asks.
func (r *run) otherWorkflow(id string) converter.SerializationContext {
	if !r.asksWhose() {
		return nil
	}
	return r.ofWorkflow(id)
}

// activity stands for the payloads of an activity of the run, nil where no converter asks. An empty queue is the run's.
func (r *run) activity(name, queue string, local bool) converter.SerializationContext {
	if !r.asksWhose() {
		return nil
	}
	if queue == "" {
		queue = r.start().Run.Queue
	}
	return converter.ActivitySerializationContext{Namespace: r.def.options.Namespace, WorkflowID: r.start().Run.WorkflowID,
		WorkflowType: r.start().Type, ActivityType: name, TaskQueue: queue, IsLocal: local}
}

func (r *run) asksWhose() bool { return r.def.contextual || r.rebased }

// bind returns dc for what belongs to whose.
func (r *run) bind(dc converter.DataConverter, whose converter.SerializationContext) converter.DataConverter {
	if !r.asksWhose() || !converter.DependsOnSerializationContext(dc) {
		return dc
	}
	if whose == nil {
		whose = r.own()
	}
	return converter.WithDataConverterSerializationContext(dc, whose)
}

// failuresOf is the failure converter for what belongs to whose.
func (r *run) failuresOf(whose converter.SerializationContext) converter.FailureConverter {
	fc := r.def.options.FailureConverter
	switch {
	case !r.def.contextual:
		return fc
	case whose == nil:
		whose = r.own()
	}
	return converter.WithFailureConverterSerializationContext(fc, whose)
}
