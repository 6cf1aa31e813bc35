// Package account says what a kind of account is: a way to prove who a visitor is. Each kind is a Caddy module in the
// namespace wechat.accounts; those in the folders below are built in, and anybody can add another.
//
// Every kind implements [Account], and one of the two ways to log in: [Redirector] for browsers, [TokenLogin] for
// programs. What else the host asks of a kind is optional, an interface each:
//
//   - who may log in, and what names them: [Admitter], [LocalIDs], [SharedAppID]
//   - more for a [Redirector]: [Labeler], [QRCodeLogin], [Fallback], [BrowserRecommender], [DomainHinter], [Snapshots]
//   - more for a [TokenLogin]: [CodeHinter], [Endpoints]
//   - profiles brought up to date: [ProfileRefresher]
//   - the JS-SDK: [PageSigner], [AgentSigner]
//   - calls of WeChat's API: [WeChatCaller]
//
// Package accounttest says whether a kind keeps these contracts.
//
// The package owns the interfaces and what several kinds of WeChat's have in common. It knows no kind, and nothing of
// sessions, requests or stores; the host knows kinds by these interfaces only.
package account

import (
	"errors"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

// Account vouches for visitors. Every module in the namespace wechat.accounts must be one. Its methods are called with
// every request, by many goroutines: they must not block, and their results must not change once the module is
// provisioned.
type Account interface {
	// Kind is the word that names this kind of account to apps and in the configuration: the last part of the module's
	// id.
	Kind() string
	// AppID is the id by which WeChat, or whoever stands behind this kind, knows the account.
	AppID() string
	// Person returns what identifies the person within this account. It is not empty for an identity that this account
	// made.
	Person(identity.Identity) string
	// PersonEverywhere returns what identifies the person over all accounts of the company, "" if the identity does not
	// say.
	PersonEverywhere(identity.Identity) string
}

// Grant is what a login brings.
type Grant struct {
	// Identity says who the person is. The host adds the fields account, app_id and id.
	Identity identity.Identity

	// RefreshToken is a secret with which a [ProfileRefresher] asks for the profile again, "" if there is none. The
	// host keeps it encrypted, for as long as [RefreshTokenLifetime]. It never leaves the server.
	RefreshToken string

	// SessionSecret is what [Endpoints] need to know of the person until the next login, "" for nothing. The host keeps
	// it encrypted in the store for as long as the session lasts, and gives it back in a [Call]. It never leaves the
	// server.
	SessionSecret string
}

// Errors of logins, which the host tells apart by errors.Is.
var (
	// ErrCodeRefused: the code is wrong, used or too old. A browser is sent to log in once more.
	ErrCodeRefused = errors.New("the code was refused")
	// ErrNotAMember: the account does not admit this person. The login ends.
	ErrNotAMember = errors.New("the person is no member")
	// ErrConsentEnded: a profile cannot be refreshed because the person withdrew the consent or changed the password.
	// The session ends.
	ErrConsentEnded = errors.New("the person's consent has ended")
)

// Admitter is an account that does not admit everybody whose identity it can prove.
type Admitter interface {
	// Admits reports whether the present configuration admits a person whose identity this account made, perhaps under
	// an earlier configuration. It is asked with every request.
	Admits(identity.Identity) bool
}

// LocalIDs is an account whose ids of people are made up by somebody else than WeChat, such as a company's
// administrator. One of them can equal an id of another account by chance or on purpose, so the host refuses
// configurations in which ids of several accounts would be compared as they are.
type LocalIDs interface {
	// HasLocalIDs reports whether that is so.
	HasLocalIDs() bool
}

// SharedAppID is an account that shares its app id with others: one of several apps of a company, each with people,
// secrets and pages of its own.
type SharedAppID interface {
	// Ref returns the app id, a slash, and what tells this account from others with the same app id. It is asked with
	// every request.
	Ref() string
}

// Ref returns the reference of an account, which is unique among all of every kind: its app id, or what Ref of a
// [SharedAppID] returns. Sessions and logins belong to the account of that reference only.
func Ref(a Account) string {
	if shared, ok := a.(SharedAppID); ok {
		return shared.Ref()
	}
	return a.AppID()
}

// WeChatCaller is an account that calls WeChat's API.
type WeChatCaller interface {
	// UseWeChat hands over the client to call by, and the cache of server tokens that all instances of the site share.
	// The host calls it before anything that needs them. Neither may be used before a visitor comes: no configuration
	// is refused or delayed because WeChat does not answer.
	UseWeChat(*weixin.Client, weixin.TokenCache)
}
