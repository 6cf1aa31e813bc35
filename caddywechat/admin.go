package caddywechat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/revocation"
)

func init() { caddy.RegisterModule(new(Admin)) }

// Admin is what Caddy's admin API offers about wechat_auth:
//
//	POST /wechat/revoke {"user":"…"}     the sessions that a person has by now, by what the app gets as X-Wechat-User
//	POST /wechat/revoke {"openid":"…"}   the same by WeChat's openid
//	POST /wechat/revoke {"session":"…"}  one session, by its id from the callback's log line
//	POST /wechat/revoke {"all":true}     everybody's
//
// A user counts in any of the forms that user_id can give, whichever it gives now. The answer is
// {"revoked":true,"seen":1}: how many live sessions ended of those that came to this instance lately.
//
// A revocation is in force here at once, and within five seconds on all instances that share a store and a session key;
// it outlives restarts.
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

// requestTimeout bounds what a request waits for stores.
const requestTimeout = 10 * time.Second

// longestRequest is more than any request needs, in bytes.
const longestRequest = 8 << 10

func (*Admin) revoke(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: errors.New("use POST")}
	}
	var request revocation.Request
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, longestRequest))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: fmt.Errorf("reading the request: %w", err)}
	}
	if err := request.Check(); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
	}
	seen, err := revokeEverywhere(r.Context(), request)
	if errors.Is(err, errNoSite) {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
	} else if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(revokeResponse{true, seen})
}

// revokeResponse is what became of a request.
type revokeResponse struct {
	Revoked bool `json:"revoked"`
	Seen    int  `json:"seen"` // sessions that ended here, as far as this instance remembers them
}

var errNoSite = errors.New("no site of this Caddy has wechat_auth")

// revokeEverywhere carries a request out through every store that sites of this process use. It returns how many
// sessions ended here, of those that came lately.
func revokeEverywhere(ctx context.Context, request revocation.Request) (seen int, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	isSite := false
	for _, shared := range usedStores() {
		if len(shared.revoked.Sites()) == 0 {
			continue
		}
		isSite = true
		ended, failed := shared.revoked.Revoke(ctx, request)
		seen += ended
		err = errors.Join(err, failed)
	}
	if !isSite {
		return 0, errNoSite
	}
	return seen, err
}

// usedStores returns what sites of this process use.
func usedStores() (stores []*sharedStore) {
	sharedStores.Range(func(_, value any) bool {
		stores = append(stores, value.(*sharedStore))
		return true
	})
	return stores
}

// Interface guards
var _ caddy.AdminRouter = (*Admin)(nil)
