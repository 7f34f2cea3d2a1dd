// Package data embeds the weather observations that the training example learns from.
package data

import _ "embed"

// FileName is the name of the embedded file, as model cards cite it.
const FileName = "seattle-weather.csv"

//go:embed seattle-weather.csv
var seattleWeather string

// SeattleWeather returns the embedded CSV file, header line included.
func SeattleWeather() string { return seattleWeather }
