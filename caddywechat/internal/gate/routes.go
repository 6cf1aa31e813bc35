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
	Serve   func(*Routes, http.ResponseWriter, *visitor.Request) error
	// Late: not in TLS early data, which somebody may have recorded and sent again.
	Late bool
	// Secret: the query is kept out of access logs.
	Secret bool
}

var (
	get     = []string{http.MethodGet}
	getHead = []string{http.MethodGet, http.MethodHead}
	getPost = []string{http.MethodGet, http.MethodPost}
	post    = []string{http.MethodPost}
)

// table has the addresses that every site has, in the order in which they are documented.
var table = []Route{
	{Path: "login", Methods: getHead, Serve: (*Routes).serveLogin},
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
	ofAccount []Route
}

// NewRoutes returns the addresses of a site with these accounts.
func NewRoutes(l *login.Flow, a *api.API, accounts *account.Set) *Routes {
	routes := &Routes{login: l, api: a}
	for _, one := range accounts.All() {
		routes.ofAccount = append(routes.ofAccount, broughtBy(one)...)
	}
	return routes
}

func (to *Routes) serveLogin(w http.ResponseWriter, r *visitor.Request) error {
	return to.login.ServeLogin(w, r)
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

// broughtBy returns the addresses that an account brings.
func broughtBy(one account.Account) (routes []Route) {
	if one, ok := one.(account.TokenLogin); ok {
		routes = append(routes, posted(one, "login", func(to *Routes, w http.ResponseWriter, r *visitor.Request) error {
			return to.api.TokenLogin(w, r, one)
		}))
	}
	brings, ok := one.(account.Endpoints)
	if !ok {
		return routes
	}
	for _, e := range brings.Endpoints() {
		routes = append(routes, posted(one, e.Name, func(to *Routes, w http.ResponseWriter, r *visitor.Request) error {
			return to.api.Serve(w, r, one, e)
		}))
	}
	return routes
}

func posted(
	a account.Account, name string, serve func(*Routes, http.ResponseWriter, *visitor.Request) error,
) Route {
	return Route{Path: a.Kind() + "/" + name, Methods: post, Serve: serve, Late: true}
}

// Find returns the route of a request, for what stands behind the prefix in its path; or what is the matter with the
// request, and the methods that the address takes instead of its own.
func (to *Routes) Find(r *visitor.Request, rest string) (route Route, p *problem.Problem, allow string) {
	route, ok := to.at(rest)
	switch {
	case !ok:
		return Route{Secret: strings.HasPrefix(rest, "callback")}, &problem.NotFound, ""
	case !slices.Contains(route.Methods, r.Method):
		return route, &problem.Method, strings.Join(route.Methods, ", ")
	case route.Late && isEarly(r.Request):
		return route, &problem.TooEarly, ""
	default:
		return route, nil, ""
	}
}

func (to *Routes) at(path string) (Route, bool) {
	for _, routes := range [][]Route{table, to.ofAccount} {
		if i := slices.IndexFunc(routes, func(r Route) bool { return r.Path == path }); i >= 0 {
			return routes[i], true
		}
	}
	return Route{}, false
}

// isEarly reports whether a request came in TLS early data, here or at a proxy that says so (RFC 8470).
func isEarly(r *http.Request) bool {
	return r.TLS != nil && !r.TLS.HandshakeComplete || r.Header.Get("Early-Data") == "1"
}
