package httpapi

import (
	"context"
	"runtime/debug"
	"time"

	"foyer/api"
	"foyer/internal/foyer"
)

// Clocks tells a merchant's time, and moves a sandbox merchant's.
type Clocks interface {
	Clock(ctx context.Context, merchant foyer.MerchantID) (time.Time, error)
	// Advance moves the clock forward and runs all that falls due on the way, until enough says so; done tells whether all has run,
	// now is where the clock stands.
	//
	// Refusals: Conflict (clock.live), Invalid for a moment in the past or too far ahead.
	Advance(ctx context.Context, merchant foyer.MerchantID, to time.Time, enough func() bool) (now time.Time, done bool, err error)
}

// How long moving a clock may take: after the first no batch begins, and the second later the answer is given in any case. Both
// fit in the time a handler has.
const (
	clockTurn = 8 * time.Second
	clockRest = time.Second
)

// MerchantGetClock tells the merchant's time.
func (s *Server) MerchantGetClock(ctx context.Context, _ api.MerchantGetClockRequestObject) (api.MerchantGetClockResponseObject, error) {
	now, err := s.Clocks.Clock(ctx, requestOf(ctx).merchant)
	return api.MerchantGetClock200JSONResponse{Body: s.showClock(now)}, err
}

// showClock shows a time and how far it is ahead; a millisecond is not ahead.
func (s *Server) showClock(now time.Time) api.Clock {
	shown := api.Clock{Now: now}
	if ahead := now.Sub(s.clock()); ahead >= time.Second {
		text := foyer.SpanText(ahead.Round(time.Second))
		shown.Offset = &text
	}
	return shown
}

// MerchantAdvanceClock moves a sandbox merchant's clock forward.
func (s *Server) MerchantAdvanceClock(ctx context.Context, in api.MerchantAdvanceClockRequestObject) (api.MerchantAdvanceClockResponseObject, error) {
	m := requestOf(ctx).merchant
	now, err := s.Clocks.Clock(ctx, m)
	if err != nil {
		return nil, err
	}
	to, err := clockTarget(*in.Body, now)
	if err != nil {
		return nil, err
	}
	moved, done, err := s.advance(ctx, m, to)
	if err != nil {
		return nil, pointed(err, in.Body.By != nil)
	}
	shown := s.showClock(moved)
	if !done {
		running := true
		shown.Running, shown.To = &running, &to
		return api.MerchantAdvanceClock202JSONResponse{Body: shown}, nil
	}
	return api.MerchantAdvanceClock200JSONResponse{Body: shown}, nil
}

func clockTarget(body api.AdvanceClock, now time.Time) (time.Time, error) {
	if body.By == nil {
		return foyer.Micro(orZero(body.To)), nil
	}
	span, ok := foyer.ParseSpan(*body.By)
	if !ok {
		return now, foyer.InvalidFields(foyer.FieldError{Pointer: "/by", Code: "input.format"})
	}
	return span.After(now), nil
}

// pointed lets a refusal point at what was sent.
func pointed(err error, by bool) error {
	if refusal, refused := foyer.AsError(err); refused && by {
		for i := range refusal.Fields {
			refusal.Fields[i].Pointer = "/by"
		}
	}
	return err
}

// advance runs what falls due for as long as a call may take. What is begun is finished even if the answer can't wait for it: a
// charge whose gateway hangs must not be cut off. Nothing goes on after that but the worker and the next call. No transaction of
// the call is open meanwhile, so that nobody waits for it.
func (s *Server) advance(ctx context.Context, m foyer.MerchantID, to time.Time) (now time.Time, done bool, err error) {
	turn := s.ClockTurn
	if turn == 0 {
		turn = clockTurn
	}
	type outcome struct {
		now  time.Time
		done bool
		err  error
	}
	begun := time.Now() //nolint:forbidigo // measures how long the call takes, not what time it is for anybody
	ended := make(chan outcome, 1)
	working := context.WithoutCancel(ctx)
	go func() {
		var o outcome
		defer func() {
			if v := recover(); v != nil {
				o.err = &panicked{value: v, stack: debug.Stack()}
			}
			ended <- o
		}()
		o.now, o.done, o.err = s.Clocks.Advance(working, m, to, func() bool { return time.Since(begun) > turn }) //nolint:forbidigo // see above
	}()
	select {
	case o := <-ended:
		return o.now, o.done, o.err
	case <-time.After(turn + clockRest):
		now, err = s.Clocks.Clock(ctx, m)
		return now, false, err
	}
}
