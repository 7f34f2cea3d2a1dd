package streamstest

import "errors"

// ErrInjected is in every error that a fault hook asked for.
var ErrInjected = errors.New("injected fault")
