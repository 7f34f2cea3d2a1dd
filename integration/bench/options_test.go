package main

import "testing"

func TestSelects(t *testing.T) {
	for _, tc := range []struct {
		asked, workload, line string
		want                  bool
	}{
		{"all", "W1", "64", true},
		{"W1", "W1", "64", true},
		{"W1", "W12", "census", false},
		{"W1/64,W3", "W1", "64", true},
		{"W1/64,W3", "W1", "1", false},
		{"W1/64,W3", "W3", "1000", true},
	} {
		if got := (options{workloads: tc.asked}).selects(tc.workload, tc.line); got != tc.want {
			t.Errorf("-workloads %s selects %s/%s: %v, want %v", tc.asked, tc.workload, tc.line, got, tc.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, args := range [][]string{
		{"-rounds", "0"}, {"-duration", "0s"}, {"-profile", "fast"}, {"-replicas", "2"}, {"-partitions", "0"},
		{"-connection", "pigeon"}, {"-sequence", "1999"}, {"-timers", "0"}, {"-idle", "0"}, {"-backlog", "0"},
		{"-closed", "0"}, {"-record"}, {"-quick", "-record", "-systems", "queue"},
	} {
		if _, err := parseOptions(args); err == nil {
			t.Errorf("options %v were accepted", args)
		}
	}
	o, err := parseOptions([]string{"-quick"})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, w := range workloads() {
		for _, l := range w.lines {
			if o.selects(w.name, l.name) {
				known[w.name+"/"+l.name] = true
			}
		}
	}
	if len(known) != 4 {
		t.Errorf("-quick runs %v: one of %s does not exist", known, quickWorkloads)
	}
}
