package visitor

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
		"Chrome/122.0.0.0 Safari/537.36"
	iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
		"Mobile/15E148"
	android = "Mozilla/5.0 (Linux; Android 10; ONEPLUS A5000 Build/QKQ1.191014.012; wv) AppleWebKit/537.36 " +
		"(KHTML, like Gecko) Version/4.0 Chrome/111.0.5563.116 Mobile Safari/537.36"
	mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
)

// userAgents are samples of what the clients send.
var userAgents = map[string]struct {
	userAgent string
	want      Client
}{
	"WeChat on iOS": {
		iPhone + " MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN",
		Client{WeChat: true, Phone: true},
	},
	"mini-program on iOS": {
		iPhone + " MicroMessenger/8.0.59(0x18003b28) NetType/WIFI Language/zh_CN miniProgram/wx2c1c63e28bb33be1",
		Client{WeChat: true, Phone: true, MiniProgram: "wx2c1c63e28bb33be1"},
	},
	"WeChat on Android": {
		android + " XWEB/1110005 MMWEBSDK/20230805 MMWEBID/4650 MicroMessenger/8.0.42.2460(0x28002A58) WeChat/arm64 " +
			"Weixin NetType/WIFI Language/zh_CN ABI/arm64",
		Client{WeChat: true, Phone: true},
	},
	"mini-program on Android": {
		android + " XWEB/1110005 MMWEBSDK/20230805 MMWEBID/4650 MicroMessenger/8.0.42.2460(0x28002A58) WeChat/arm64 " +
			"Weixin NetType/WIFI Language/zh_CN ABI/arm64 miniProgram/wxcb459ae1e3e8f9f2",
		Client{WeChat: true, Phone: true, MiniProgram: "wxcb459ae1e3e8f9f2"},
	},
	"WeChat on Windows": {
		chrome + " NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090c11) XWEB/11581 Flue",
		Client{WeChat: true},
	},
	"mini-program on Windows": {
		chrome + " MicroMessenger/7.0.20.1781(0x6700143B) NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF " +
			"WindowsWechat(0x63090a13) UnifiedPCWindowsWechat(0xf2541938) XWEB/19823",
		Client{WeChat: true},
	},
	"WeChat on an older Mac": {
		mac + " MicroMessenger/6.8.0(0x16080000) MacWechat/3.7(0x13070010) Safari/605.1.15 NetType/WIFI",
		Client{WeChat: true},
	},
	"WeChat on a Mac": {
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0.0.0 " +
			"Safari/537.36 NetType/WIFI MicroMessenger/7.0.20.1781(0x6700143B) MacWechat/3.8.7(0x13080712) " +
			"UnifiedPCMacWechat(0xf2641111) XWEB/16730 Flue",
		Client{WeChat: true},
	},
	"WeChat's developer tools": {
		"Mozilla/5.0 (iPhone; CPU iPhone OS 11_0 like Mac OS X) AppleWebKit/604.1.34 (KHTML, like Gecko) " +
			"Version/11.0 Mobile/15A5341f Safari/604.1 wechatdevtools/1.06.2504030 MicroMessenger/8.0.5 " +
			"Language/zh_CN webview/ sessionid/13",
		Client{WeChat: true, Phone: true},
	},
	"WeChat on HarmonyOS": {
		"Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0 Safari/537.36 " +
			"ArkWeb/4.1.6.1 Mobile MicroMessenger/8.0.10.41(0xf3100a29) Weixin NetType/WIFI Language/zh_HK " +
			"MMWEBID/2907 MMWEBSDK/202508070004 XWEB/1140319",
		Client{WeChat: true, Phone: true},
	},
	"WeCom on Android": {
		android + " XWEB/1340157 MMWEBSDK/20250201 MMWEBID/140 wxwork/4.1.38 MicroMessenger/7.0.1 NetType/WIFI " +
			"Language/zh Lang/zh ColorScheme/Light wwmver/3.26.38.639",
		Client{WeCom: true, Phone: true},
	},
	"WeCom on a Mac": {
		mac + " Language/zh ColorScheme/Light DistType/publish-website wxwork/4.1.36 (MicroMessenger/6.2) " +
			"WeChat/2.0.4 wwmver/3.26.36.625 Safari/605.1.15",
		Client{WeCom: true},
	},
	"WeCom on Windows": {
		chrome + " Language/zh wxwork/4.1.3 (MicroMessenger/6.2) WindowsWechat  MailPlugin_Electron WeMail embeddisk",
		Client{WeCom: true},
	},
	"Chrome on Windows": {chrome, Client{}},
	"Safari on a Mac":   {mac + " Version/18.3 Safari/605.1.15", Client{}},
	"Safari on iOS":     {iPhone + " Safari/604.1", Client{Phone: true}},
	"Safari on an iPad": {
		"Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Version/12.1.2 Safari/604.1",
		Client{Phone: true},
	},
	"Chrome on Android": {android, Client{Phone: true}},
	"a program":         {"curl/8.5.0", Client{}},
	"nothing":           {"", Client{}},
	"the last word is not the mini-program's": {
		iPhone + " MicroMessenger/8.0.59 miniProgram/wx2c1c63e28bb33be1 x",
		Client{WeChat: true, Phone: true, MiniProgram: "wx2c1c63e28bb33be1"},
	},
	"a mini-program without an app id": {
		iPhone + " MicroMessenger/8.0.59 miniProgram/",
		Client{WeChat: true, Phone: true},
	},
	"a mini-program of no such app id": {
		iPhone + " MicroMessenger/8.0.59 miniProgram/wx2c1c63e28bb33beg", Client{WeChat: true, Phone: true},
	},
	"a mini-program with a long app id": {
		iPhone + " MicroMessenger/8.0.59 miniProgram/wx2c1c63e28bb33be12", Client{WeChat: true, Phone: true},
	},
	"a mini-program of WeCom": {
		android + " wxwork/4.1.38 MicroMessenger/7.0.1 miniProgram/wx2c1c63e28bb33be1",
		Client{WeCom: true, Phone: true},
	},
	"a mini-program of somebody else's": {android + " miniProgram/wx2c1c63e28bb33be1", Client{Phone: true}},
	// An app of another maker that only has a name like WeChat's words in it.
	"wxwork without a version": {chrome + " notwxwork", Client{}},
}

func TestClientIsReadFromTheUserAgent(t *testing.T) {
	for name, tt := range userAgents {
		t.Run(name, func(t *testing.T) {
			for spelling, ua := range map[string]string{
				"as sent": tt.userAgent, "lower": strings.ToLower(tt.userAgent), "upper": strings.ToUpper(tt.userAgent),
			} {
				if got := Of(ua); got != tt.want {
					t.Errorf("%s: Of(%q) = %+v, want %+v", spelling, ua, got, tt.want)
				}
			}
		})
	}
}

type headers map[string]string

// sec returns the headers of a browser that tells how, and for what, it fetches.
func sec(mode, dest, accept string) headers {
	h := headers{"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
	if accept != "" {
		h["Accept"] = accept
	}
	return h
}

func TestNavigation(t *testing.T) {
	const html = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for name, tt := range map[string]struct {
		method  string
		headers headers
		want    bool
	}{
		"a browser without Sec-Fetch": {"GET", headers{"Accept": html}, true},
		"HEAD":                        {"HEAD", headers{"Accept": html}, true},
		"only XHTML":                  {"GET", headers{"Accept": "application/xhtml+xml"}, true},
		"upper case Accept":           {"GET", headers{"Accept": "TEXT/HTML"}, true},
		"WebView on Android": {
			"GET", headers{"Accept": html, "X-Requested-With": "com.tencent.mm"}, true,
		},
		"XHR that takes HTML": {
			"GET", headers{"Accept": html, "X-Requested-With": "XMLHttpRequest"}, false,
		},
		"XHR in lower case": {
			"GET", headers{"Accept": html, "X-Requested-With": "xmlhttprequest"}, false,
		},
		"no Accept":                         {"GET", nil, false},
		"any Accept":                        {"GET", headers{"Accept": "*/*"}, false},
		"JSON":                              {"GET", headers{"Accept": "application/json"}, false},
		"an image":                          {"GET", headers{"Accept": "image/avif,image/webp,*/*"}, false},
		"an event stream":                   {"GET", headers{"Accept": "text/event-stream"}, false},
		"POST":                              {"POST", headers{"Accept": html}, false},
		"POST of a form":                    {"POST", sec("navigate", "document", html), false},
		"OPTIONS":                           {"OPTIONS", headers{"Accept": html}, false},
		"PUT":                               {"PUT", headers{"Accept": html}, false},
		"CONNECT":                           {"CONNECT", headers{"Accept": html}, false},
		"navigation to a document":          {"GET", sec("navigate", "document", ""), true},
		"navigation whatever Accept says":   {"GET", sec("navigate", "document", "*/*"), true},
		"HEAD navigation":                   {"HEAD", sec("navigate", "document", ""), true},
		"navigation of a frame":             {"GET", sec("navigate", "iframe", html), false},
		"navigation of an object":           {"GET", sec("navigate", "object", html), false},
		"fetch":                             {"GET", sec("cors", "empty", "*/*"), false},
		"fetch that takes HTML":             {"GET", sec("cors", "empty", html), false},
		"same-origin fetch that takes HTML": {"GET", sec("same-origin", "empty", html), false},
		"image by Sec-Fetch":                {"GET", sec("no-cors", "image", ""), false},
		"script by Sec-Fetch":               {"GET", sec("no-cors", "script", html), false},
		"WebSocket by Sec-Fetch":            {"GET", sec("websocket", "websocket", html), false},
		"only the mode":                     {"GET", headers{"Sec-Fetch-Mode": "navigate"}, true},
		"only another mode":                 {"GET", headers{"Sec-Fetch-Mode": "cors", "Accept": html}, false},
		"only another destination":          {"GET", headers{"Sec-Fetch-Dest": "image", "Accept": html}, false},
		"WebSocket": {
			"GET", headers{"Upgrade": "websocket", "Connection": "Upgrade", "Accept": html}, false,
		},
		"WebSocket that calls itself navigation": {
			"GET", headers{"Upgrade": "websocket", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, false,
		},
		"wish for https is no upgrade": {
			"GET", headers{"Upgrade-Insecure-Requests": "1", "Accept": html}, true,
		},
		"prefetch": {"GET", headers{"Sec-Purpose": "prefetch", "Accept": html}, false},
		"prerender": {
			"GET",
			headers{
				"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
			},
			false,
		},
		"anonymous prefetch": {
			"GET",
			headers{
				"Sec-Purpose":    "prefetch;anonymous-client-ip",
				"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
			},
			false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "http://h5.example.com/", nil)
			for name, value := range tt.headers {
				r.Header.Set(name, value)
			}
			if got := IsNavigation(r); got != tt.want {
				t.Errorf("IsNavigation = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestIsFormOrFrame(t *testing.T) {
	const html = "text/html,application/xhtml+xml,*/*;q=0.8"
	for name, tt := range map[string]struct {
		method  string
		headers headers
		want    bool
	}{
		"a form":                      {"POST", sec("navigate", "document", html), true},
		"a form of an older browser":  {"POST", headers{"Accept": html}, true},
		"a form in WeChat on Android": {"POST", headers{"Accept": html, "X-Requested-With": "com.tencent.mm"}, true},
		"a form in a frame":           {"POST", sec("navigate", "iframe", ""), true},
		"a frame":                     {"GET", sec("navigate", "iframe", ""), true},
		"a frame of a frameset":       {"GET", sec("navigate", "frame", ""), true},
		"a page":                      {"GET", sec("navigate", "document", ""), false},
		"a page of an older browser":  {"GET", headers{"Accept": html}, false},
		"a script's POST":             {"POST", sec("cors", "empty", html), false},
		"an older script's POST":      {"POST", headers{"Accept": "*/*"}, false},
		"jQuery's POST":               {"POST", headers{"Accept": html, "X-Requested-With": "XMLHttpRequest"}, false},
		"PUT":                         {"PUT", headers{"Accept": html}, false},
		"an object":                   {"GET", sec("navigate", "object", ""), false},
		"a prefetched frame": {
			"GET", headers{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe", "Sec-Purpose": "prefetch"}, false,
		},
		"a WebSocket that claims to be": {
			"GET", headers{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe", "Upgrade": "websocket"}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, "http://h5.example.com/", nil)
			for name, value := range tt.headers {
				r.Header.Set(name, value)
			}
			if got := IsFormOrFrame(r); got != tt.want {
				t.Errorf("IsFormOrFrame = %v, want %v", got, tt.want)
			}
			if tt.want && IsNavigation(r) {
				t.Error("it is a navigation, too, which a redirect may lead elsewhere")
			}
		})
	}
}

func TestAPageIsWantedWhereAcceptNamesOneOnAnyLine(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header["Accept"] = []string{"image/png", "text/html"}
	if !WantsPage(r) {
		t.Error("the second line of Accept was not read")
	}
	r.Header["Accept"] = []string{"image/png", "application/json"}
	if WantsPage(r) {
		t.Error("data was taken for a page")
	}
}
