package caddywechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

func init() { caddy.RegisterModule(new(Admin)) }

// Admin is what Caddy's admin API offers about wechat_auth:
//
//	POST /wechat/revoke {"user":"…"}     the sessions that a person has by now, by what the app gets as X-Wechat-User
//	POST /wechat/revoke {"openid":"…"}   the same by WeChat's openid
//	POST /wechat/revoke {"session":"…"}  one session, by its id from the callback's log line
//	POST /wechat/revoke {"all":true}     everybody's
//
// A user counts in any of the forms that user_id can give, whichever it gives now. The answer is {"revoked":true,"seen":1}:
// how many live sessions ended of those that came to this instance lately.
//
// A revocation is in force here at once, and within five seconds on all instances that share a store and a session key; it
// outlives restarts.
type Admin struct{}

// CaddyModule returns the Caddy module information.
func (*Admin) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "admin.api.wechat",
		New: func() caddy.Module { return new(Admin) },
	}
}

const revokePath = "/wechat/revoke"

// Routes implements [caddy.AdminRouter].
func (a *Admin) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: revokePath, Handler: caddy.AdminHandlerFunc(a.revoke)}}
}

// revokeOrder is what to revoke: exactly one of these.
type revokeOrder struct {
	User    string `json:"user,omitempty"`
	OpenID  string `json:"openid,omitempty"`
	Session string `json:"session,omitempty"`
	All     bool   `json:"all,omitempty"`
}

// check returns an error that says what to write instead, if the order is none.
func (o revokeOrder) check() error {
	given := 0
	for _, is := range []bool{o.User != "", o.OpenID != "", o.Session != "", o.All} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("say whose sessions to revoke by exactly one of user, openid, session and all")
	}
	if o.Session == "" {
		return nil
	}
	if _, err := session.ParseID(o.Session); err != nil {
		return fmt.Errorf("session: %w, as in the callback's log line", err)
	}
	return nil
}

// names returns how the order names a person, none where it does not.
func (o revokeOrder) names() []session.Name {
	switch {
	case o.OpenID != "":
		return []session.Name{session.OpenIDName(o.OpenID)}
	case o.User == "":
		return nil
	}
	names := []session.Name{session.UserName(o.User)}
	if lower := strings.ToLower(o.User); lower != o.User {
		// WeCom's console writes userids as they were made, apps get them in lower case.
		names = append(names, session.UserName(lower))
	}
	return names
}

// revocation returns what the order says, for one store.
func (o revokeOrder) revocation(revoked *session.Revoked, now time.Time) session.Revocation {
	end := now.Add(session.LongestLife)
	switch names := o.names(); {
	case o.All:
		return session.RevokeAll(revoked.Next(now), end)
	case len(names) > 0:
		return session.RevokePerson(revoked.Next(now), end, names...)
	}
	id, _ := session.ParseID(o.Session)
	return session.RevokeSession(id, session.Name{}, now, end)
}

// String says what the order ends.
func (o revokeOrder) String() string {
	switch {
	case o.All:
		return "everybody's sessions"
	case o.User != "":
		return fmt.Sprintf("the sessions of user %q", o.User)
	case o.OpenID != "":
		return fmt.Sprintf("the sessions of openid %q", o.OpenID)
	default:
		return "session " + o.Session
	}
}

// orderTimeout bounds what an order waits for stores.
const orderTimeout = 10 * time.Second

// longestOrder is more than any order needs, in bytes.
const longestOrder = 8 << 10

func (*Admin) revoke(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: errors.New("use POST")}
	}
	var order revokeOrder
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, longestOrder))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&order); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: fmt.Errorf("reading the order: %w", err)}
	}
	if err := order.check(); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
	}
	seen, err := revokeEverywhere(r.Context(), order)
	if errors.Is(err, errNoSite) {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
	} else if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(revokeAnswer{true, seen})
}

// revokeAnswer is what became of an order.
type revokeAnswer struct {
	Revoked bool `json:"revoked"`
	Seen    int  `json:"seen"` // sessions that ended here, as far as this instance remembers them
}

var errNoSite = errors.New("no site of this Caddy has wechat_auth")

// revokeEverywhere carries an order out through every store that sites of this process use. It returns how many sessions
// ended here, of those that came lately.
func revokeEverywhere(ctx context.Context, order revokeOrder) (seen int, err error) {
	ctx, cancel := context.WithTimeout(ctx, orderTimeout)
	defer cancel()
	var stores []*sharedStore
	sharedStores.Range(func(_, value any) bool {
		stores = append(stores, value.(*sharedStore))
		return true
	})
	isSite := false
	for _, s := range stores {
		sites := s.all()
		if len(sites) == 0 {
			continue
		}
		isSite = true
		ended, failed := s.revokeFor(ctx, sites[len(sites)-1], order)
		seen += ended
		err = errors.Join(err, failed)
		for _, site := range sites {
			if failed := site.forget(ctx, order); failed != nil {
				err = errors.Join(err, fmt.Errorf("what WeChat gave for the person could not be removed from the store: %w", failed))
			}
		}
	}
	if !isSite {
		return 0, errNoSite
	}
	return seen, err
}

// revokeFor carries an order out by a site of the store. It returns how many sessions ended here, of those that came lately.
func (s *sharedStore) revokeFor(ctx context.Context, h *Handler, order revokeOrder) (seen int, err error) {
	revocation := order.revocation(&s.revoked, h.now())
	seen = s.countSeen(revocation, h.now())
	if err = h.revoke(ctx, pendingRecord{operatorJournal, nil, []session.Revocation{revocation}}); err != nil {
		err = fmt.Errorf("revoked here; other instances will know when the store works again: %w", err)
	}
	h.logger.Info("sessions revoked", zap.Reflect("order", order), zap.Bool("stored", err == nil), zap.Int("seen", seen))
	return seen, err
}

// forget removes what the site keeps about the person of an order.
func (h *Handler) forget(ctx context.Context, order revokeOrder) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if order.User != "" {
		return h.forgetPerson(ctx, order.User)
	}
	if order.OpenID == "" || !h.keepsSecrets() {
		return nil // nobody in particular: secrets end by themselves
	}
	for _, user := range h.usersOf(ctx, order.OpenID) {
		if err := h.forgetPerson(ctx, user); err != nil {
			return err
		}
	}
	return nil
}

// Interface guards
var _ caddy.AdminRouter = (*Admin)(nil)
