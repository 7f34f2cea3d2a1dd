package history

import "time"

// TimerStartedEventAttributes start a timer.
type TimerStartedEventAttributes struct {
	// TimerId is the number of the event that started the timer, in decimal.
	TimerId            string   `json:"timerId"`
	StartToFireTimeout Duration `json:"startToFireTimeout"`
	// FireTime is when the timer is due.
	FireTime time.Time `json:"fireTime"`
	Summary  string    `json:"summary,omitempty"`
}

// TimerFiredEventAttributes report a timer that is due.
type TimerFiredEventAttributes struct {
	TimerId        string `json:"timerId"`
	StartedEventId int64  `json:"startedEventId"`
}

// TimerCanceledEventAttributes forget a timer.
type TimerCanceledEventAttributes struct {
	TimerId        string `json:"timerId"`
	StartedEventId int64  `json:"startedEventId"`
}
