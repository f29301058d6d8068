package foyer

// IdempotencyKey says which call of which caller is meant. Fingerprint tells two different calls with one key apart.
type IdempotencyKey struct {
	Merchant    MerchantID
	Caller      string
	Operation   string
	Key         string
	Fingerprint []byte
}
