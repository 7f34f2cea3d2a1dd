// Package lint holds the rules of this code base that no general linter knows: who may import whom, where the broker
// may be spoken to, what the deterministic core must not touch, and how large things may grow. `go test` applies them
// to the whole module. Each rule is a Policy, and the tests show for each that it catches a violation, so that a rule
// cannot quietly stop working.
package lint
