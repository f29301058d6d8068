package foyer

import "time"

// ActivityType says what happened; i18n has a text for each under "activity.<type>".
type ActivityType string

// What a customer's activity shows.
const (
	ActivitySignedIn       ActivityType = "sign_in.completed"
	ActivitySignedOut      ActivityType = "session.signed_out"
	ActivitySessionRevoked ActivityType = "session.revoked"
	ActivityAllRevoked     ActivityType = "sessions.revoked_all"
	ActivityReuseDetected  ActivityType = "session.reuse_detected"
	ActivityUpdated        ActivityType = "customer.updated"
	ActivityMailSent       ActivityType = "mail.sent"
	ActivityDownloaded     ActivityType = "invoice.downloaded"
)

// Activity is one entry of what a customer sees happened to them. It is written in the transaction of what happened.
type Activity struct {
	ID      string
	Scope   Scope
	Session SessionID
	Type    ActivityType
	// Params fill the text; never a secret.
	Params map[string]string
	// Subject is the id of what it is about; empty where nothing of the customer's can be shown.
	Subject string
	Place   Place
	At      time.Time
}
