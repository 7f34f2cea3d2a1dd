// Package pipeline trains the weather forecast of package weather as durable workflows.
//
//	TrainDay   load ─┬─ validate ──────┬─ (previous day's model) ─ train ─┬─ evaluate ──┬─ publish card
//	                 └─ build features ┘                                  └─ baselines ─┘
//	Backfill   a range of days, each a TrainDay child; preparation runs some days ahead, training in order
//	Daily      one day, then continues as new for the next
//
// Histories hold references and counts; rows, samples and models are blobs. Every activity may run any number of times
// with the same outcome: blobs are named by their content, cards are replaced in one step, and a training that lost
// its worker goes on from the last checkpoint that it sent as heartbeat details.
package pipeline
