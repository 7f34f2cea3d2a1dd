#!/bin/sh
# seeds.sh SEEDS: simulates seeds that nobody has tried yet until SEEDS of them have passed for what is built now, one
# process for each processor. It stops at the first failure, with its seed and trace, and begun again goes on where it
# was stopped.
set -u
seeds=$1
chunk=1000
jobs=$(getconf _NPROCESSORS_ONLN)
cd "$(dirname "$0")/.." || exit
root=$PWD
test=$root/bin/simulation.test
dir=$root/bin/seeds
mkdir -p "$dir"
# What has passed is noted by the program that passed it: a line for each chunk, its first seed and its number of seeds.
passed=$dir/passed-$(sha256sum "$test" | cut -c 1-12)
touch "$passed"

count() { awk '{ n += $2 } END { print n + 0 }' "$passed"; }
report() { echo "$(count) of $seeds seeds have passed, see $passed"; }
run() {
	log=$dir/running-$1
	# A simulation is one thread's work, and leaves little behind: a second thread and an early collector only cost.
	if cd coordinator && GOMAXPROCS=1 GOGC=400 "$test" -test.run '^TestSimulation$' -test.parallel 1 -test.timeout 0 \
		-regressions=false -first "$1" -seeds $chunk >"$log" 2>&1; then
		echo "$1 $chunk" >>"$passed"
		rm "$log"
		echo "$(count) of $seeds seeds, the last from $1 on: no failure"
		return
	fi
	mv "$log" "$dir/failed-$1"
	return 255 # which ends xargs
}

if [ "${2-}" ]; then # called by xargs below
	run "$2"
	exit
fi
trap 'echo; report; exit 130' INT TERM
rm -f "$dir"/running-* "$dir"/failed-*
before=$(count)
first=$(date +%s)000000
seq -f %.0f "$first" $chunk $((first + seeds - before - 1)) | xargs -P "$jobs" -n 1 "$root/integration/seeds.sh" "$seeds"
status=$?
for log in "$dir"/failed-*; do
	[ -e "$log" ] && cat "$log"
done
report
exit $status
