package weixin

import "unique"

// App is who calls WeChat or WeCom: an app, and how it proves that it is this one. It may be printed and logged: no
// format, encoder or logger shows more of it than its id.
type App struct {
	ID   string // the app id; of a WeCom app the corp id
	Auth Auth
}

// Auth is how an [App] authenticates itself: today by a secret, made by [Secret]. The zero value is an empty secret,
// which WeChat refuses. Two are equal (==) if they prove the same.
type Auth struct {
	// A handle is a pointer to whatever prints by reflection, so that the text also stays out of sight where methods
	// are not called: in unexported fields of other structs.
	secret unique.Handle[string]
}

// Secret returns the [Auth] of an app that proves itself by the secret from its account's settings.
func Secret(text string) Auth { return Auth{unique.Make(text)} }

// text returns the secret. It must go nowhere but to WeChat and into digests.
func (a Auth) text() string {
	if a == (Auth{}) {
		return ""
	}
	return a.secret.Value()
}

// String returns no secret.
func (Auth) String() string { return "REDACTED" }

// GoString returns no secret.
func (Auth) GoString() string { return "REDACTED" }

// MarshalText returns no secret. Encoders of JSON and of logs call it.
func (Auth) MarshalText() ([]byte, error) { return []byte("REDACTED"), nil }
