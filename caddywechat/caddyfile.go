package caddywechat

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
)

func init() {
	httpcaddyfile.RegisterDirective("wechat_auth", parseAuth)
	// Before anything that rewrites a URL: try_files could neither swallow the callback nor change which path is
	// judged.
	httpcaddyfile.RegisterDirectiveOrder("wechat_auth", httpcaddyfile.After, "redir")
}

// parseAuth reads
//
//	wechat_auth [<matcher>] {
//		official_account <app_id> <app_secret> {
//			…
//		}
//		hosts <app_id> <host>...
//		public   <matcher>
//		optional <matcher>
//		login    <matcher>
//		userinfo <matcher>
//		outside_wechat page|pass
//		keep_fragment
//		observe
//		session {
//			key      <secret>...
//			lifetime <duration>
//			idle     <duration>
//			refresh  <duration>
//			cookie   <name>
//			domain   <domain>
//		}
//		store      caddy|memory|redis <url>
//		user_id    openid|unionid|qualified
//		headers    default|wxcloud|remote_user|none {
//			<field> <Header-Name>
//		}
//		public_url <url>
//		prefix     <path>
//		timeout    <duration>
//		pages      <directory>
//		platform   <url> [<fallback_url>]
//	}
//
// The matcher stands inside the handler: requests that it does not match still have forged headers removed, and the
// module's own addresses still answer.
func parseAuth(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // the directive
	matcher, err := h.ExtractMatcherSet()
	if err != nil {
		return nil, h.WrapErr(err)
	}
	h.Next() // the directive again: ExtractMatcherSet begins afresh
	if h.NextArg() {
		return nil, h.Errf("wechat_auth takes a matcher and a block, not %q: a matcher begins with / or @, or is *",
			h.Val())
	}
	p := authParser{Helper: h, handler: new(Handler)}
	if matcher != nil {
		p.handler.MatchRaw = caddyhttp.RawMatcherSets{matcher}
	}
	for h.NextBlock(0) {
		if err := p.option(h.Val()); err != nil {
			return nil, err
		}
	}
	if len(p.handler.AccountsRaw) == 0 {
		return nil, h.Err("wechat_auth: " + errNoAccount.Error())
	}
	if err := p.hosting.check(p.handler.Session); err != nil {
		return nil, err
	}
	return h.NewRoute(nil, p.handler), nil
}

// authParser reads the options of one wechat_auth.
type authParser struct {
	httpcaddyfile.Helper
	handler *Handler
	hosting hostsParser
}

// optionWords lists what stands directly in the block beside the kinds of accounts.
const optionWords = "hosts, public, optional, login, userinfo, outside_wechat, keep_fragment, observe, session, " +
	"store, user_id, headers, public_url, prefix, pages, timeout, platform"

// sessionWords lists what stands in the block of session.
const sessionWords = "key, lifetime, idle, refresh, cookie, domain"

func (p *authParser) option(word string) error {
	h := p.handler
	switch word {
	case "public":
		return p.rule(gate.Public)
	case "optional":
		return p.rule(gate.Optional)
	case "login":
		return p.rule(gate.Login)
	case "userinfo":
		return p.rule(gate.Userinfo)
	case "hosts":
		return p.hosting.hosts(p.Dispenser, p.handler)
	case "outside_wechat":
		return config.Single(p.Dispenser, &h.OutsideWeChat, checkOutsideWeChat)
	case "keep_fragment":
		return p.flag(&h.KeepFragment)
	case "observe":
		return p.flag(&h.Observe)
	case "session":
		return p.session()
	case "store":
		return p.store()
	case "user_id":
		return config.Single(p.Dispenser, &h.UserID, checkUserID)
	case "headers":
		return p.headers()
	case "public_url":
		return config.Single(p.Dispenser, &h.PublicURL, config.Origin)
	case "prefix":
		return config.Single(p.Dispenser, &h.Prefix, config.Prefix)
	case "timeout":
		return config.Single(p.Dispenser, &h.Timeout, config.Duration)
	case "platform":
		return p.platform()
	case "pages":
		return config.Single(p.Dispenser, &h.Pages, anything)
	default:
		return p.account(word)
	}
}

// flag reads an option that takes nothing.
func (p *authParser) flag(value *bool) error {
	word := p.Val()
	if p.NextArg() {
		return p.Errf("%s takes nothing behind it", word)
	}
	if *value {
		return p.Errf("%s is given twice: remove one", word)
	}
	*value = true
	return nil
}

// platform reads the base URL that stands for WeChat's hosts, and perhaps its fallback.
func (p *authParser) platform() error {
	if p.handler.Platform != "" {
		return p.Err("platform is given twice: remove one")
	}
	urls := p.RemainingArgs()
	if len(urls) == 0 {
		return config.Missing(p.Dispenser, "platform takes a URL, and perhaps a second one to fall back to")
	}
	if len(urls) > 2 {
		return p.Err("platform takes a URL, and perhaps a second one to fall back to, but no more")
	}
	for _, u := range urls {
		if err := config.Literal(p.Dispenser, "platform", u, config.Platform); err != nil {
			return err
		}
	}
	p.handler.Platform = urls[0]
	if len(urls) == 2 {
		p.handler.PlatformFallback = urls[1]
	}
	return nil
}

// account reads an account of the kind that word names: any module in its namespace will do.
func (p *authParser) account(word string) error {
	if slices.Contains(strings.Split(sessionWords, ", "), word) {
		return p.Errf("%s is an option of the session: write session { %[1]s … }", word)
	}
	if _, err := caddy.GetModule(accountNamespace + "." + word); err != nil {
		return p.Errf("wechat_auth has no option and knows no kind of account %q: it takes %s, "+
			"and the accounts %s, whose own options stand in a block behind them",
			word, optionWords, strings.Join(guestNames(accountNamespace), ", "))
	}
	p.hosting.account(p.Dispenser)
	raw, err := unmarshalGuest(p.Dispenser, accountNamespace, "kind", word)
	if err != nil {
		return err
	}
	p.handler.AccountsRaw = append(p.handler.AccountsRaw, raw)
	return nil
}

func (p *authParser) store() error {
	if p.handler.StoreRaw != nil {
		return p.Err("store is given twice: remove one")
	}
	known := strings.Join(guestNames(storeNamespace), ", ")
	if !p.NextArg() {
		return config.Missing(p.Dispenser, fmt.Sprintf(
			"store takes the name of a store: write store caddy (there are %s)", known))
	}
	name := p.Val()
	if _, err := caddy.GetModule(storeNamespace + "." + name); err != nil {
		return p.Errf("store %q is not known: write store caddy (there are %s)", name, known)
	}
	raw, err := unmarshalGuest(p.Dispenser, storeNamespace, "module", name)
	p.handler.StoreRaw = raw
	return err
}

func unmarshalGuest(d *caddyfile.Dispenser, namespace, inlineKey, name string) (json.RawMessage, error) {
	guest, err := caddyfile.UnmarshalModule(d, namespace+"."+name)
	if err != nil {
		return nil, err
	}
	return caddyconfig.JSONModuleObject(guest, inlineKey, name, nil), nil
}

// rule reads the one matcher of a rule.
func (p *authParser) rule(ask gate.Ask) error {
	word, rule := p.Val(), &Rule{Ask: ask, Source: fmt.Sprintf("%s:%d", filepath.Base(p.File()), p.Line())}
	matcher, ok, err := p.MatcherToken()
	if err != nil {
		return p.WrapErr(err)
	}
	if !ok {
		text := word + " takes a matcher: a path, which begins with a slash, such as /assets/*, " +
			"a named one such as @open, or *"
		if p.NextArg() {
			return p.Err(text)
		}
		return config.Missing(p.Dispenser, text)
	}
	if p.NextArg() {
		return p.Errf("%s takes one matcher: for several paths write a line each, or a named matcher", word)
	}
	if matcher != nil {
		rule.MatchRaw = caddyhttp.RawMatcherSets{matcher}
	}
	p.handler.Rules = append(p.handler.Rules, rule)
	if _, taker := neverReached(p.handler.Rules); taker != nil {
		return p.Errf("%s is never reached, for the rule %s at %s %s", word, taker.Ask, taker.Source, taker.takes())
	}
	return nil
}

// headers reads presets and fields. Each line is checked together with those before it.
func (p *authParser) headers() error {
	if p.handler.Headers != nil {
		return p.Err("headers is given twice: write all presets behind one another, and all fields into one block")
	}
	c := &HeadersConfig{Presets: p.RemainingArgs()}
	p.handler.Headers = c
	if err := p.checkHeaders(); err != nil {
		return err
	}
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		f := HeaderField{Field: p.Val()}
		if !p.NextArg() {
			return config.Missing(p.Dispenser,
				fmt.Sprintf("headers: %s takes the name of a header: %[1]s X-My-Header", f.Field))
		}
		f.Header = p.Val()
		if p.NextArg() {
			return p.Errf("headers: %s takes the name of one header: write a line for each", f.Field)
		}
		c.Fields = append(c.Fields, f)
		if err := p.checkHeaders(); err != nil {
			return err
		}
	}
	if len(c.Presets) == 0 && len(c.Fields) == 0 {
		return config.Missing(p.Dispenser,
			"headers takes presets, a block of fields, or both: headers default { openid X-My-Openid }")
	}
	return nil
}

// checkHeaders checks what is written literally of the headers read so far.
func (p *authParser) checkHeaders() error {
	literal := HeadersConfig{Presets: p.handler.Headers.Presets}
	if slices.ContainsFunc(literal.Presets, config.HasPlaceholder) {
		literal.Presets = []string{identity.PresetNone}
	}
	for _, f := range p.handler.Headers.Fields {
		if !config.HasPlaceholder(f.Header) {
			literal.Fields = append(literal.Fields, f)
		}
	}
	if _, err := literal.provision(); err != nil {
		return p.Errf("headers: %w", err)
	}
	return nil
}

func (p *authParser) session() error {
	if p.handler.Session != nil {
		return p.Err("session is given twice: write all its options into one block")
	}
	if p.NextArg() {
		return p.Err("session takes a block: session { … }")
	}
	s := new(SessionConfig)
	p.handler.Session = s
	for nesting := p.Nesting(); p.NextBlock(nesting); {
		switch option := p.Val(); option {
		case "key":
			if s.Keys != nil {
				return p.Err("key is given twice: write all keys behind one another, the one that seals first")
			}
			if s.Keys = p.RemainingArgs(); len(s.Keys) == 0 {
				return config.Missing(p.Dispenser, "key takes one secret or several, of at least 32 bytes each")
			}
			for _, key := range s.Keys {
				if err := config.Literal(p.Dispenser, "session key", key, config.Key); err != nil {
					return err
				}
			}
		case "lifetime":
			if err := config.Single(p.Dispenser, &s.Lifetime, config.Lifetime); err != nil {
				return err
			}
		case "idle":
			if err := config.Single(p.Dispenser, &s.Idle, config.Lifetime); err != nil {
				return err
			}
		case "refresh":
			if err := config.Single(p.Dispenser, &s.Refresh, config.Lifetime); err != nil {
				return err
			}
		case "cookie":
			if err := config.Single(p.Dispenser, &s.Cookie, config.CookieName); err != nil {
				return err
			}
		case "domain":
			if err := config.Single(p.Dispenser, &s.Domain, config.Domain); err != nil {
				return err
			}
		default:
			return p.Errf("session has no option %q: it takes %s", option, sessionWords)
		}
	}
	return nil
}
