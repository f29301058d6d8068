package retention

// NoticeID is `ntc_…`.
type NoticeID string
