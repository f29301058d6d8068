//go:build race

package foyertest

// raceDetector tells whether the tests run under the race detector.
const raceDetector = true
