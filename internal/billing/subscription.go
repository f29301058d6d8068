package billing

import (
	"time"

	"foyer/internal/foyer"
)

// SubscriptionID is `sub_…`.
type SubscriptionID string

// SubscriptionStatus is the state of a subscription.
type SubscriptionStatus string

// The states of a subscription; doc.go draws them.
const (
	SubscriptionTrialing SubscriptionStatus = "trialing"
	SubscriptionActive   SubscriptionStatus = "active"
	SubscriptionPastDue  SubscriptionStatus = "past_due"
	SubscriptionPaused   SubscriptionStatus = "paused"
	SubscriptionCanceled SubscriptionStatus = "canceled"
)

// SubscriptionStatuses lists every state.
var SubscriptionStatuses = []SubscriptionStatus{
	SubscriptionTrialing, SubscriptionActive, SubscriptionPastDue, SubscriptionPaused, SubscriptionCanceled,
}

// ScheduledAction is what a scheduled change will do.
type ScheduledAction string

// The actions that can be scheduled.
const (
	ScheduleCancel ScheduledAction = "cancel"
	SchedulePause  ScheduledAction = "pause"
	ScheduleResume ScheduledAction = "resume"
	ScheduleChange ScheduledAction = "change"
)

// ScheduledChange is what will happen to a subscription by itself.
type ScheduledChange struct {
	Action      ScheduledAction
	EffectiveAt time.Time
	// ResumeAt is when a scheduled pause will end; nil when it is open-ended.
	ResumeAt *time.Time
	// Firm says that an end was declared for this very moment: bills go on until then, and one that is declined does not
	// bring it forward. Any other end comes with the period that runs.
	Firm bool
}

// Plan is what is subscribed to and how often it is billed.
type Plan struct {
	Items []SubscriptionItem `json:"items"`
	Cycle foyer.Cycle        `json:"cycle"`
}

// SubscriptionItem is one product of a subscription, as it was named and priced when it was added.
type SubscriptionItem struct {
	PriceID           PriceID    `json:"price_id,omitempty"`
	ExternalPriceID   string     `json:"external_price_id,omitempty"`
	ProductID         ProductID  `json:"product_id,omitempty"`
	ExternalProductID string     `json:"external_product_id,omitempty"`
	ProductName       string     `json:"product_name"`
	PriceName         string     `json:"price_name,omitempty"`
	Quantity          int64      `json:"quantity"`
	UnitPrice         int64      `json:"unit_price"`
	TaxRate           foyer.Rate `json:"tax_rate,omitempty"`
	TaxBehavior       string     `json:"tax_behavior,omitempty"`
	// Description is the product's, shown under its name on documents.
	Description string `json:"description,omitempty"`
}

// SubscriptionDiscount is the discount a subscription has now.
type SubscriptionDiscount struct {
	ID         DiscountID   `json:"id,omitempty"`
	ExternalID string       `json:"external_id,omitempty"`
	Type       DiscountType `json:"type,omitempty"`
	Percent    foyer.Rate   `json:"percent,omitempty"`
	Amount     *int64       `json:"amount,omitempty"`
	StartsAt   *time.Time   `json:"starts_at,omitempty"`
	EndsAt     *time.Time   `json:"ends_at,omitempty"`
	// PeriodsLeft is how many more bills it lowers; nil for every one to come.
	PeriodsLeft *int `json:"periods_left,omitempty"`
}

// Subscription is a standing order: items, a billing cycle, and what happens next.
type Subscription struct {
	ID         SubscriptionID
	Merchant   foyer.MerchantID
	Customer   foyer.CustomerID
	ExternalID string
	// Provider owns the subscription; empty when it was imported from a system that still does.
	Provider string
	Status   SubscriptionStatus
	Currency foyer.Currency
	Items    []SubscriptionItem
	// RecurringTotal is what one period costs, with tax and discount as far as they are known.
	RecurringTotal int64
	// AmountsUnknown says that the unit prices and RecurringTotal are not known and stand at 0: an imported subscription
	// whose prices are told in another currency than it is charged in. They are shown as null.
	AmountsUnknown bool
	// NextTotal is what the next payment will come to; nil when it is RecurringTotal.
	NextTotal      *int64
	Cycle          foyer.Cycle
	CollectionMode CollectionMode
	CurrentPeriod  *foyer.Period
	Trial          *foyer.Period
	// NextBilledAt is nil when nothing will be billed.
	NextBilledAt    *time.Time
	ScheduledChange *ScheduledChange
	Discount        *SubscriptionDiscount
	PaymentMethod   PaymentMethodID
	StartedAt       *time.Time
	PausedAt        *time.Time
	CanceledAt      *time.Time
	CreatedAt       time.Time
	UpdatedAt       time.Time
	Version         int64
	// Metadata is the merchant's own.
	Metadata foyer.Metadata

	// AnchorAt is the moment periods are counted from: its day of the month is kept, and taken up again after a short
	// month (31 January, 28 February, 31 March).
	AnchorAt *time.Time
	// Pending takes the place of items and cycle when ScheduledChange, a change, takes effect.
	Pending *Plan
	// OpenPayment is being charged now; what becomes of the subscription depends on it. Debt is past due.
	OpenPayment PaymentID
	Debt        PaymentID
	// Territory is where the customer lives, as far as it counts for Notices.
	Territory Territory
	// Told is what the customer was told of ahead of time, last of each kind.
	Told map[MailKind]time.Time
	// LoweredFrom is since when bills are lower by a discount with an end, the one of the present period too; nil when it is not.
	LoweredFrom *time.Time
	// BillingDetails are the terms of a subscription collected by invoice.
	BillingDetails *Terms
}

// NextPayment is when and how much a subscription will be charged next.
type NextPayment struct {
	At time.Time
	// Total is nil when what will be charged is not known.
	Total *int64
}

// NextPayment returns nil when nothing will be charged: canceled, paused, or a cancel or pause comes first (showing a
// next payment then is a classic bug; paddle.md (b) 2). An end that lies beyond the next bill does not keep it away.
func (s Subscription) NextPayment() *NextPayment {
	if s.NextBilledAt == nil || s.Status == SubscriptionCanceled || s.Status == SubscriptionPaused {
		return nil
	}
	if s.scheduled(SchedulePause) || s.scheduled(ScheduleCancel) && s.endsBy(*s.NextBilledAt) {
		return nil
	}
	next := &NextPayment{At: *s.NextBilledAt, Total: s.NextTotal}
	if next.Total == nil && !s.AmountsUnknown {
		next.Total = &s.RecurringTotal
	}
	return next
}
