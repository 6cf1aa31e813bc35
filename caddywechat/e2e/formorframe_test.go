package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
)

func TestFormOrFrame_OffersALogin(t *testing.T) {
	t.Parallel()
	const page = `<!doctype html><form method=post action=/save><input name=a value=1>` +
		`<button id=save>Save</button></form><iframe id=f src=/inner></iframe>`
	s := newSite(t, "https", `wechat_auth {
		{account}
		public /public
	}
	header /public Content-Type text/html
	respond /public "`+page+`"
	reverse_proxy {app}`)
	const inFrame = `document.getElementById("f").contentDocument`
	isBack := `location.pathname == "/public" && ` +
		inFrame + `?.body?.innerText.includes("X-Wechat-User: ` + person + `")`
	b := newTabAs(t, iPhone)
	b.open(s.url("/public"))
	b.eventually(inFrame + `?.querySelector("h1")?.innerText == "请先登录"`)
	b.picture("form-or-frame-frame")
	evaluate[string](b, inFrame+`.querySelector(".button").click() || ""`)
	b.eventually(isBack)

	// The session ends, and the form is posted nevertheless.
	b.do(call(network.ClearBrowserCookies, cdp.Empty{}))
	b.follow("#save")
	b.wantPage(401, "请先登录")
	b.picture("form-or-frame-form")
	b.click(".button")
	b.eventually(isBack)
	b.follow("#save")
	b.wantLanded(s.url("/save"), person)
}
