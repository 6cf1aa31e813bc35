package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

func TestFormOrFrame_OffersALogin(t *testing.T) {
	t.Parallel()
	s := newSite(t, "https", `wechat_auth {
		{account}
		public /public
	}
	header /public Content-Type text/html
	respond /public `+"`"+`<!doctype html><form method=post action=/save><input name=a value=1><button id=save>Save</button></form><iframe id=f src=/inner></iframe>`+"`"+`
	reverse_proxy {app}`)
	b := newTabAs(t, iPhone)
	b.open(s.url("/public"))
	b.eventually(`document.getElementById("f").contentDocument?.querySelector("h1")?.innerText == "请先登录"`)
	b.picture("form-or-frame-frame")
	evaluate[string](b, `document.getElementById("f").contentDocument.querySelector(".button").click() || ""`)
	b.eventually(`location.pathname == "/public" && document.getElementById("f").contentDocument?.body?.innerText.includes("X-Wechat-User: ` + person + `")`)

	// The session ends, and the form is posted nevertheless.
	b.do(call(network.ClearBrowserCookies, cdp.Empty{}))
	b.follow("#save")
	b.wantPage(401, "请先登录")
	b.picture("form-or-frame-form")
	b.click(".button")
	b.eventually(`location.pathname == "/public" && document.getElementById("f").contentDocument?.body?.innerText.includes("X-Wechat-User: ` + person + `")`)
	b.follow("#save")
	b.wantLanded(s.url("/save"), person)
}
