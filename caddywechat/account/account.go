// Package account says what a kind of account is: a way to prove who a visitor is. Each kind is a Caddy module in the
// namespace wechat.accounts; those in the folders below are built in, and anybody can add another.
package account

import (
	"context"
	"errors"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Account vouches for visitors. Every module in the namespace wechat.accounts must be one.
type Account interface {
	// Kind is the word that names this kind of account to apps and in the configuration.
	Kind() string
	// AppID is the id by which WeChat, or whoever stands behind this kind, knows the account.
	AppID() string
	// Person returns what identifies the person within this account, for an identity that this account made.
	Person(identity.Identity) string
	// PersonEverywhere returns what identifies the person over all accounts of the company, "" where the identity does
	// not say.
	PersonEverywhere(identity.Identity) string
}

// Redirector is an account that logs a visitor in by sending the browser away and getting it back with a code.
type Redirector interface {
	Account
	// Serves reports whether this way to log in works in the visitor's browser.
	Serves(visitor.Client) bool
	// Consent returns what a login takes, without and with the person's profile.
	Consent(profile bool) Consent
	// AuthorizeURL returns where to send the browser, for kinds that have several places according to what it is. It shall
	// come back to redirectURI, with state and a code appended as the parameters of these names; without a code when the
	// visitor declined. A visitor who chose the account by name may have a browser that it does not serve.
	AuthorizeURL(client visitor.Client, redirectURI, state string, profile bool) string
	// Exchange returns whom a code stands for, with the profile where the login asked for it. It is called once for a
	// code, whatever comes of it. The gate adds the fields account, app_id and id. An
	// error that wraps [ErrCodeRefused] begins the login afresh; one that wraps [ErrNotAMember] ends it.
	Exchange(ctx context.Context, code string, profile bool) (Grant, error)
	// HasProfile reports whether an identity that this account made holds the profile.
	HasProfile(identity.Identity) bool
}

// Grant is what a login brings.
type Grant struct {
	Identity identity.Identity
	// Renewal is a secret by which [Renewer] asks for the profile again, "" where there is none. It never leaves the server.
	Renewal string
	// Secret is what [Endpoints] need to know of the person until the next login, "" for nothing. The gate keeps it in the
	// store, sealed, for as long as the session lives. It never leaves the server.
	Secret string
}

// TokenLogin is an account whose people come by a program and not by a browser: it got a code from WeChat, posts it to
// <prefix>/<kind>/login, and gets a token to send along with its requests.
type TokenLogin interface {
	Account
	// Login returns whom a code stands for. It is called once for a code. The gate adds the fields account, app_id and id.
	// An error that wraps [ErrCodeRefused] is counted against whoever sends them without end. One that is a [*Problem] is
	// told to the program as it is.
	Login(ctx context.Context, code string) (Grant, error)
}

// CodeHinter is a [TokenLogin] that says how a program gets a code.
type CodeHinter interface {
	// CodeHint returns what to do, such as "call wx.login".
	CodeHint() string
}

// Endpoints is an account that offers more to the programs of people who are logged in by it.
type Endpoints interface {
	Account
	Endpoints() []Endpoint
}

// Endpoint takes JSON by POST at <prefix>/<kind>/<name>.
type Endpoint struct {
	Name string
	// Serve returns what becomes the JSON answer. An error that is a [*Problem] is told to the program as it is, others as
	// failures of WeChat.
	Serve func(context.Context, Call) (any, error)
}

// Call is a request to an [Endpoint].
type Call struct {
	Identity identity.Identity // the person, with the fields that this account gave
	Secret   string            // the [Grant]'s, of the person's last login; "" where it is gone
	Body     []byte            // at most 64 KiB
}

// Problem is an error that programs are told.
type Problem struct {
	Status  int    // of HTTP
	Word    string // for programs, such as session_key_expired
	Message string // for people who write programs

	// Refused: WeChat was asked, and said no to what the program sent. It counts against who sends such things without
	// end. Problems with the word code_used always do.
	Refused bool
}

// Error returns the message.
func (p *Problem) Error() string { return p.Message }

// Admitter is an account that does not let everybody in for whom it vouches.
type Admitter interface {
	// Admits reports whether a person whom this account vouched for is let in by the configuration of today.
	Admits(identity.Identity) bool
}

// Namer is an account whose people are not named by WeChat but by somebody else, such as a company's administrator, so
// that one of them can have the same name as another account's person.
type Namer interface {
	Account
	NamesPeople()
}

// Scanner is a [Redirector] whose page shows a QR code to scan. A phone can't scan its own screen, so it is offered
// WeChat first.
type Scanner interface {
	Scans(visitor.Client) bool
}

// Labeler is a [Redirector] that says what it is called where visitors choose among several.
type Labeler interface {
	// Label returns the name in a language, which is zh-CN, zh-TW or en.
	Label(language string) string
}

// Renewer is an account that can bring a person's profile up to date without the visitor.
type Renewer interface {
	Account
	// Renew returns the profile of today, and with it the Renewal for the next time. An error that wraps [ErrConsentEnded]
	// ends the session: the person has to log in again.
	Renew(ctx context.Context, renewal string) (Grant, error)
}

// RenewalLife is how long a [Grant]'s Renewal is kept at most
// (https://developers.weixin.qq.com/doc/service/api/webdev/access/api_snsrefreshtoken).
const RenewalLife = 30 * 24 * time.Hour

// Consent is what a login takes of the visitor.
type Consent int

const (
	// Silent: nothing, nobody is asked.
	Silent Consent = iota
	// Direct: the account's page asks the visitor, and the browser is sent there at once.
	Direct
	// AskFirst: the account's page asks the visitor, after they pressed a button on a page of the gate.
	AskFirst
	// Never: this kind of account cannot do it.
	Never
)

// Snapshots is an account that may vouch for visitors of a snapshot page, whose ids are made up by WeChat.
type Snapshots interface {
	// AllowsSnapshots reports whether such a visitor gets a session, which is short and marked, instead of none.
	AllowsSnapshots() bool
}

// WeChatUser is an account that speaks to WeChat. The gate hands it the way to do so before anything else is asked of it,
// and the place where all instances of the site share server tokens; which must not be used before a visitor comes.
type WeChatUser interface {
	UseWeChat(*weixin.Client, weixin.TokenCache)
}

// PageSigner is an account that lets the site's pages use WeChat's JS-SDK.
type PageSigner interface {
	Account
	// SignPage returns what a page hands to wx.config, for its address without what stands behind #. The caller has made
	// sure that it is one of the site's.
	SignPage(ctx context.Context, page string) (weixin.Signature, error)
}

// ErrNotAMember is the error of a login by somebody whom the account does not let in.
var ErrNotAMember = errors.New("the person is no member")

// ErrConsentEnded is the error of a renewal for a person who withdrew the consent or changed the password.
var ErrConsentEnded = errors.New("the person's consent has ended")

// ErrCodeRefused is the error of an exchange whose code is wrong, used or too old.
var ErrCodeRefused = errors.New("the code was refused")
