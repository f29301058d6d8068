package retention

import "math"

// z95 is the 97.5th percentile of the normal distribution: intervals cover 95 %.
const z95 = 1.959963984540054

// Proportion is how many of the trials were successes, for example saved of started.
type Proportion struct {
	Successes, Trials int64
}

// Interval is a confidence interval, its ends included.
type Interval struct {
	Low, High float64
}

// Rate returns successes by trials, 0 to 1; false without trials or with counts that make no sense.
func (p Proportion) Rate() (float64, bool) {
	if p.Trials <= 0 || p.Successes < 0 || p.Successes > p.Trials {
		return 0, false
	}
	return float64(p.Successes) / float64(p.Trials), true
}

// Interval returns the 95 % score interval of the rate (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927, p. 209), which unlike the usual
// ± stays within 0 and 1 and is honest with few trials; false where there is no rate.
func (p Proportion) Interval() (Interval, bool) {
	rate, ok := p.Rate()
	if !ok {
		return Interval{}, false
	}
	n := float64(p.Trials)
	middle := rate + z95*z95/(2*n)
	half := z95 * math.Sqrt(rate*(1-rate)/n+z95*z95/(4*n*n))
	scale := 1 + z95*z95/n
	i := Interval{Low: max((middle-half)/scale, 0), High: min((middle+half)/scale, 1)}
	// Exact where arithmetic with floats is not quite.
	if p.Successes == 0 {
		i.Low = 0
	}
	if p.Successes == p.Trials {
		i.High = 1
	}
	return i, true
}

// Difference returns rate(a) − rate(b) of two independent proportions, −1 to 1, with its 95 % interval by the hybrid score
// method (R. G. Newcombe, Statistics in Medicine 17, 1998, p. 873, method 10, without continuity correction); false where
// one of the two has no rate.
func Difference(a, b Proportion) (estimate float64, interval Interval, ok bool) {
	rateA, okA := a.Rate()
	rateB, okB := b.Rate()
	if !okA || !okB {
		return 0, Interval{}, false
	}
	ofA, _ := a.Interval()
	ofB, _ := b.Interval()
	estimate = rateA - rateB
	return estimate, Interval{
		Low:  max(estimate-math.Hypot(rateA-ofA.Low, ofB.High-rateB), -1),
		High: min(estimate+math.Hypot(ofA.High-rateA, rateB-ofB.Low), 1),
	}, true
}
