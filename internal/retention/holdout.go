package retention

import (
	"crypto/sha256"
	"encoding/binary"
)

// InHoldout tells whether a subject, a customer's id, belongs to the share (0 to 1) of customers who see no offers, so that what
// offers do can be measured against them. It is decided by a hash alone: the same subject stays in or out whoever asks and
// however often, raising the share only adds members, and another salt, the merchant's, draws another group.
func InHoldout(salt, subject string, share float64) bool {
	sum := sha256.Sum256([]byte(salt + "\x00" + subject))
	// 53 bits are what a float64 holds exactly: a number from 0 to just below 1.
	point := float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
	return point < share
}
