-- +goose Up
-- What customers are told ahead of time: where they live, as far as it counts for that, what they were told of, and since when a discount
-- with an end lowers their bills.
ALTER TABLE subscriptions ADD COLUMN reminders {{.JSON}};

-- The engine looks once at what there is, and asks where its customers live.
UPDATE subscriptions SET due_at = created_at WHERE provider = 'native' AND status IN ('trialing', 'active', 'past_due') AND open_payment_id IS NULL;
