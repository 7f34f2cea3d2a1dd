package weather

import (
	"fmt"
	"time"
)

// Date is a calendar day: the number of days since 1970-01-01. It is written as YYYY-MM-DD, also in JSON.
type Date int

const secondsPerDay = 24 * 60 * 60

// ParseDate reads a day written as YYYY-MM-DD.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("date %q: want YYYY-MM-DD: %w", s, err)
	}
	return Date(t.Unix() / secondsPerDay), nil
}

func (d Date) utc() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// String returns the day as YYYY-MM-DD.
func (d Date) String() string { return d.utc().Format(time.DateOnly) }

// YearDay returns the day of the year, 1 to 366.
func (d Date) YearDay() int { return d.utc().YearDay() }

// MarshalText writes the day as YYYY-MM-DD.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads a day written as YYYY-MM-DD.
func (d *Date) UnmarshalText(text []byte) error {
	v, err := ParseDate(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}
