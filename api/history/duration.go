package history

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a time.Duration that JSON shows as people write it: "1h30m0s".
type Duration time.Duration

// AsDuration is d as the standard library has it.
func (d Duration) AsDuration() time.Duration { return time.Duration(d) }

// String is the form of time.Duration.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalJSON writes d as a string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("duration %s: must be a string such as \"1m30s\"", data)
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("duration %q: must be of the form \"1m30s\"", text)
	}
	*d = Duration(parsed)
	return nil
}

// RetryPolicy says how failed attempts are repeated; zero fields stand for the defaults.
type RetryPolicy struct {
	InitialInterval        Duration `json:"initialInterval,omitzero"`
	BackoffCoefficient     float64  `json:"backoffCoefficient,omitzero"`
	MaximumInterval        Duration `json:"maximumInterval,omitzero"`
	MaximumAttempts        int32    `json:"maximumAttempts,omitzero"`
	NonRetryableErrorTypes []string `json:"nonRetryableErrorTypes,omitempty"`
}
