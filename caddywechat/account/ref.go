package account

// Referrer is an account that its app id alone does not name: one of several apps of a company, each with people, secrets and
// pages of its own.
type Referrer interface {
	// Ref returns the app id, a slash, and what tells this account from others with the same app id. It is asked with
	// every request.
	Ref() string
}

// Ref returns what names an account among all of every kind: its app id, and for a [Referrer] what it says. Sessions and
// logins belong to the account of that name only.
func Ref(a Account) string {
	if r, ok := a.(Referrer); ok {
		return r.Ref()
	}
	return a.AppID()
}
