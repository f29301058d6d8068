package retention

// What a change adds to the sums the insights are read from.
var (
	Changed = difference
	Merged  = merged
)

// DeclareWithdrawal is what notices call.
var DeclareWithdrawal = (*Service).declareWithdrawal
