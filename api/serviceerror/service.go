package serviceerror

// Unavailable says that no answer could be had; the request may or may not have been carried out, and sending it again helps.
type Unavailable struct {
	Message string
}

// NewUnavailable returns a *Unavailable.
func NewUnavailable(message string) error { return &Unavailable{Message: message} }

// Error returns the message.
func (e *Unavailable) Error() string { return e.Message }

// DeadlineExceeded says that the time for the request ran out; it may or may not have been carried out.
type DeadlineExceeded struct {
	Message string
}

// NewDeadlineExceeded returns a *DeadlineExceeded.
func NewDeadlineExceeded(message string) error { return &DeadlineExceeded{Message: message} }

// Error returns the message.
func (e *DeadlineExceeded) Error() string { return e.Message }

// Internal says that something is broken that should not be.
type Internal struct {
	Message string
}

// NewInternal returns a *Internal.
func NewInternal(message string) error { return &Internal{Message: message} }

// Error returns the message.
func (e *Internal) Error() string { return e.Message }

// DataLoss says that a part of what is asked for was lost where it was stored.
type DataLoss struct {
	Message string
}

// NewDataLoss returns a *DataLoss.
func NewDataLoss(message string) error { return &DataLoss{Message: message} }

// Error returns the message.
func (e *DataLoss) Error() string { return e.Message }
