package weixin

import "context"

type (
	callerKey    struct{}
	requestIDKey struct{}
)

// WithCaller returns a context for calls that somebody outside caused, such as a network from which people log in:
// one caller alone can't take all the calls that an app may have under way. Nobody in particular is "".
func WithCaller(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

func callerOf(ctx context.Context) string {
	caller, _ := ctx.Value(callerKey{}).(string)
	return caller
}

// WithRequestID returns a context for what a request causes. Work in the background that starts with it names the
// request in its log lines.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

func requestIDOf(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
