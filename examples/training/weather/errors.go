package weather

import (
	"errors"
	"fmt"
)

// ErrWindow is returned when a computation is given fewer days than it needs, or days that do not follow one another.
var ErrWindow = errors.New("weather: unusable window of days")

// ErrOutOfOrder is returned when training is asked to continue a model with a day that is not the one after its last.
var ErrOutOfOrder = errors.New("weather: training day out of order")

// ErrModel is returned for bytes that are not the canonical encoding of a model of this package.
var ErrModel = errors.New("weather: not a model")

// RowError says which cell of the CSV file cannot be used and why.
type RowError struct {
	// Line is the line in the file, counted from 1; the header is line 1.
	Line int
	// Field is the name of the column, or "row" when the row as a whole is meant.
	Field string
	// Value is the text that was found.
	Value string
	// Reason names the limit that the value breaks.
	Reason string
}

// Error names line, field, value and limit.
func (e *RowError) Error() string {
	return fmt.Sprintf("weather: line %d: %s %q: %s", e.Line, e.Field, e.Value, e.Reason)
}
