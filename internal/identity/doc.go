// Package identity owns who the customer is: sign-ins by magic link or code, sessions with rotating refresh tokens, and
// the access tokens a session speaks with.
//
// A sign-in:
//
//	requested ──verify──→ used ──→ a session        One use, by link or by code, whatever the concurrency: a guarded
//	    │                                           update decides. Opening the link uses nothing up.
//	    ├──another sign-in of the customer succeeds──→ used
//	    └──10 minutes──→ expired
//
// A refresh token:
//
//	current ──refresh──→ used ──within 10 s──→ the same successor again (lost answer, two tabs)
//	                       └────later────────→ somebody else has it: the whole session is revoked
//
// A ticket, which stands in a link Foyer minted:
//
//	minted ──exchange──→ used ──→ a session of at most 12 hours with the powers of the ticket, not a fresh sign-in
//	   │                   └──revoke──→ the session ends too
//	   ├──revoke──→ revoked
//	   └──expires──→ known, good for nothing but saying where to sign in
//
// A merchant's backend mints one by the API, a mail about a subscription brings its own; both are portal sessions.
//
// A change of address:
//
//	requested ──the link in the new mailbox──→ the address is changed, once; what the old mailbox could still open ends:
//	    │                                      sign-ins, links of mails, other changes, every session but the one that asked
//	    ├──another one is made──→ ended
//	    └──10 minutes──→ expired
//
// Nothing readable is kept: link tokens, code and ticket are derived (HMAC under a key from FOYER_SECRET) from a random
// value in the row of the sign-in, portal session or change of address, a refresh token's successor from the token presented; rows hold
// hashes.
//
// It does not own customers (billing), portals (merchant) or how a mail looks (notify).
package identity
