package foyer

// Scope says whose rows a store method may touch. Store methods of a customer's things take it by value and can't be
// called without it: the first wall of tenancy (the second is the guard in the store).
type Scope struct {
	Merchant MerchantID
	Customer CustomerID
}

// ActorKind says what sort of caller acts.
type ActorKind string

// The kinds of caller.
const (
	ActorCustomer ActorKind = "customer"
	ActorMerchant ActorKind = "merchant"
	ActorSystem   ActorKind = "system"
)

// Actor is who acts: the customer of a session, a merchant's key, or Foyer itself.
type Actor struct {
	Kind  ActorKind
	Scope Scope
	// Session is set for a customer, Key, the id of the API key, for a merchant.
	Session SessionID
	Key     string
	// Scopes are the permissions of the access token: read, write, subscription:<id>:cancel, …
	Scopes []string
}

// Place is where a request came from, as much of it as is kept: a readable device name and the network address cut to
// /24 (IPv4) or /48 (IPv6).
type Place struct {
	Device string
	IP     string
}
