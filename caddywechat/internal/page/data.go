package page

// Data is what a page may need to know. Everything in it may come from a stranger.
type Data struct {
	// RequestID is shown small at the bottom, for support. May be empty.
	RequestID string
	// URL is the absolute http or https URL to open elsewhere; anything else is left out. OpenInWeChat, OpenInWeCom and
	// OpenInBrowser only.
	URL string
	// Action is where the page's one button goes: a path on this site (or an absolute http or https URL). There is
	// no button when it is empty or anything else.
	Action string
	// Choices are the ways to log in. Choose only.
	Choices []Choice
	// Phone says that the visitor holds the browser in their hand. For the same pages as URL.
	Phone bool
	// Unsent says that what the visitor submitted was not taken, and to do it again. LoginNeeded only.
	Unsent bool
	// WeCom says that the page can be opened in WeCom as well. OpenInWeChat only.
	WeCom bool
	// Scans says that the login is by scanning a QR code. OpenInBrowser only.
	Scans bool
	// NoCookies says that the browser keeps no cookies, so that a login can never end. TooOften only.
	NoCookies bool
	// Altered says that the callback URL of the login is changed, or opened again and again, on its way.
	// TooOften only.
	Altered bool
	// Refused says that WeChat refused too many codes that came from the visitor's network. TooOften only.
	Refused bool
	// Others says that it is about the visitor's other browsers and devices. ConfirmLogout only.
	Others bool
}

// Choice is a way to log in.
type Choice struct {
	Label string // what it is called
	URL   string // a path on this site; one to another site is left out
}
