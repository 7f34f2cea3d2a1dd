package weather_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/millrace-dev/millrace/examples/training/data"
	"github.com/millrace-dev/millrace/examples/training/weather"
)

func load(t testing.TB, csv string) weather.Dataset {
	t.Helper()
	ds, err := weather.Load(strings.NewReader(csv))
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

func date(t testing.TB, s string) weather.Date {
	t.Helper()
	d, err := weather.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// changeRow returns the embedded file with the row of the day replaced.
func changeRow(t testing.TB, day, row string) string {
	t.Helper()
	lines := strings.Split(data.SeattleWeather(), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, day+",") {
			if l == row {
				t.Fatalf("row of %s is already %q", day, row)
			}
			lines[i] = row
			return strings.Join(lines, "\n")
		}
	}
	t.Fatalf("no row of %s", day)
	return ""
}

func TestLoadEmbeddedFile(t *testing.T) {
	ds := load(t, data.SeattleWeather())
	if len(ds.Days) != 1461 {
		t.Fatalf("%d days, want 1461", len(ds.Days))
	}
	first, last := ds.Days[0], ds.Days[len(ds.Days)-1]
	if first.Date.String() != "2012-01-01" || first.Class != weather.Drizzle || first.TempMax != 12.8 || first.Line != 2 {
		t.Errorf("first day is %+v", first)
	}
	if last.Date.String() != "2015-12-31" || last.TempMin != -2.1 {
		t.Errorf("last day is %+v", last)
	}
}

func TestLoadNamesTheUnusableCell(t *testing.T) {
	const head = "date,precipitation,temp_max,temp_min,wind,weather\n2012-01-01,0.0,12.8,5.0,4.7,drizzle\n"
	tests := map[string]struct {
		csv  string
		want weather.RowError
	}{
		"header":           {"date,rain\n", weather.RowError{Line: 1, Field: "header", Value: "date,rain"}},
		"missing field":    {head + "2012-01-02,1\n", weather.RowError{Line: 3, Field: "row", Value: "2012-01-02,1"}},
		"date":             {head + "2012-13-02,1,2,1,1,sun\n", weather.RowError{Line: 3, Field: "date", Value: "2012-13-02"}},
		"gap":              {head + "2012-01-03,1,2,1,1,sun\n", weather.RowError{Line: 3, Field: "date", Value: "2012-01-03"}},
		"twice":            {head + "2012-01-01,1,2,1,1,sun\n", weather.RowError{Line: 3, Field: "date", Value: "2012-01-01"}},
		"text":             {head + "2012-01-02,much,2,1,1,sun\n", weather.RowError{Line: 3, Field: "precipitation", Value: "much"}},
		"negative":         {head + "2012-01-02,-1,2,1,1,sun\n", weather.RowError{Line: 3, Field: "precipitation", Value: "-1"}},
		"not a number":     {head + "2012-01-02,1,NaN,1,1,sun\n", weather.RowError{Line: 3, Field: "temp_max", Value: "NaN"}},
		"infinite":         {head + "2012-01-02,1,2,1,Inf,sun\n", weather.RowError{Line: 3, Field: "wind", Value: "+Inf"}},
		"minimum too high": {head + "2012-01-02,1,2,3,1,sun\n", weather.RowError{Line: 3, Field: "temp_min", Value: "3"}},
		"class":            {head + "2012-01-02,1,2,1,1,hail\n", weather.RowError{Line: 3, Field: "weather", Value: "hail"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := weather.Load(strings.NewReader(tt.csv))
			var got *weather.RowError
			if !errors.As(err, &got) {
				t.Fatalf("error is %v, want a RowError", err)
			}
			if got.Reason == "" {
				t.Error("no reason")
			}
			tt.want.Reason = got.Reason
			if *got != tt.want {
				t.Errorf("got  %+v\nwant %+v", *got, tt.want)
			}
		})
	}
}

func TestDateRoundTrip(t *testing.T) {
	for _, s := range []string{"1969-12-31", "1970-01-01", "2012-02-29", "2015-12-31"} {
		if got := date(t, s).String(); got != s {
			t.Errorf("%s came back as %s", s, got)
		}
	}
	if got := date(t, "2012-12-31").YearDay(); got != 366 {
		t.Errorf("day of year %d, want 366", got)
	}
}
