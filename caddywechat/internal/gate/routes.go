package gate

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/api"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/login"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Route is one of the module's own addresses.
type Route struct {
	Path    string // behind the prefix
	Methods []string
	Serve   serveFunc
	// Late: not in TLS early data, which somebody may have recorded and sent again.
	Late bool
	// Secret: the query is kept out of access logs.
	Secret bool
}

type serveFunc func(*Routes, http.ResponseWriter, *visitor.Request) error

var (
	get     = []string{http.MethodGet}
	getHead = []string{http.MethodGet, http.MethodHead}
	getPost = []string{http.MethodGet, http.MethodPost}
	post    = []string{http.MethodPost}
)

// table has the addresses that every site has, in the order in which they are documented.
var table = []Route{
	{Path: "login", Methods: getHead, Serve: (*Routes).serveLogin},
	{Path: "login_params", Methods: get, Serve: (*Routes).loginParams},
	{Path: "callback", Methods: get, Serve: (*Routes).callback, Late: true, Secret: true},
	{Path: "logout", Methods: getPost, Serve: (*Routes).logout, Late: true},
	{Path: "me", Methods: getHead, Serve: (*Routes).me},
	{Path: "health", Methods: getHead, Serve: (*Routes).health},
	{Path: "jssdk", Methods: getHead, Serve: (*Routes).jssdk},
}

// Routes are the module's own addresses at one site: those of the table, and those that its accounts bring.
type Routes struct {
	login     *login.Flow
	api       *api.API
	accounts  *account.Set
	ofAccount map[string][]accountRoute // by path
}

// accountRoute is an address that an account brings.
type accountRoute struct {
	Route
	of account.Account
}

// NewRoutes returns the addresses of a site with these accounts. Of several of a kind each has those that begin with
// its app id, and the hosts that it serves decide whose the others are.
func NewRoutes(l *login.Flow, a *api.API, accounts *account.Set) *Routes {
	to := &Routes{login: l, api: a, accounts: accounts, ofAccount: make(map[string][]accountRoute)}
	for _, one := range accounts.All() {
		for name, serve := range broughtBy(one) {
			to.add(one, one.Kind()+"/"+name, serve)
			if accounts.IsSeveral(one.Kind()) {
				to.add(one, one.Kind()+"/"+account.Ref(one)+"/"+name, serve)
			}
		}
	}
	return to
}

func (to *Routes) add(one account.Account, path string, serve serveFunc) {
	route := Route{Path: path, Methods: post, Serve: serve, Late: true}
	to.ofAccount[path] = append(to.ofAccount[path], accountRoute{route, one})
}

func (to *Routes) serveLogin(w http.ResponseWriter, r *visitor.Request) error {
	return to.login.ServeLogin(w, r)
}

func (to *Routes) loginParams(w http.ResponseWriter, r *visitor.Request) error {
	return to.login.ServeParams(w, r)
}

func (to *Routes) callback(w http.ResponseWriter, r *visitor.Request) error {
	return to.login.Callback(w, r)
}

func (to *Routes) logout(w http.ResponseWriter, r *visitor.Request) error {
	return to.login.ServeLogout(w, r)
}

func (to *Routes) me(w http.ResponseWriter, r *visitor.Request) error { return to.api.Me(w, r) }

func (to *Routes) health(w http.ResponseWriter, r *visitor.Request) error { return to.api.Health(w, r) }

func (to *Routes) jssdk(w http.ResponseWriter, r *visitor.Request) error { return to.api.JSSDK(w, r) }

// broughtBy returns what an account answers, by the last part of the address.
func broughtBy(one account.Account) map[string]serveFunc {
	brings := make(map[string]serveFunc)
	if one, ok := one.(account.TokenLogin); ok {
		brings["login"] = func(to *Routes, w http.ResponseWriter, r *visitor.Request) error {
			return to.api.TokenLogin(w, r, one)
		}
	}
	if one, ok := one.(account.Endpoints); ok {
		for _, e := range one.Endpoints() {
			brings[e.Name] = func(to *Routes, w http.ResponseWriter, r *visitor.Request) error {
				return to.api.Serve(w, r, one, e)
			}
		}
	}
	return brings
}

// Find returns the route of a request, for what stands behind the prefix in its path; or what is the matter with the
// request, and the methods that the address takes instead of its own.
func (to *Routes) Find(r *visitor.Request, rest string) (route Route, p *problem.Problem, allow string) {
	route, p = to.at(rest, r.Origin.Hostname())
	switch {
	case p != nil:
		return route, p, ""
	case !slices.Contains(route.Methods, r.Method):
		return route, &problem.Method, strings.Join(route.Methods, ", ")
	case route.Late && isEarly(r.Request):
		return route, &problem.TooEarly, ""
	default:
		return route, nil, ""
	}
}

// at returns the route of a path at a host, or why there is none.
func (to *Routes) at(path, host string) (Route, *problem.Problem) {
	if i := slices.IndexFunc(table, func(r Route) bool { return r.Path == path }); i >= 0 {
		return table[i], nil
	}
	found := to.ofAccount[path]
	for _, route := range found {
		if to.accounts.Serves(route.of, host) {
			return route.Route, nil
		}
	}
	if len(found) > 0 {
		return Route{}, &problem.OtherHost
	}
	return Route{Secret: strings.HasPrefix(path, "callback")}, &problem.NotFound
}

// isEarly reports whether a request came in TLS early data, here or at a proxy that says so (RFC 8470).
func isEarly(r *http.Request) bool {
	return r.TLS != nil && !r.TLS.HandshakeComplete || r.Header.Get("Early-Data") == "1"
}
