package foyer

import "context"

type commandKey struct{}

// WithCommand returns a context that knows which call of which caller it works for: a short text made of the caller, the
// operation and the Idempotency-Key, never the key itself. What a command leaves behind before it is finished carries it,
// so that the same call made again after a crash goes on instead of beginning anew.
func WithCommand(ctx context.Context, command string) context.Context {
	return context.WithValue(ctx, commandKey{}, command)
}

// CommandOf returns the command of ctx, empty when there is none.
func CommandOf(ctx context.Context) string {
	command, _ := ctx.Value(commandKey{}).(string)
	return command
}
