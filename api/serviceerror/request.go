package serviceerror

// InvalidArgument says that the request itself is wrong; sending it again gives the same answer.
type InvalidArgument struct {
	Message string
}

// NewInvalidArgument returns a *InvalidArgument.
func NewInvalidArgument(message string) error { return &InvalidArgument{Message: message} }

// Error returns the message.
func (e *InvalidArgument) Error() string { return e.Message }

// AlreadyExists says that an object of the name exists already.
type AlreadyExists struct {
	Message string
}

// NewAlreadyExist returns a *AlreadyExists.
func NewAlreadyExist(message string) error { return &AlreadyExists{Message: message} }

// Error returns the message.
func (e *AlreadyExists) Error() string { return e.Message }

// FailedPrecondition says that the object is in a state that does not allow the request.
type FailedPrecondition struct {
	Message string
}

// NewFailedPrecondition returns a *FailedPrecondition.
func NewFailedPrecondition(message string) error { return &FailedPrecondition{Message: message} }

// Error returns the message.
func (e *FailedPrecondition) Error() string { return e.Message }

// Canceled says that the caller gave up before there was an answer.
type Canceled struct {
	Message string
}

// NewCanceled returns a *Canceled.
func NewCanceled(message string) error { return &Canceled{Message: message} }

// Error returns the message.
func (e *Canceled) Error() string { return e.Message }

// Unimplemented says that this version, or the server behind it, does not know the request.
type Unimplemented struct {
	Message string
}

// NewUnimplemented returns a *Unimplemented.
func NewUnimplemented(message string) error { return &Unimplemented{Message: message} }

// Error returns the message.
func (e *Unimplemented) Error() string { return e.Message }

// NamespaceNotFound says that the namespace has not been created.
type NamespaceNotFound struct {
	Message string
	// Namespace is the name that was asked for.
	Namespace string
}

// NewNamespaceNotFound returns a *NamespaceNotFound whose message names the namespace.
func NewNamespaceNotFound(namespace string) error {
	return &NamespaceNotFound{Message: "namespace " + namespace + " is not found", Namespace: namespace}
}

// Error returns the message.
func (e *NamespaceNotFound) Error() string { return e.Message }

// PermissionDenied says that the caller may not do this.
type PermissionDenied struct {
	Message string
	// Reason is why, as the authorizer put it; may be empty.
	Reason string
}

// NewPermissionDenied returns a *PermissionDenied.
func NewPermissionDenied(message, reason string) error {
	return &PermissionDenied{Message: message, Reason: reason}
}

// Error returns the message.
func (e *PermissionDenied) Error() string { return e.Message }
