package visitor

import (
	"net/http"
	"net/netip"
	"strings"
)

// Request is a request as the module sees it: with the URL that the client sent, whatever the site made of it, and with
// the module's own credentials taken out of its headers.
type Request struct {
	*http.Request
	Origin  Origin   // what the browser calls the site
	Cookies []Cookie // the module's own
	Tokens  []string // the module's own bearer tokens, which outrank the cookies
	Server  Server

	client *Client // what Client returns, once somebody asked
}

// Cookie is a cookie as a browser sends it.
type Cookie struct{ Name, Value string }

// Server tells what only the web server knows of a request.
type Server interface {
	// RequestID returns the id by which error pages and log lines name the request, "" where it has none.
	RequestID(*http.Request) string
	// ClientIP returns the client's address as access logs have it, "" where it is not known.
	ClientIP(*http.Request) string
	// ClientAddress returns the nearest address on the request's way that is no trusted proxy's. It is not valid where
	// nobody knows it. Limits count by it, for clients can't choose it.
	ClientAddress(*http.Request) netip.Addr
	// IsTrustedProxy reports whether the peer is a proxy that the server trusts.
	IsTrustedProxy(*http.Request) bool
	// OmitFromLog keeps the request out of access logs.
	OmitFromLog(*http.Request)
}

// Client returns what the visitor's browser says of itself.
func (r *Request) Client() Client {
	if r.client == nil {
		client := Of(r.UserAgent())
		r.client = &client
	}
	return *r.client
}

// ID returns the request's id, which error pages show and log lines hold.
func (r *Request) ID() string { return r.Server.RequestID(r.Request) }

// Target returns path and query as the client wrote them. It begins with a slash.
func (r *Request) Target() string { return Target(r.Request) }

// Target is [Request.Target] of any request.
func Target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI() // a request line with a whole URL in it
}
