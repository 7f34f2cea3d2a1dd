package weather

import "fmt"

// Class is the observed weather of a day.
type Class uint8

// The classes in the order in which every table and every tie is resolved.
const (
	Drizzle Class = iota
	Fog
	Rain
	Snow
	Sun
)

// ClassCount is the number of classes.
const ClassCount = 5

// Classes returns all classes in their fixed order.
func Classes() [ClassCount]Class { return [ClassCount]Class{Drizzle, Fog, Rain, Snow, Sun} }

// String returns the class as the CSV file writes it.
func (c Class) String() string {
	switch c {
	case Drizzle:
		return "drizzle"
	case Fog:
		return "fog"
	case Rain:
		return "rain"
	case Snow:
		return "snow"
	case Sun:
		return "sun"
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// ParseClass reads a class as the CSV file writes it.
func ParseClass(s string) (Class, error) {
	for _, c := range Classes() {
		if c.String() == s {
			return c, nil
		}
	}
	return 0, fmt.Errorf("class %q: want drizzle, fog, rain, snow or sun", s)
}

// MarshalText writes the class as the CSV file does.
func (c Class) MarshalText() ([]byte, error) {
	if int(c) >= ClassCount {
		return nil, fmt.Errorf("class %d: want less than %d", uint8(c), ClassCount)
	}
	return []byte(c.String()), nil
}

// UnmarshalText reads a class as the CSV file writes it.
func (c *Class) UnmarshalText(text []byte) error {
	v, err := ParseClass(string(text))
	if err != nil {
		return err
	}
	*c = v
	return nil
}
