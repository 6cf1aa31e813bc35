package identity

import (
	"slices"
	"strings"
)

// isHTTPs reports whether a header means something to HTTP itself, to browsers or to proxies: the app, or what stands
// before it, would take a person's id for it.
func isHTTPs(name string) bool {
	folded := fold(name)
	return slices.Contains(httpHeaders, folded) ||
		slices.ContainsFunc(httpPrefixes, func(prefix string) bool { return strings.HasPrefix(folded, prefix) })
}

// httpPrefixes and httpHeaders are in lower case. Most are in IANA's registry of HTTP field names.
var (
	httpPrefixes = []string{
		"accept", "access-control-", "content-", "cross-origin-", "if-", "proxy-", "repr-", "sec-", "want-",
		"x-forwarded-",
	}
	httpHeaders = []string{
		"a-im", "age", "allow", "alpn", "alt-svc", "alt-used", "authentication-control", "authentication-info",
		"authorization", "baggage", "cache-control", "cdn-loop", "client-cert", "client-cert-chain",
		"clear-site-data", "close", "connection", "cookie", "cookie2", "date", "depth", "destination", "digest",
		"dnt", "early-data", "etag", "expect", "expires", "forwarded", "from", "host", "http2-settings",
		"idempotency-key", "keep-alive", "last-event-id", "last-modified", "link", "location", "max-forwards",
		"mime-version", "origin", "overwrite", "ping-from", "ping-to", "pragma", "prefer", "priority", "purpose",
		"range", "referer", "referrer-policy", "refresh", "retry-after", "save-data", "server", "service-worker",
		"set-cookie", "set-cookie2", "signature", "signature-input", "strict-transport-security", "te", "timeout",
		"traceparent", "tracestate", "trailer", "transfer-encoding", "upgrade", "upgrade-insecure-requests",
		"user-agent", "vary", "via", "warning", "www-authenticate", "x-content-type-options", "x-frame-options",
		"x-http-method", "x-http-method-override", "x-method-override", "x-original-url", "x-real-ip",
		"x-requested-with", "x-rewrite-url",
	}
)
