package retention

// DeclareWithdrawal is what notices call.
var DeclareWithdrawal = (*Service).declareWithdrawal
