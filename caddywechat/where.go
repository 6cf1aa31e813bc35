package caddywechat

import (
	"net/http"
	"slices"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Browsers that a visitor may be led into.
var (
	weChatOnPhone  = visitor.Client{WeChat: true, Phone: true}
	weComOnPhone   = visitor.Client{WeCom: true, Phone: true}
	browserOnPhone = visitor.Client{Phone: true}
	browserOnDesk  = visitor.Client{}
)

// showWhere tells a visitor where to open a page of this site to log in: what its accounts need. The page's button, if
// any, leads on to action.
func (h *Handler) showWhere(w http.ResponseWriter, v *visit, target, action string) error {
	if v.origin.host == "" {
		return h.answer(w, v, problemBadRequest, page.Data{})
	}
	client := v.client()
	weChat := !client.WeChat && h.leadsInto(weChatOnPhone)
	weCom := !client.WeCom && h.leadsInto(weComOnPhone)
	outside := (client.WeChat || client.WeCom) && (h.leadsInto(browserOnDesk) || h.leadsInto(browserOnPhone))
	data := page.Data{URL: v.origin.String() + target, Action: action, Phone: client.Phone, WeCom: weCom}
	switch {
	case weChat && weCom:
		return h.answer(w, v, problemOutsideBoth, data)
	case weChat:
		return h.answer(w, v, problemOutsideWeChat, data)
	case outside: // which everybody has
		data.Scans = allScan(h.redirectorsFor(browserOnPhone), browserOnPhone)
		return h.answer(w, v, problemInsideApp, data)
	case weCom:
		return h.answer(w, v, problemOutsideWeCom, data)
	default:
		return h.answer(w, v, problemNoBrowser, data)
	}
}

// leadsInto reports whether one of the site's accounts wants its visitors in such a browser.
func (h *Handler) leadsInto(c visitor.Client) bool {
	return slices.ContainsFunc(h.redirectorsFor(c), func(a account.Redirector) bool {
		guide, ok := a.(account.BrowserRecommender)
		return !ok || guide.RecommendsBrowser(c)
	})
}
