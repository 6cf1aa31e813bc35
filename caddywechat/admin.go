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

	"github.com/caddywechat/caddy-wechat/caddywechat/session"
)

func init() { caddy.RegisterModule(new(Admin)) }

// Admin is what Caddy's admin API offers about wechat_auth:
//
//	POST /wechat/revoke {"user":"…"}     the sessions that a person has by now, by what the app gets as X-Wechat-User
//	POST /wechat/revoke {"openid":"…"}   the same by WeChat's openid
//	POST /wechat/revoke {"session":"…"}  one session, by its id from the callback's log line
//	POST /wechat/revoke {"all":true}     everybody's
//
// A revocation is in force here at once, and on all instances that share a store within five seconds; it outlives restarts.
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

// revocation returns what the order says. Its error says what to write instead.
func (o revokeOrder) revocation(now time.Time) (session.Revocation, error) {
	given := 0
	for _, is := range []bool{o.User != "", o.OpenID != "", o.Session != "", o.All} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return session.Revocation{}, errors.New("say whose sessions to revoke by exactly one of user, openid, session and all")
	case o.User != "":
		return session.RevokeUser(o.User, now), nil
	case o.OpenID != "":
		return session.RevokeOpenID(o.OpenID, now), nil
	case o.All:
		return session.RevokeAll(now), nil
	}
	id, err := session.ParseID(o.Session)
	if err != nil {
		return session.Revocation{}, fmt.Errorf("session: %w, as in the callback's log line", err)
	}
	return session.RevokeSession(id, now, now.Add(session.LongestLife)), nil
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
	if _, err := order.revocation(time.Now()); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
	}
	if err := revokeEverywhere(r.Context(), order); errors.Is(err, errNoSite) {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
	} else if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	_, err := w.Write([]byte(`{"revoked":true}` + "\n"))
	return err
}

var errNoSite = errors.New("no site of this Caddy has wechat_auth")

// revokeEverywhere carries an order out through every store that sites of this process use.
func revokeEverywhere(ctx context.Context, order revokeOrder) (err error) {
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
		h := sites[len(sites)-1]
		revocation, invalid := order.revocation(h.shared.revoked.Now(h.now()))
		if invalid != nil {
			return invalid
		}
		failed := h.revoke(ctx, revocation)
		if lower := strings.ToLower(order.User); lower != order.User {
			// WeCom's console writes userids as they were made, apps get them in lower case.
			failed = errors.Join(failed, h.revoke(ctx, session.RevokeUser(lower, revocation.At)))
		}
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("revoked here; other instances will know when the store works again: %w", failed))
		}
		h.logger.Info("sessions revoked", zap.Reflect("order", order), zap.Bool("stored", failed == nil))
		for _, site := range sites {
			if failed := site.forget(ctx, order); failed != nil {
				err = errors.Join(err, fmt.Errorf("what WeChat gave for the person could not be removed from the store: %w", failed))
			}
		}
	}
	if !isSite {
		return errNoSite
	}
	return err
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
