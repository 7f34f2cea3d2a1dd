package workflow

import (
	"cmp"
	"maps"
	"slices"
)

// DeterministicKeys returns the keys of m in ascending order. Range over them instead of over m, whose order differs
// each time.
func DeterministicKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// DeterministicKeysFunc is DeterministicKeys in the order of compare, which is negative, 0 or positive as in
// slices.SortFunc. Keys that it calls equal have no fixed order among themselves: it must tell all keys apart.
func DeterministicKeysFunc[K comparable, V any](m map[K]V, compare func(a, b K) int) []K {
	return slices.SortedFunc(maps.Keys(m), compare)
}
