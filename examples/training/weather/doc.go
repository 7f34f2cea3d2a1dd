// Package weather is the model of the training example: plain, deterministic Go with no engine in it.
//
// The question is a forecast: which class will the weather of a day have, given what was known the evening
// before? The features of a day come from the days strictly before it and from the calendar, so neither the day's
// own class nor its own measurements can leak into them.
//
// Training on day d continues the previous day's model by a fixed number of passes over the trailing year that ends
// with d. The model of day d has therefore seen days up to and including d, and is judged on the EvaluationDays days
// that follow, beside two baselines: the class that was most frequent in training, and "as the day before". The card
// shows both, also where they win. The hyperparameters are constants, chosen before any result was looked at.
//
// The same rows give the same bytes on every run of one build: sums have a fixed order, there is no map iteration, no
// goroutine, no clock and no random number, and products are rounded before they are added so that no compiler may
// fuse them. The last bit of math.Exp may differ between processor architectures.
package weather
