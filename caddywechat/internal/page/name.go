package page

// Name names one of the built-in pages.
type Name string

// The built-in pages.
const (
	// OpenInWeChat is for browsers outside WeChat: scan this QR code or, on a phone, which cannot scan itself, copy
	// the link into WeChat. Its button, where Data.Action is set, logs in by scanning with another phone.
	OpenInWeChat Name = "open_in_wechat"
	// OpenInWeCom is the same for a site whose accounts need WeCom.
	OpenInWeCom Name = "open_in_wecom"
	// OpenInBrowser is for WeChat's and WeCom's own browsers, where the site's accounts need another: one on a
	// computer, where the login is by scanning (Data.Scans).
	OpenInBrowser Name = "open_in_browser"
	// NotInBrowser is for sites whose people log in by a mini-program or an app only.
	NotInBrowser Name = "not_in_browser"
	// Fragment goes on by itself, to Data.Action with what stands behind # in the browser's address appended, escaped
	// for a query. Its button is for browsers without JavaScript, where that is lost.
	Fragment Name = "fragment"
	// Consent comes before WeChat's own popup, which may only follow a tap on a button. The button goes on to WeChat.
	Consent Name = "consent"
	// LoginNeeded is for visitors who can't be sent to a login at once, since a form that they posted would be lost
	// (Data.Unsent), or since the page is in a frame, where no login opens. The button goes there in the whole window.
	// It is the one page that the site's own pages may have in a frame.
	LoginNeeded Name = "login_needed"
	// Choose is for browsers that several accounts serve: a button for each of Data.Choices.
	Choose Name = "choose"
	// Declined is for visitors who said no to WeChat. The button asks again.
	Declined Name = "declined"
	// Snapshot is for WeChat's restricted preview of a page (快照页). Nothing there can be tapped, so it has no button
	// and points to WeChat's own bar below it.
	Snapshot Name = "snapshot"
	// TooOften stops a login that goes in circles and says why (Data.NoCookies). The button tries again.
	TooOften Name = "too_often"
	// Unavailable says that WeChat is down or slow. The button tries again.
	Unavailable Name = "unavailable"
	// Unreadable says that WeChat answers in a way that this server does not understand. The button tries again.
	Unreadable Name = "unreadable"
	// Misconfigured says that the site's WeChat account is set up wrongly, which only the site's owner can mend.
	Misconfigured Name = "misconfigured"
	// Busy says that this server cannot take the login now. The button tries again.
	Busy Name = "busy"
	// ProfileUnavailable says that the page needs a profile which this way to log in can never give.
	ProfileUnavailable Name = "profile_unavailable"
	// NotAllowed is for visitors who are known and not let in. The button logs in again, as somebody else perhaps.
	NotAllowed Name = "not_allowed"
	// ConfirmLogout asks before it logs out. The button sends a POST to Data.Action.
	ConfirmLogout Name = "confirm_logout"
	// LoggedOut says that the visitor is logged out. The button logs in again.
	LoggedOut Name = "logged_out"
	// NotFound is for an address that does not exist. The button goes to a page that does.
	NotFound Name = "not_found"
	// BadRequest is for a link that is damaged or stale. The button goes to a page that works.
	BadRequest Name = "bad_request"
	// MethodNotAllowed is for an address that is not meant to be opened like this. The button goes to a page that is.
	MethodNotAllowed Name = "method_not_allowed"
	// TooEarly asks to send once more what came before the TLS handshake was complete. The button does.
	TooEarly Name = "too_early"
)
