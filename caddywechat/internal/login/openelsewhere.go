package login

import (
	"net/http"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/page"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/problem"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// Browsers that a visitor may be sent into.
var (
	weChatOnPhone  = visitor.Client{WeChat: true, Phone: true}
	weComOnPhone   = visitor.Client{WeCom: true, Phone: true}
	browserOnPhone = visitor.Client{Phone: true}
	browserOnDesk  = visitor.Client{}
)

// showWhere tells a visitor where to open a page of this site to log in: what its accounts need. The page's button, if
// any, goes on to action.
func (f *Flow) showWhere(w http.ResponseWriter, r *visitor.Request, target, action string) error {
	if r.Origin.Host == "" {
		return f.Answers.Problem(w, r, problem.BadRequest, page.Data{})
	}
	client, accounts, host := r.Client(), f.Accounts, r.Origin.Hostname()
	weChat := !client.WeChat && accounts.SendsInto(weChatOnPhone, host)
	weCom := !client.WeCom && accounts.SendsInto(weComOnPhone, host)
	outside := (client.WeChat || client.WeCom) &&
		(accounts.SendsInto(browserOnDesk, host) || accounts.SendsInto(browserOnPhone, host))
	data := page.Data{URL: r.Origin.String() + target, Action: action, Phone: client.Phone, WeCom: weCom}
	switch {
	case weChat && weCom:
		return f.Answers.Problem(w, r, problem.OutsideBoth, data)
	case weChat:
		return f.Answers.Problem(w, r, problem.OutsideWeChat, data)
	case outside: // which everybody has
		data.Scans = allScan(accounts.For(browserOnPhone, host), browserOnPhone)
		return f.Answers.Problem(w, r, problem.InsideApp, data)
	case weCom:
		return f.Answers.Problem(w, r, problem.OutsideWeCom, data)
	default:
		return f.Answers.Problem(w, r, problem.NoBrowser, data)
	}
}
