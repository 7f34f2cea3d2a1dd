package weather

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Day is one row of the CSV file.
type Day struct {
	// Line is the row's line in the file, for error messages.
	Line int `json:"line"`
	// Date is the day that was observed.
	Date Date `json:"date"`
	// Precipitation is in millimetres, TempMax and TempMin are in °C, Wind is in metres per second.
	Precipitation float64 `json:"precipitation"`
	TempMax       float64 `json:"temp_max"`
	TempMin       float64 `json:"temp_min"`
	Wind          float64 `json:"wind"`
	// Class is what an observer called the day's weather.
	Class Class `json:"class"`
}

// Dataset is a parsed CSV file.
type Dataset struct {
	// Days are the rows in the order of the file.
	Days []Day
	// SHA256 is the digest of the whole file in hexadecimal.
	SHA256 string
}

func columns() []string {
	return []string{"date", "precipitation", "temp_max", "temp_min", "wind", "weather"}
}

// Load parses and validates a CSV file. The error for an unusable row is a *RowError.
func Load(r io.Reader) (Dataset, error) {
	ds, err := Parse(r)
	if err != nil {
		return Dataset{}, err
	}
	if err := Validate(ds.Days); err != nil {
		return Dataset{}, err
	}
	return ds, nil
}

// Parse reads a CSV file and checks its form only: the columns, that numbers are numbers, and that classes are known.
// Validate checks what the numbers say.
func Parse(r io.Reader) (Dataset, error) {
	digest := sha256.New()
	in := csv.NewReader(io.TeeReader(r, digest))
	in.FieldsPerRecord = -1
	header, err := in.Read()
	if err != nil {
		return Dataset{}, fmt.Errorf("read header of weather data: %w", err)
	}
	if !slices.Equal(header, columns()) {
		return Dataset{}, &RowError{Line: 1, Field: "header", Value: strings.Join(header, ","), Reason: "want " + strings.Join(columns(), ",")}
	}
	var days []Day
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Dataset{}, fmt.Errorf("read weather data: %w", err)
		}
		line, _ := in.FieldPos(0)
		day, err := parseRow(line, record)
		if err != nil {
			return Dataset{}, err
		}
		days = append(days, day)
	}
	return Dataset{Days: days, SHA256: hex.EncodeToString(digest.Sum(nil))}, nil
}

func parseRow(line int, record []string) (Day, error) {
	names := columns()
	if len(record) != len(names) {
		return Day{}, &RowError{Line: line, Field: "row", Value: strings.Join(record, ","),
			Reason: fmt.Sprintf("%d fields, want %d", len(record), len(names))}
	}
	date, err := ParseDate(record[0])
	if err != nil {
		return Day{}, &RowError{Line: line, Field: names[0], Value: record[0], Reason: "want YYYY-MM-DD"}
	}
	var numbers [4]float64
	for i := range numbers {
		numbers[i], err = strconv.ParseFloat(record[i+1], 64)
		if err != nil {
			return Day{}, &RowError{Line: line, Field: names[i+1], Value: record[i+1], Reason: "want a decimal number"}
		}
	}
	class, err := ParseClass(record[5])
	if err != nil {
		return Day{}, &RowError{Line: line, Field: names[5], Value: record[5], Reason: "want drizzle, fog, rain, snow or sun"}
	}
	return Day{Line: line, Date: date, Precipitation: numbers[0], TempMax: numbers[1], TempMin: numbers[2], Wind: numbers[3], Class: class}, nil
}

// Validate checks that the days follow one another without a gap and that every measurement is physically possible
// for Seattle. The error is a *RowError, the one of the first unusable row.
func Validate(days []Day) error {
	for i, d := range days {
		if i > 0 && d.Date != days[i-1].Date+1 {
			return &RowError{Line: d.Line, Field: "date", Value: d.Date.String(), Reason: fmt.Sprintf("want %s, the day after the row before", days[i-1].Date+1)}
		}
		if err := validateRow(d); err != nil {
			return err
		}
	}
	return nil
}

func validateRow(d Day) error {
	limits := []struct {
		field    string
		value    float64
		min, max float64
		unit     string
	}{
		{"precipitation", d.Precipitation, 0, 500, "mm"},
		{"temp_max", d.TempMax, -40, 50, "°C"},
		{"temp_min", d.TempMin, -40, 50, "°C"},
		{"wind", d.Wind, 0, 60, "m/s"},
	}
	for _, l := range limits {
		// Written so that NaN, which compares false with everything, is refused too.
		if !(l.value >= l.min && l.value <= l.max) {
			return &RowError{Line: d.Line, Field: l.field, Value: number(l.value), Reason: fmt.Sprintf("want %g to %g %s", l.min, l.max, l.unit)}
		}
	}
	if d.TempMin > d.TempMax {
		return &RowError{Line: d.Line, Field: "temp_min", Value: number(d.TempMin), Reason: fmt.Sprintf("want at most temp_max, %s °C", number(d.TempMax))}
	}
	if int(d.Class) >= ClassCount {
		return &RowError{Line: d.Line, Field: "weather", Value: d.Class.String(), Reason: "want drizzle, fog, rain, snow or sun"}
	}
	return nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// Between returns the rows from first to last, both included, as far as the file has them. The rows are shared with
// the Dataset and must not be changed.
func (ds Dataset) Between(first, last Date) []Day {
	lo, _ := slices.BinarySearchFunc(ds.Days, first, byDate)
	hi, _ := slices.BinarySearchFunc(ds.Days, last+1, byDate)
	if lo >= hi {
		return nil
	}
	return ds.Days[lo:hi:hi]
}

func byDate(d Day, date Date) int { return int(d.Date) - int(date) }

// digestRows returns the digest of the rows' values in hexadecimal; lines do not count.
func digestRows(days []Day) string {
	h := sha256.New()
	for _, d := range days {
		fmt.Fprintf(h, "%s,%s,%s,%s,%s,%s\n", d.Date, number(d.Precipitation), number(d.TempMax), number(d.TempMin), number(d.Wind), d.Class)
	}
	return hex.EncodeToString(h.Sum(nil))
}
