package caddywechat

import (
	"encoding/json"
	"net/http"
	"slices"

	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// problem is an answer that is not what was asked for: to a program a word, to a person a page.
type problem struct {
	status  int
	word    string
	message string
	page    page.Name
}

var (
	problemBadRequest    = problem{http.StatusBadRequest, "bad_request", "the request cannot be understood", page.BadRequest}
	problemLoginRequired = problem{http.StatusUnauthorized, "login_required", "log in with WeChat first, at login_url", page.BadRequest}
	problemLoginNeeded   = problem{http.StatusUnauthorized, "login_required", "log in with WeChat first", page.LoginNeeded}
	problemNoProfile     = problem{http.StatusForbidden, "profile_unavailable", "this way to log in never brings a profile", page.ProfileUnavailable}
	problemProfile       = problem{http.StatusUnauthorized, "profile_required", "agree to share your profile first, at login_url", page.BadRequest}
	problemOutsideWeChat = problem{http.StatusForbidden, "login_required", "open this page in WeChat", page.OpenInWeChat}
	problemOutsideWeCom  = problem{http.StatusForbidden, "login_required", "open this page in WeCom", page.OpenInWeCom}
	problemOutsideBoth   = problem{http.StatusForbidden, "login_required", "open this page in WeChat or WeCom", page.OpenInWeChat}
	problemInsideApp     = problem{http.StatusForbidden, "login_required", "open this page in a browser outside WeChat and WeCom", page.OpenInBrowser}
	problemNoBrowser     = problem{http.StatusForbidden, "login_required", "log in by the site's mini-program or app, not in a browser", page.NotInBrowser}
	problemNotAMember    = problem{http.StatusForbidden, "not_a_member", "the account does not let this person in", page.NotAllowed}
	problemDeclined      = problem{http.StatusForbidden, "declined", "the visitor did not allow the login", page.Declined}
	problemSnapshot      = problem{http.StatusForbidden, "snapshot", "WeChat shows a snapshot of the page, whose visitor is nobody", page.Snapshot}
	problemNoUnionID     = problem{http.StatusForbidden, "unionid_missing", "WeChat does not say who the visitor is over all accounts", page.Misconfigured}
	problemNotFound      = problem{http.StatusNotFound, "not_found", "there is nothing at this address", page.NotFound}
	problemMethod        = problem{http.StatusMethodNotAllowed, "method_not_allowed", "this address takes other methods", page.MethodNotAllowed}
	problemCodeUsed      = problem{http.StatusConflict, "code_used", "WeChat refused the code: it is wrong, used or too old; get another one", page.BadRequest}
	problemTooLarge      = problem{http.StatusRequestEntityTooLarge, "too_large", "the body is too long", page.BadRequest}
	problemTooEarly      = problem{http.StatusTooEarly, "too_early", "send the request again when the TLS handshake is complete", page.TooEarly}
	problemTooMany       = problem{http.StatusTooManyRequests, "too_many", "the login goes in circles", page.TooOften}
	problemTooManyCodes  = problem{http.StatusTooManyRequests, "too_many", "too many codes from this address were refused within a minute: wait, and send none twice", page.TooOften}
	problemTooSoon       = problem{http.StatusTooManyRequests, "too_many", "this was asked for just now: wait a moment, and send it again", page.Busy}
	problemInternal      = problem{http.StatusInternalServerError, "internal_error", "the server could not do this", page.Busy}
	problemTooLong       = problem{http.StatusInternalServerError, "internal_error", "the session does not fit into a cookie", page.Misconfigured}
	problemWeChat        = problem{http.StatusBadGateway, "wechat_error", "WeChat failed", page.Unavailable}
	problemUnreadable    = problem{http.StatusBadGateway, "wechat_error", "WeChat answered in a way that this server does not understand: its log says how", page.Unreadable}
	problemMisconfigured = problem{http.StatusBadGateway, "wechat_error", "WeChat does not accept how the site is set up", page.Misconfigured}
	problemBusy          = problem{http.StatusServiceUnavailable, "wechat_busy", "too many logins are under way", page.Busy}
	problemStore         = problem{http.StatusServiceUnavailable, "store_unavailable", "the server's memory cannot be reached", page.Busy}
	problemTimeout       = problem{http.StatusGatewayTimeout, "wechat_timeout", "WeChat did not answer in time", page.Unavailable}
)

// problemBody is a problem as JSON.
type problemBody struct {
	Error     string `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
	LoginURL  string `json:"login_url,omitempty"`
}

// answer answers with a problem: a page where the request asks for one, else JSON.
func (h *Handler) answer(w http.ResponseWriter, v *visit, p problem, data page.Data) error {
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "5")
	}
	if visitor.WantsPage(v.Request) {
		h.show(w, v, p.status, p.page, data)
		return nil
	}
	return writeJSON(w, p.status, problemBody{Error: p.word, Message: p.message, RequestID: v.id()})
}

// show answers with a page.
func (h *Handler) show(w http.ResponseWriter, v *visit, status int, name page.Name, data page.Data) {
	data.RequestID = v.id()
	h.pages.Write(ownWriter{w}, v.Request, status, name, data)
}

// fail answers with a problem that an operator can mend, and logs why. Where the visitor has left that is the reason, and
// nobody's fault.
func (h *Handler) fail(w http.ResponseWriter, v *visit, p problem, err error) error {
	if v.Context().Err() != nil {
		return h.answer(w, v, p, page.Data{})
	}
	h.logger.Error("request failed", v.log(zap.Error(err), zap.Int("status", p.status))...)
	return h.answer(w, v, p, page.Data{})
}

// loginRequired tells a script where a login begins, and a program that sent a token how it gets another.
func (h *Handler) loginRequired(w http.ResponseWriter, v *visit) error {
	if len(v.tokens) > 0 {
		return h.tokenRequired(w, v)
	}
	return h.needs(w, v, problemLoginRequired, h.loginURL(h.pageOf(v), false))
}

// askToLogIn shows a visitor who posted a form, or who sees a frame, a page whose button begins a login in the whole window.
// It leads back to the page where the form or the frame was; where that is another site's, to what it led to.
func (h *Handler) askToLogIn(w http.ResponseWriter, v *visit, ask Ask, s *session.Session, found []account.Redirector) error {
	if s != nil && neverBringsProfile(found) {
		return h.answer(w, v, problemNoProfile, page.Data{Action: "/"})
	}
	back, ok := h.refererHere(v)
	if !ok {
		back = login.ReturnTo(target(v.Request), h.Prefix)
	}
	h.show(w, v, problemLoginNeeded.status, problemLoginNeeded.page, page.Data{
		Action: h.loginURL(back, ask == AskUserinfo),
		Unsent: ok && v.Method == http.MethodPost, // what another site posts, such as a payment's return, is not for the visitor to repeat
	})
	return nil
}

// neverBringsProfile reports whether there are ways to log in, and none of them brings a profile.
func neverBringsProfile(found []account.Redirector) bool {
	return len(found) > 0 && !slices.ContainsFunc(found, func(a account.Redirector) bool { return a.Consent(true) != account.Never })
}

// profileRequired tells a program where a login with the profile begins, if one of the accounts that serve it has such a
// thing.
func (h *Handler) profileRequired(w http.ResponseWriter, v *visit, found []account.Redirector) error {
	if neverBringsProfile(found) {
		return h.answer(w, v, problemNoProfile, page.Data{Action: "/"})
	}
	return h.needs(w, v, problemProfile, h.loginURL(h.pageOf(v), true))
}

func (h *Handler) needs(w http.ResponseWriter, v *visit, p problem, loginURL string) error {
	return writeJSON(w, p.status, problemBody{Error: p.word, Message: p.message, RequestID: v.id(), LoginURL: loginURL})
}

func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("X-Content-Type-Options", "nosniff")
	setOwnHeaders(header)
	writeOwnHeader(w, status)
	_, err = w.Write(append(body, '\n'))
	return err
}
