package page

import (
	"strings"
	"testing"
)

func TestOpenInWeChat_ShowsACodeOrALinkToCopy(t *testing.T) {
	const (
		code  = `class="qr"`
		steps = `<ol>`
	)
	tests := map[string]struct {
		data             Data
		has, doesNotHave []string
	}{
		"desktop": {Data{URL: pageURL}, []string{code, "Copy link"}, []string{steps, "<details>"}},
		"phone":   {Data{URL: pageURL, Phone: true}, []string{steps, "Copy link", "<details>", code}, nil},
		"phone, own QR": {
			Data{URL: pageURL, Phone: true, Action: "/q"}, []string{steps, `href="/q"`}, []string{code},
		},
		"too long for QR": {Data{URL: longURL()}, []string{steps, "Copy link", longURL()}, []string{code}},
		"path, not a URL": {Data{URL: "/a"}, nil, []string{code, steps, "Copy link"}},
		"no URL": {
			Data{Phone: true}, []string{"Open this page in WeChat"}, []string{code, steps, "Copy link"},
		},
	}
	for name, test := range tests {
		body := get(OpenInWeChat, "en", test.data).Body.String()
		checkParts(t, name, body, test.has, test.doesNotHave)
	}

	// What is selected and copied is the text of the element: it must be the URL and nothing else, not even a space.
	body := get(OpenInWeChat, "en", Data{URL: pageURL}).Body.String()
	if !strings.Contains(body, `id="address">`+strings.ReplaceAll(pageURL, "&", "&amp;")+`</div>`) {
		t.Error("the address is not exactly the URL")
	}
}

func TestWrite_SaysWhereToGo(t *testing.T) {
	for name, test := range map[string]struct {
		page             Name
		data             Data
		has, doesNotHave []string
	}{
		"WeChat": {
			OpenInWeChat,
			Data{URL: pageURL, Phone: true},
			[]string{"Open this page in WeChat", "weixin://"},
			[]string{"WeCom", "wxwork:"},
		},
		"WeChat or WeCom": {
			OpenInWeChat, Data{URL: pageURL, WeCom: true}, []string{"Scan with WeChat or WeCom", `class="qr"`}, nil,
		},
		"WeChat or WeCom, phone": {
			OpenInWeChat,
			Data{URL: pageURL, WeCom: true, Phone: true},
			[]string{"in WeChat or WeCom", "weixin://", "wxwork://"},
			nil,
		},
		"WeCom": {
			OpenInWeCom, Data{URL: pageURL}, []string{"Scan with WeCom", `class="qr"`}, []string{"WeChat"},
		},
		"WeCom, phone": {
			OpenInWeCom,
			Data{URL: pageURL, Phone: true},
			[]string{"Open this page in WeCom", "wxwork://"},
			[]string{"WeChat", "weixin:"},
		},
		"browser": {
			OpenInBrowser,
			Data{URL: pageURL, Phone: true},
			[]string{"in a browser", "Copy link"},
			[]string{`class="qr"`, "computer"},
		},
		"browser to scan at": {
			OpenInBrowser,
			Data{URL: pageURL, Phone: true, Scans: true},
			[]string{"on a computer", "Copy link"},
			[]string{"<ol>"},
		},
		"browser to scan at, here": {
			OpenInBrowser, Data{URL: pageURL, Scans: true}, []string{"in a browser", "Copy link"}, []string{"computer"},
		},
		"browser, nothing to go to": {
			OpenInBrowser, Data{Phone: true}, []string{"in a browser"}, []string{"<ol>", "Copy link"},
		},
		"no browser, and no WeChat": {
			NotInBrowser, Data{URL: pageURL, Phone: true}, []string{"mini-program or app"}, []string{pageURL, "weixin"},
		},
		"no browser, on a computer": {
			NotInBrowser, Data{URL: pageURL}, []string{"mini-program or app"}, []string{`class="qr"`},
		},
		"WeChat or WeCom, QR beside": {
			OpenInWeChat,
			Data{URL: pageURL, WeCom: true, Phone: true, Action: "/q"},
			[]string{`href="/q"`},
			[]string{`class="qr"`},
		},
	} {
		_, body, _ := strings.Cut(get(test.page, "en", test.data).Body.String(), "</style>")
		checkParts(t, name, body, test.has, test.doesNotHave)
	}
}

func TestTooOften_SaysWhy(t *testing.T) {
	refused := get(TooOften, "en", Data{}).Body.String()
	blocked := get(TooOften, "en", Data{NoCookies: true}).Body.String()
	network := get(TooOften, "en", Data{Refused: true}).Body.String()
	if strings.Contains(refused, "cookies") || !strings.Contains(blocked, "cookies") ||
		!strings.Contains(network, "your network") {
		t.Error("the reason is not the right one")
	}
}
