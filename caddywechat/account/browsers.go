package account

import "github.com/caddywechat/caddy-wechat/caddywechat/visitor"

// Yielder is a [Redirector] that leaves some of the browsers that it serves to other accounts: visitors log in by it
// there where no other account serves the browser, or by choosing it by name.
type Yielder interface {
	Yields(visitor.Client) bool
}

// Guide is a [Redirector] that does not send visitors into every browser that it serves. Others are taken to send them
// into all of them.
type Guide interface {
	// LeadsInto reports whether somebody whose browser no account serves is told to open the page in such a one.
	LeadsInto(visitor.Client) bool
}
