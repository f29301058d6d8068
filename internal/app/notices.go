package app

import (
	"context"
	"errors"
	"fmt"

	"foyer/internal/foyer"
	"foyer/internal/notify"
	"foyer/internal/retention"
)

// notices gives notify the declarations it tells of.
type notices struct{ retention *retention.Notices }

// Notice implements notify.Notices.
func (n notices) Notice(ctx context.Context, merchant foyer.MerchantID, id string) (notify.Notice, bool, error) {
	found, err := n.retention.Notice(ctx, merchant, retention.NoticeID(id))
	if errors.Is(err, foyer.NotFound) {
		return notify.Notice{}, false, nil
	}
	return notify.Notice{
		ID: id, Kind: string(found.Kind), Name: found.Name, Email: found.Email, Contract: found.Contract, Grounds: string(found.Grounds), EndAt: found.EndAt,
		ReceivedAt: found.ReceivedAt, Locale: found.Locale, Silent: found.Silent, ForMerchant: found.ForMerchant(),
		Matched: found.State == retention.NoticeMatched, Problem: string(found.Problem),
	}, err == nil, err
}

// afterNotice does a step of what follows a notice.
func (a *App) afterNotice(ctx context.Context, merchant foyer.MerchantID, id retention.NoticeID, step retention.NoticeStep) error {
	switch step {
	case retention.NoticeReceiptMail:
		return a.Notify.SendNoticeReceipt(ctx, merchant, string(id))
	case retention.NoticeMatch:
		return a.Notices.Match(ctx, merchant, id)
	case retention.NoticeMerchantMail:
		return a.Notify.SendNoticeToMerchant(ctx, merchant, string(id))
	}
	return fmt.Errorf("app: no step %q of a notice", step)
}
