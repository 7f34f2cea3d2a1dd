package activity

// RegisterOptions are the options of worker.Worker.RegisterActivityWithOptions.
type RegisterOptions struct {
	// Name is the activity's type. Empty means the name of the function or method. For a struct it is put in front of
	// the names of its methods.
	Name string
	// DisableAlreadyRegisteredCheck lets a later registration of a type replace an earlier one.
	DisableAlreadyRegisteredCheck bool
	// SkipInvalidStructFunctions passes over the exported methods of a struct that do not have the shape of an
	// activity, instead of refusing the struct.
	SkipInvalidStructFunctions bool
}

// DynamicRegisterOptions are the options of worker.Worker.RegisterDynamicActivity. There are none yet.
type DynamicRegisterOptions struct{}

// Type names an activity.
type Type struct {
	Name string
}
