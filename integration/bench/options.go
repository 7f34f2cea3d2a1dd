package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/millrace-dev/millrace/internal/devserver"
)

// options are the flags of the command.
type options struct {
	rounds     int
	duration   time.Duration
	workloads  string
	systems    string
	quick      bool
	targets    bool
	record     bool
	recorded   string
	pprof      string
	profile    string
	partitions int
	replicas   int
	group      bool
	connection string
	cache      int
	timers     int
	lead       time.Duration
	sequence   int
	backlog    int
	idle       int
	closed     int
	before     string
	save       string
	write      string

	// work, namespace and queued are set in the processes that W12 starts.
	work, namespace string
	queued          bool
}

// quickWorkloads are the loads of -quick.
const quickWorkloads = "W1/1,W1/64,W2/64,W3/100"

func parseOptions(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&o.rounds, "rounds", 5, "rounds of each workload; in each, all systems in turn")
	f.DurationVar(&o.duration, "duration", 2*time.Second, "length of one measurement, after a warm-up of a quarter of it")
	f.StringVar(&o.workloads, "workloads", "all", `which to run, separated by commas: "W1", or "W1/64" for one line of it`)
	f.StringVar(&o.systems, "systems", "all", `which systems to measure where several take turns, separated by commas: "millrace,queue"`)
	f.BoolVar(&o.quick, "quick", false, "W1, W2 and W3 in short rounds, checked against the targets and the recorded ratios")
	f.BoolVar(&o.targets, "targets", false, "fail where a target of docs/benchmarks.md is missed")
	f.BoolVar(&o.record, "record", false, "write the ratios that were measured to the file that -quick compares with")
	f.StringVar(&o.recorded, "recorded", "integration/bench/recorded.json", "the file of recorded ratios")
	f.StringVar(&o.pprof, "pprof", "", "measure the first of -workloads (default W1/64) on Millrace alone and write CPU, mutex, block and allocation profiles into this directory")
	f.StringVar(&o.profile, "profile", devserver.ProfileDevelopment, "durability profile: development or durable (every write flushed to disk)")
	f.IntVar(&o.partitions, "partitions", 1, "partitions of each namespace")
	f.IntVar(&o.replicas, "replicas", 1, "replicas of each stream: 1, or 3 on a cluster of three servers in this process")
	f.BoolVar(&o.group, "group", true, "in the durable profile, let the writes of many runs to one stream share a flush: group commit")
	f.StringVar(&o.connection, "connection", connectTCP, `how all systems connect to the server: "tcp" or "inprocess"`)
	f.IntVar(&o.cache, "cache", 0, "runs that a worker keeps live, 0 for the worker's default")
	f.IntVar(&o.timers, "timers", 10_000, "W5: runs asleep")
	f.DurationVar(&o.lead, "lead", 0, "W5: time between the first start and the first due time; 0 for 2 s and 1 s for each 400 timers")
	f.IntVar(&o.sequence, "sequence", 10_000, "W6: activities in the run, at least 2,000")
	f.IntVar(&o.backlog, "backlog", 10_000, "W7: starts before a worker appears")
	f.IntVar(&o.idle, "idle", 10_000, "W6, W8: open idle runs")
	f.IntVar(&o.closed, "closed", 100_000, "W6: closed runs beside which runs are measured again")
	f.StringVar(&o.before, "before", "integration/bench/before.json", "the figures that -write shows beside those measured")
	f.StringVar(&o.save, "save", "", "write all figures into this JSON file, which -before can name")
	f.StringVar(&o.write, "write", "", "write the results into this Markdown file, between the lines that mark their place")
	f.StringVar(&o.work, "work", "", "run one worker against this server (used by W12)")
	f.StringVar(&o.namespace, "namespace", "", "the namespace of -work")
	f.BoolVar(&o.queued, "queued", false, "send the activities of Millrace's workers through their queue, outside contests and for -work")
	if err := f.Parse(args); err != nil {
		return options{}, err
	}
	if o.quick {
		o.workloads, o.duration, o.targets = quickWorkloads, 300*time.Millisecond, true
	}
	if o.lead == 0 {
		o.lead = 2*time.Second + time.Duration(o.timers)*time.Second/400
	}
	return o, o.validate()
}

func (o options) validate() error {
	switch {
	case o.rounds < 1:
		return fmt.Errorf("-rounds is %d: at least 1", o.rounds)
	case o.duration <= 0:
		return fmt.Errorf("-duration is %v: more than 0", o.duration)
	case o.profile != devserver.ProfileDevelopment && o.profile != devserver.ProfileDurable:
		return fmt.Errorf("-profile is %q: %s or %s", o.profile, devserver.ProfileDevelopment, devserver.ProfileDurable)
	case o.replicas != 1 && o.replicas != 3:
		return fmt.Errorf("-replicas is %d: 1 or 3", o.replicas)
	case o.partitions < 1:
		return fmt.Errorf("-partitions is %d: at least 1", o.partitions)
	case o.connection != connectTCP && o.connection != connectInProcess:
		return fmt.Errorf("-connection is %q: %s or %s", o.connection, connectTCP, connectInProcess)
	case o.sequence < 2*edge:
		return fmt.Errorf("-sequence is %d: at least %d", o.sequence, 2*edge)
	case o.timers < 1 || o.backlog < 1 || o.idle < 1 || o.closed < 1:
		return fmt.Errorf("-timers is %d, -backlog %d, -idle %d, -closed %d: at least 1", o.timers, o.backlog, o.idle, o.closed)
	case o.record && (!o.quick || o.systems != "all"):
		return errors.New("-record needs -quick and all systems: it records what -quick compares with")
	}
	return nil
}

// selects says whether a line of a workload was asked for.
func (o options) selects(workload, line string) bool {
	asked := strings.Split(o.workloads, ",")
	return o.workloads == "all" || slices.Contains(asked, workload) || slices.Contains(asked, workload+"/"+line)
}

// includes says whether a system takes its turns.
func (o options) includes(system string) bool {
	return o.systems == "all" || slices.Contains(strings.Split(o.systems, ","), system)
}
