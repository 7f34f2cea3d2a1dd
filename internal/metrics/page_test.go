package metrics

import (
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

func TestPage(t *testing.T) {
	p := NewPage()
	if got := text(p); got != "" {
		t.Errorf("an empty page is %q", got)
	}
	Losses(p, "a") // is known before there are any
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() { Healed(p, "a", "send task").Inc(2) })
	}
	group.Wait()
	Stuck(p, "a", "q", "code").Inc(1)
	h := p.WithTags(map[string]string{"who\"": "a\\b\"c\nd"})
	h.Gauge("my gauge").Update(1.5)
	h.Gauge("my gauge").Update(0.25)
	p.Timer("wait").Record(1500 * time.Millisecond)
	p.Timer("wait").Record(time.Second)
	const want = `# TYPE millrace_healed counter
millrace_healed{measure="send task",namespace="a"} 20
# TYPE millrace_losses counter
millrace_losses{namespace="a"} 0
# TYPE millrace_stuck_runs counter
millrace_stuck_runs{cause="code",namespace="a",task_queue="q"} 1
# TYPE my_gauge gauge
my_gauge{who_="a\\b\"c\nd"} 0.25
# TYPE wait_seconds_count counter
wait_seconds_count 2
# TYPE wait_seconds_sum counter
wait_seconds_sum 2.5
`
	if got := text(p); got != want {
		t.Errorf("the page is\n%s\nwant\n%s", got, want)
	}
}

func text(p *Page) string {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, nil)
	return w.Body.String()
}
