package account

import (
	"context"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Redirector is an account that logs a visitor in by sending the browser to an authorization page, from which it comes
// back with a code: OAuth 2.0's authorization code flow.
type Redirector interface {
	Account
	// Serves reports whether this way to log in works in the visitor's browser.
	Serves(visitor.Client) bool
	// Consent returns what a login takes of the visitor, without and with the profile.
	Consent(profile bool) Consent
	// AuthorizeURL returns the address of the authorization page, for kinds that have several the one for this browser.
	// The page must send the browser to redirectURI with the parameters code and state appended, state byte for byte;
	// without code if the visitor declined. The browser may be one that the account does not serve: visitors may choose
	// an account by name.
	AuthorizeURL(client visitor.Client, redirectURI, state string, profile bool) string
	// Exchange returns whom a code stands for, with the profile if the login asked for it. It is called once per code,
	// whatever comes of it. An error that wraps [ErrCodeRefused] starts the login once more; one that wraps
	// [ErrNotAMember] ends it. No error may hold a secret or the code: it is logged.
	Exchange(ctx context.Context, code string, profile bool) (Grant, error)
	// HasProfile reports whether an identity that this account made holds the profile, or as much of it as a login with
	// the profile brings. It is false for all if Consent says [Never].
	HasProfile(identity.Identity) bool
}

// Consent is what a login takes of the visitor.
type Consent int

const (
	// Silent: nothing, nobody is asked.
	Silent Consent = iota
	// Direct: the authorization page asks the visitor, and the browser is sent there at once.
	Direct
	// AskFirst: the authorization page asks the visitor, after they pressed a button on a page of the host's.
	AskFirst
	// Never: this kind of account cannot do it.
	Never
)

// Labeler is a [Redirector] that says what it is called on the page where visitors choose among several.
type Labeler interface {
	// Label returns the text of the button in a language, which is zh-CN, zh-TW or en.
	Label(language string) string
}

// QRCodeLogin is a [Redirector] whose authorization page shows a QR code to scan. A phone cannot scan its own screen,
// so its visitors are offered to open the page in WeChat first.
type QRCodeLogin interface {
	// ShowsQRCode reports whether the page for this browser is such a one.
	ShowsQRCode(visitor.Client) bool
}

// Fallback is a [Redirector] that leaves some of the browsers that it serves to other accounts.
type Fallback interface {
	// IsFallback reports whether visitors with this browser log in by the account only if no other one serves the
	// browser, or if they choose it by name.
	IsFallback(visitor.Client) bool
}

// BrowserRecommender is a [Redirector] that does not recommend every browser that it serves. Others are taken to
// recommend all of them.
type BrowserRecommender interface {
	// RecommendsBrowser reports whether visitors whose own browser no account serves are told to open the page in this
	// one.
	RecommendsBrowser(visitor.Client) bool
}

// DomainHinter is a [Redirector] whose platform sends visitors back only to domains that were entered there.
type DomainHinter interface {
	// DomainHint tells operators where the site's domain has to be entered.
	DomainHint() string
}

// Snapshots is an account that may make identities of visitors of a snapshot page (快照页), whose ids WeChat makes up.
// Those identities have the field snapshot.
type Snapshots interface {
	// AllowsSnapshots reports whether such a visitor gets a session, which is short and marked, instead of none.
	AllowsSnapshots() bool
}
