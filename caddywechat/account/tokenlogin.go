package account

import (
	"context"

	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
)

// TokenLogin is an account whose people come by a program and not by a browser: it got a code from WeChat, posts it to
// <prefix>/<kind>/login, and gets a token to send along with its requests.
type TokenLogin interface {
	Account
	// Login returns whom a code stands for. It is called once per code. An error that wraps [ErrCodeRefused] counts
	// against whoever sends them without end. One that is a [*Problem] is told to the program as it is.
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
	// Serve returns what becomes the JSON answer. An error that is a [*Problem] is told to the program as it is, others
	// as failures of WeChat.
	Serve func(context.Context, Call) (any, error)
}

// Call is a request to an [Endpoint].
type Call struct {
	Identity      identity.Identity // the person, with the fields that this account gave
	SessionSecret string            // the [Grant]'s, of the person's last login; "" if it is gone
	Body          []byte            // at most 64 KiB
}

// Problem is an error that programs are told.
type Problem struct {
	Status  int    // of HTTP
	Word    string // for programs, such as session_key_expired
	Message string // for people who write programs

	// Refused: WeChat was asked, and said no to what the program sent. It counts against who sends such things without
	// end, as an error that wraps [ErrCodeRefused] does. The word does not matter.
	Refused bool
}

// Error returns the message.
func (p *Problem) Error() string { return p.Message }
