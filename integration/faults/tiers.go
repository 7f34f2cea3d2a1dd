package main

import (
	"time"

	"github.com/millrace-dev/millrace/client"
	"github.com/millrace-dev/millrace/integration/faults/proxy"
	"github.com/millrace-dev/millrace/integration/verify"
)

const namespace = client.DefaultNamespace

// alone is a fleet around one server, replicated one around three.
func alone() layout {
	return layout{
		servers: 1, workers: 2, coordinators: 1, activities: 1, daemons: 1,
		work: 20 * time.Millisecond, thought: 20 * time.Millisecond, lease: 2 * time.Second,
	}
}

func replicated() layout {
	l := alone()
	l.servers = 3
	return l
}

// slow is a fleet whose activities and decisions take so long that a process that is stopped holds many.
func slow() layout {
	l := alone()
	l.activities, l.coordinators = 2, 2
	l.work, l.thought = 300*time.Millisecond, 300*time.Millisecond
	return l
}

// killers are the faults of processes that hold nothing which cannot be rebuilt.
func killers() []fault {
	return []fault{
		killMember{"worker-kill", []part{partWorker}}, killMember{"activity-worker-kill", []part{partActivities}},
		killMember{"coordinator-kill", []part{partCoordinator}}, killMember{"daemon-kill", []part{partDaemon}},
	}
}

// allSegments are all segments, in the order in which they are played, with the lengths of the everyday tier.
func allSegments() []*segment {
	var all []*segment
	all = append(all, killSegments()...)
	all = append(all, zombieSegments()...)
	all = append(all, steady())
	all = append(all, clusterSegments()...)
	all = append(all, wireSegments()...)
	for _, g := range all {
		if g.rate == 0 {
			g.rate = 600
		}
		if g.length == 0 {
			g.length = time.Minute
		}
		if g.extra == 0 {
			g.extra = g.length
		}
		if g.settle == 0 {
			g.settle = time.Duration(g.layout.servers+1) * 30 * time.Second // a minute, and two for a cluster
		}
	}
	return all
}

// mixed is what a soak consists of beside them: much load on one server, while everything is killed now and then.
func mixed() *segment {
	return &segment{
		name: "mixed", layout: alone(), length: 3 * time.Minute, settle: time.Minute, rate: 1200, clients: 2,
		lanes: []lane{
			{killers(), 2 * time.Second},
			{[]fault{killServers{name: "server-kill", choose: allServers}}, 15 * time.Second},
			{[]fault{deleteConsumer{}}, 20 * time.Second},
		},
		want: map[verify.FaultKind]int{"worker-kill": 5, "coordinator-kill": 5, "server-kill": 2},
	}
}

// soakSegments are the segments of a soak: each of the others after a mixed one.
func soakSegments() []*segment {
	var all []*segment
	for _, g := range allSegments() {
		all = append(all, mixed(), g)
	}
	return all
}

// killSegments kill processes around one server: R01 to R03.
func killSegments() []*segment {
	all := killers()
	server := killServers{name: "server-kill", choose: allServers}
	return []*segment{
		{name: "workers", layout: alone(), lanes: []lane{{all[:2], 350 * time.Millisecond}},
			want: map[verify.FaultKind]int{"worker-kill": 20, "activity-worker-kill": 20}},
		{name: "coordinators", layout: alone(), lanes: []lane{{all[2:], 300 * time.Millisecond}},
			want: map[verify.FaultKind]int{"coordinator-kill": 10, "daemon-kill": 5}},
		{name: "server", layout: alone(), lanes: []lane{{[]fault{server}, 1500 * time.Millisecond}},
			want: map[verify.FaultKind]int{"server-kill": 15}},
	}
}

// zombieSegments stop processes and let them go on: R06, R07.
func zombieSegments() []*segment {
	worker := freezeMember{"worker-freeze", []part{partWorker, partActivities}, 3 * time.Second, true}
	// Coordinators are given up after 5 s.
	coordinator := freezeMember{"coordinator-freeze", []part{partCoordinator}, 6500 * time.Millisecond, false}
	return []*segment{
		{name: "zombies", layout: slow(), lanes: []lane{{[]fault{worker}, 500 * time.Millisecond}, {[]fault{worker}, 500 * time.Millisecond}},
			want: map[verify.FaultKind]int{"worker-freeze": 15}},
		{name: "stale", layout: slow(), lanes: []lane{{[]fault{coordinator}, 300 * time.Millisecond}, {[]fault{coordinator}, 300 * time.Millisecond}},
			want: map[verify.FaultKind]int{"coordinator-freeze": 10}},
	}
}

// steady is the load alone, but for consumers that are deleted: its processes live long enough to see whether they hold more
// and more.
func steady() *segment {
	l := alone()
	l.frugal = true
	return &segment{name: "steady", layout: l, length: 3 * time.Minute, rate: 1200, clients: 2, level: true,
		lanes: []lane{{[]fault{deleteConsumer{}}, 10 * time.Second}}, want: map[verify.FaultKind]int{"consumer-delete": 5}}
}

// clusterSegments kill and stop servers of a cluster, and everything at once: R04, R05, R08, R18, R20.
func clusterSegments() []*segment {
	leader := killServers{name: "leader-kill", choose: leaderOf(streamHistory), down: time.Second}
	node := killServers{name: "node-kill", choose: anyServer, down: time.Second}
	all := killServers{name: "cluster-kill", choose: allServers}
	stop := freezeServer{"leader-freeze", leaderOf(streamHistory), 12 * time.Second}
	disputes := []fault{deleteConsumer{}, stepDown{"stream-stepdown", false}, stepDown{"consumer-stepdown", true}}
	return []*segment{
		{name: "leaders", layout: replicated(), lanes: []lane{{[]fault{leader, node}, 4 * time.Second}},
			want: map[verify.FaultKind]int{"leader-kill": 3, "node-kill": 3}},
		{name: "cluster", layout: replicated(), lanes: []lane{{[]fault{all}, 8 * time.Second}},
			want: map[verify.FaultKind]int{"cluster-kill": 3}},
		{name: "everything", layout: replicated(), length: 2 * time.Minute,
			lanes: []lane{{[]fault{leader, node, all}, 10 * time.Second}, {killers(), 2 * time.Second}},
			want:  map[verify.FaultKind]int{"worker-kill": 3, "coordinator-kill": 3}},
		{name: "stopped", layout: replicated(), lanes: []lane{{[]fault{stop}, 4 * time.Second}},
			want: map[verify.FaultKind]int{"leader-freeze": 2}},
		{name: "consumers", layout: replicated(), lanes: []lane{{disputes, 1500 * time.Millisecond}},
			want: map[verify.FaultKind]int{"consumer-delete": 5, "stream-stepdown": 5, "consumer-stepdown": 5}},
		{name: "timers", layout: replicated(), length: 30 * time.Second, rate: 300,
			lanes: []lane{{[]fault{timerStorm{runs: 1000, timers: 10, ahead: 15 * time.Second}}, time.Second}},
			want:  map[verify.FaultKind]int{"timer-storm": 1}},
	}
}

// wireSegments let the network be bad: R08. Partitions need network namespaces; slow, silent and half-open connections do
// not.
func wireSegments() []*segment {
	wired, apart := alone(), replicated()
	wired.proxied, apart.apart = true, true
	// Who is stopped is to hold something, also while there is no majority that could give it more.
	paused := apart
	paused.work, paused.thought = 200*time.Millisecond, 200*time.Millisecond
	const hold = 6 * time.Second
	wires := []fault{
		badWire{name: "wire-cut", cut: true},
		badWire{name: "wire-delay", mode: proxy.Mode{Delay: 100 * time.Millisecond}, hold: hold},
		badWire{name: "wire-stall", mode: proxy.Mode{StallUp: true, StallDown: true}, hold: hold},
		badWire{name: "wire-half-open", mode: proxy.Mode{StallDown: true}, hold: hold, cut: true},
	}
	parts := []fault{
		cut{"partition-leader", leaderOf(streamHistory), 8 * time.Second},
		cutWorker(8 * time.Second),
		side{"partition-minority", minority(partWorker, partCoordinator), 8 * time.Second},
		oneWay{"partition-one-way", leaderOf(streamHistory), false, 8 * time.Second},
	}
	return []*segment{
		{name: "wires", layout: wired, lanes: []lane{{wires, time.Second}},
			want: map[verify.FaultKind]int{"wire-cut": 2, "wire-delay": 2, "wire-stall": 2, "wire-half-open": 2}},
		{name: "partitions", layout: apart, length: 2 * time.Minute, lanes: []lane{{parts, 4 * time.Second}},
			want: map[verify.FaultKind]int{"partition-leader": 2, "partition-worker": 1, "partition-minority": 2, "partition-one-way": 2}},
		{name: "cutoff", layout: paused, length: 3 * time.Minute, rate: 300, lanes: cutOff(6*time.Second, 7*time.Second),
			want: map[verify.FaultKind]int{"cut-node": 2, "cut-node-mute": 2, "cut-node-deaf": 2, "node-pause": 3, "worker-pause": 3, "coordinator-pause": 3}},
		{name: "frozen", layout: paused, length: 90 * time.Second, rate: 300, lanes: []lane{{frozenInCuts(), 3 * time.Second}},
			want: map[verify.FaultKind]int{"worker-freeze-in-cut": 2, "coordinator-freeze-in-cut": 2}},
		limits(apart),
	}
}

// frozenInCuts stop workers and coordinators, and no servers, while the network is cut.
func frozenInCuts() []fault {
	const hold = 6500 * time.Millisecond // coordinators are given up after 5 s
	return []fault{
		frozenInCut{freezeMember{"worker-freeze-in-cut", []part{partWorker, partActivities}, hold, true}, leaderOf(streamHistory)},
		frozenInCut{freezeMember{"coordinator-freeze-in-cut", []part{partCoordinator}, hold, false}, anyServer},
	}
}

// limits cuts clients and workers off, and stops a server for longer than anybody may wait for it, one at a time, and asks
// how soon those go on whom that has befallen: R08. Nine seconds is long enough for TCP to try again only after six more,
// and too short for a connection to be given up.
func limits(l layout) *segment {
	const cut = 9 * time.Second
	const heal, leave = 10 * time.Second, 15 * time.Second
	return &segment{name: "limits", layout: l, length: 150 * time.Second, extra: 2 * time.Minute, rate: 300,
		calm: 12 * time.Second,
		lanes: []lane{{[]fault{
			side{"partition-clients", allServers, cut},
			cutWorker(cut),
			freezeServer{"server-freeze", anyServer, 25 * time.Second},
		}, time.Second}},
		limits: []limit{{"partition-clients", true, heal}, {"partition-worker", true, heal}, {"server-freeze", false, leave}},
		want:   map[verify.FaultKind]int{"partition-clients": 2, "partition-worker": 1, "server-freeze": 2},
	}
}

func cutWorker(hold time.Duration) fault { return cut{"partition-worker", aProcess(partWorker), hold} }

// cutOff cuts one server of three off, whichever, for a while: as a whole, or in one direction. Meanwhile servers and
// workers are stopped and go on, also the one that is cut off, and the leader on whom those depend that are left. mean is
// the mean time between two cuts: an election takes 4 s to 10 s, and there should be something to lose.
func cutOff(hold, mean time.Duration) []lane {
	return []lane{
		{[]fault{cut{"cut-node", anyServer, hold}, oneWay{"cut-node-mute", anyServer, false, hold}, oneWay{"cut-node-deaf", anyServer, true, hold}}, mean},
		{[]fault{freezeServer{"node-pause", anyServer, hold / 2}}, 2 * mean},
		{[]fault{
			freezeMember{"worker-pause", []part{partWorker, partActivities}, 3 * time.Second, true},
			freezeMember{"coordinator-pause", []part{partCoordinator}, 6500 * time.Millisecond, false},
		}, mean / 2},
	}
}
