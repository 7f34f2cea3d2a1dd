package metrics

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Page is a Handler that keeps metrics in memory and serves them in the text format of Prometheus. Those with equal names
// and tags are one. Make it by NewPage.
type Page struct {
	tags  map[string]string
	state *pageState
}

// pageState is shared by a Page and those made of it by WithTags.
type pageState struct {
	mu sync.Mutex // guards series
	// series are the values by family, and in it by their tags as text.
	series map[family]map[string]float64
}

// family is the metrics of one name. A timer is two: their sum and their number.
type family struct{ name, kind string }

// NewPage returns an empty page.
func NewPage() *Page { return &Page{state: &pageState{series: map[family]map[string]float64{}}} }

// WithTags is documented at Handler, as are Counter, Gauge and Timer.
func (p *Page) WithTags(tags map[string]string) Handler {
	all := maps.Clone(p.tags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, tags)
	return &Page{tags: all, state: p.state}
}

// Counter is a value that grows. It is on the page from now on.
func (p *Page) Counter(name string) Counter {
	c := value{p.state, family{name, "counter"}, p.labels()}
	c.add(0)
	return c
}

// Gauge is a value that is set.
func (p *Page) Gauge(name string) Gauge { return value{p.state, family{name, "gauge"}, p.labels()} }

// Timer is the sum of what was measured, in seconds, and how often.
func (p *Page) Timer(name string) Timer {
	return timer{value{p.state, family{name + "_seconds_sum", "counter"}, p.labels()}, value{p.state, family{name + "_seconds_count", "counter"}, p.labels()}}
}

// labels are the tags as they stand behind a name.
func (p *Page) labels() string {
	if len(p.tags) == 0 {
		return ""
	}
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(p.tags)) {
		pairs = append(pairs, plain(key)+`="`+strings.NewReplacer("\\", `\\`, "\n", `\n`, `"`, `\"`).Replace(p.tags[key])+`"`)
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// plain replaces what a name may not have.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, name)
}

// value is one line of the page.
type value struct {
	state  *pageState
	family family
	labels string
}

func (v value) add(n float64) {
	v.state.mu.Lock()
	defer v.state.mu.Unlock()
	v.lineLocked()[v.labels] += n
}

func (v value) lineLocked() map[string]float64 {
	lines := v.state.series[v.family]
	if lines == nil {
		lines = map[string]float64{}
		v.state.series[v.family] = lines
	}
	return lines
}

// Inc is documented at Counter.
func (v value) Inc(n int64) { v.add(float64(n)) }

// Update is documented at Gauge.
func (v value) Update(f float64) {
	v.state.mu.Lock()
	defer v.state.mu.Unlock()
	v.lineLocked()[v.labels] = f
}

type timer struct{ sum, count value }

// Record is documented at Timer.
func (t timer) Record(d time.Duration) {
	t.sum.add(d.Seconds())
	t.count.add(1)
}

// ServeHTTP writes the page.
func (p *Page) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(p.state.text())) // whoever has gone needs no answer
}

func (s *pageState) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	families := slices.SortedFunc(maps.Keys(s.series), func(x, y family) int { return strings.Compare(x.name+x.kind, y.name+y.kind) })
	for _, f := range families {
		fmt.Fprintf(&b, "# TYPE %s %s\n", plain(f.name), f.kind)
		for _, labels := range slices.Sorted(maps.Keys(s.series[f])) {
			b.WriteString(plain(f.name) + labels + " " + strconv.FormatFloat(s.series[f][labels], 'g', -1, 64) + "\n")
		}
	}
	return b.String()
}
