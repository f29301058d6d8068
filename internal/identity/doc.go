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
// Nothing readable is kept: link token and code are derived (HMAC under a key from FOYER_SECRET) from a random value in
// the sign-in's row, a refresh token's successor from the token presented; rows hold hashes.
//
// It does not own customers (billing), portals (merchant) or how a mail looks (notify).
package identity
