package invoice

import "fmt"

// Series is a run of numbers without a gap; every merchant has its own.
type Series string

// The series documents are numbered in.
const (
	SeriesInvoice    Series = "INV"
	SeriesCreditNote Series = "CN"
)

// Number is the nth number of the series, as documents show it.
func (s Series) Number(n int64) string { return fmt.Sprintf("%s-%06d", string(s), n) }
