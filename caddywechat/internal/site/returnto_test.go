package site

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

const prefix = "/_wechat"

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)

// browse returns the path that a browser, standing on a page of an https site, goes to for an address, as the WHATWG
// URL standard has it. ok tells that it stays on the site.
func browse(address string) (path string, ok bool) {
	address = strings.TrimFunc(address, func(c rune) bool { return c <= ' ' })
	address = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(address)
	if scheme.MatchString(address) {
		return "", false // be it https: and the path of this site, nobody needs such
	}
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		address = address[:i]
	}
	address = strings.ReplaceAll(address, `\`, "/")
	if strings.HasPrefix(address, "//") || !strings.HasPrefix(address, "/") {
		return "", false
	}
	var segments []string
	parts := strings.Split(address[1:], "/")
	for i, part := range parts {
		last := i == len(parts)-1
		switch strings.ReplaceAll(strings.ToLower(part), "%2e", ".") {
		case "..":
			segments = segments[:max(len(segments)-1, 0)]
			if last {
				segments = append(segments, "")
			}
		case ".":
			if last {
				segments = append(segments, "")
			}
		default:
			segments = append(segments, part)
		}
	}
	return "/" + strings.Join(segments, "/"), true
}

// judge fails the test where a browser that is sent to ReturnTo's answer leaves the site or comes to an address that
// the module takes for its own.
func judge(t *testing.T, address string) {
	t.Helper()
	got := returnTo(address, prefix)
	path, ok := browse(got)
	if !ok {
		t.Errorf("returnTo(%q) = %q leads to another site", address, got)
		return
	}
	for i := range len(got) {
		if got[i] <= ' ' || got[i] >= 0x7f {
			t.Errorf("returnTo(%q) = %q holds a character that no header may", address, got)
			return
		}
	}
	// The server decodes a path once. One that it cannot decode it refuses.
	if decoded, err := url.PathUnescape(path); err == nil && isUnder(decoded, prefix) {
		t.Errorf("returnTo(%q) = %q leads to %q, which is the module's own", address, got, path)
	}
}

// hostile returns addresses that lead, or led somewhere once, to another site.
func hostile() (addresses []string) {
	leads := []string{
		"", "/", "//", "///", "////", `/\`, `\/`, `\\`, `\`, `/\/`, `//\`, "/\t/", "\t//", "/\t\t/", "/\n/", "/\r\n/",
		"\r\n//", " //", "/ /", "\x00//", "/\x00/", "\x0b//", "/\x7f/", "/\u00a0/", "\u00a0//", "\ufeff//", "／／", "/／",
		"⁄⁄", "/⁄", "∕∕", "https://", "https:", "https:/", "HTTPS://", "http://", `http:\\`, `https:/\`, "http:///",
		"ht\ttps://", "\x01https://", "https://h5.example.com@", "https://h5.example.com%40", "https://h5.example.com.",
		"//h5.example.com@", "//h5.example.com:pw@", `//h5.example.com\@`, "javascript:alert(1)//", "JaVaScRiPt:",
		"java\nscript:", "data:text/html,", "vbscript:", "file://", "blob:https://", "weixin://dl/", "mailto:", "/%09/",
		"/%0a/", "/%0d%0a/", "/%5c", `/%5c\`, "/%5C/", "/%2f", "/%2F/", "%2f%2f", "/%2f%2f", "/.//", "/..//", "/./\\",
		"/../\\", "/%2e//", "/%2e%2e//", "/x/..//", "/x/../\\", "/;//", "/:@", "/@", ".//", "..//", "?//", "#//",
		"/?//", "/#//", "*//", "<//", "\xff//", "/\xff/", "/\xc0\xaf",
	}
	hosts := []string{
		"evil.com", "evil.com:443", "h5.example.com.evil.com", "h5.example.com@evil.com", "evil。com", "[::1]", "0x7f.1",
		"evilh5.example.com",
	}
	tails := []string{
		"", "/", "/..", "/path?x=//y#z", "\r\nSet-Cookie: a=b", "%0d%0aSet-Cookie:%20a=b", "#@h5.example.com",
		"?@h5.example.com",
	}
	for _, lead := range leads {
		for _, host := range hosts {
			for _, tail := range tails {
				addresses = append(addresses, lead+host+tail)
			}
		}
	}
	return addresses
}

// own returns addresses that lead, for a browser or for the server, to the module's own addresses.
func own() (addresses []string) {
	leads := []string{
		"/", "//", "/./", "/.//", "/../", "/../../", "/x/../", "/x/y/../../", "/x//../", "/x//../../", "/%2e/", "/%2E/",
		"/%2e%2e/", "/x/%2e%2e/", "/x/.%2e/", "/x/%2e./", "/x/%2E%2E/", "/x%2f../", "/x%2f..%2f", "/x/..%2f", "/%2f",
		`/\`, `/x/..\`, `/.\`, "/\t", "\t/", "/x/.\t./", "/x/.\n./", "https://h5.example.com/", "//h5.example.com/",
		"/x?/../", "/x#/../",
	}
	names := []string{"_wechat", "%5fwechat", "%5Fwechat", "_%77echat", "_we\tchat", "_wechat\n"}
	tails := []string{
		"", "/", "/logout", "/logout?return_to=/", "/login#x", "/.", "/..", "/./logout", "/x/../logout", "//logout",
		"//../logout", "///../../logout", "//%2e%2e/logout", "//.%2e/logout", "//x/../../logout", "/../x", "/..//x",
		"%2flogout", "%2Flogout", "/..%2f_wechat/logout", "%2f../logout", "%2f..%2flogout", "/%2e%2e/x", `\logout`,
		`\..\x`, "?x", "#x", ";x", "/logout;x",
	}
	for _, lead := range leads {
		for _, name := range names {
			for _, tail := range tails {
				addresses = append(addresses, lead+name+tail)
			}
		}
	}
	return addresses
}

func TestNoAddressLeadsToAnotherSite(t *testing.T) {
	addresses := hostile()
	if len(addresses) < 500 {
		t.Fatalf("only %d addresses", len(addresses))
	}
	for _, address := range addresses {
		judge(t, address)
	}
}

func TestNoAddressLeadsToTheModulesOwn(t *testing.T) {
	for _, address := range own() {
		if judge(t, address); t.Failed() {
			t.FailNow() // the others tell the same
		}
	}
}

// A browser resolves dots one slash at a time, path.Clean takes several slashes for one.
func TestDotsBehindDoubleSlashesDoNotLeadToTheModulesOwn(t *testing.T) {
	for _, address := range []string{
		"/_wechat//../logout", "/_wechat///../../logout", "/_wechat//%2e%2e/logout",
		"/x/../_wechat//../logout?return_to=/",
	} {
		if got := returnTo(address, prefix); got != "/" {
			path, _ := browse(got)
			t.Errorf("returnTo(%q) = %q, by which a browser goes to %q", address, got, path)
		}
	}
}

func TestWhatIsNoPathOnThisSiteBecomesTheRoot(t *testing.T) {
	for _, address := range []string{
		"", "page", "./page", "?a=b", "#a", "https://evil.com/", "//evil.com", `/\evil.com`, `\\evil.com`,
		"/\t/evil.com", "\t/page", "/page\r\nX: y", "/a b", "/%zz", "/\x00", "/\xff", "javascript:alert(1)",
		"https://h5.example.com/page", "///", "*", "/_wechat", "/_wechat/", "/_wechat/logout",
		"/_wechat/login?return_to=/x", "/x/../_wechat/me", "/%5fwechat/logout",
	} {
		if got := returnTo(address, prefix); got != "/" {
			t.Errorf("returnTo(%q) = %q", address, got)
		}
	}
}

func TestAPathOnThisSiteIsKept(t *testing.T) {
	for address, want := range map[string]string{
		"/":                                  "",
		"/page":                              "",
		"/page/?id=1&from=qr":                "",
		"/app/#/orders/7?tab=open":           "",
		"/search?q=%E4%B8%AD&u=https://x/y":  "",
		"/a//b":                              "",
		"/_wechatty":                         "",
		"/_wechat.html":                      "",
		"/x/_wechat/logout":                  "",
		"/?next=/_wechat/logout":             "",
		"/#/_wechat/logout":                  "",
		"/%25":                               "",
		"/{env.PATH}":                        "",
		"/a;b=c":                             "",
		"/a:b@c":                             "",
		"/?u=//evil.com":                     "",
		"/?q=100%":                           "",
		"/'\"<script>":                       "",
		"/订单?状态=新#详情":                        "/%E8%AE%A2%E5%8D%95?%E7%8A%B6%E6%80%81=%E6%96%B0#%E8%AF%A6%E6%83%85",
		"/😀":                                 "/%F0%9F%98%80",
		"/%n%s?a=%n%s":                       "/", // %n%s is no percent-encoding: no server takes such a path
		"/page?a=%n%s":                       "",
		"/page?" + strings.Repeat("x", 5000): "",
	} {
		if want == "" {
			want = address
		}
		if got := returnTo(address, prefix); got != want {
			t.Errorf("returnTo(%.60q) = %.60q, want %.60q", address, got, want)
		}
	}
}

func TestAnotherPrefix(t *testing.T) {
	for address, want := range map[string]string{
		"/auth.v2/wx/logout": "/", "/auth.v2/wx": "/", "/auth.v2": "/auth.v2", "/_wechat/logout": "/_wechat/logout",
		"/authxv2/wx/me": "/authxv2/wx/me",
	} {
		if got := returnTo(address, "/auth.v2/wx"); got != want {
			t.Errorf("returnTo(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestOwnPath_IsThePrefixAndWhatLiesBelow(t *testing.T) {
	for path, want := range map[string]bool{
		"/_wechat": true, "/_wechat/": true, "/_wechat/x": true, "/_wechatty": false, "/_WECHAT": false,
		"/x/_wechat": false, "": false, "/": false, "/_wecha": false, "_wechat/x": false,
	} {
		if got := isUnder(path, prefix); got != want {
			t.Errorf("isUnder(%q) = %v", path, got)
		}
	}
}

func TestLocationKeepsTheBytesAndStaysOnTheSite(t *testing.T) {
	const origin = "https://h5.example.com"
	for target, want := range map[string]string{
		"/":               "/",
		"/page?a=b#c":     "/page?a=b#c",
		"/a//b":           "/a//b",
		"/%2e%2e/x?%zz":   "/%2e%2e/x?%zz",
		"//evil.com/x":    origin + "//evil.com/x",
		"///evil.com":     origin + "///evil.com",
		`/\evil.com`:      origin + `/\evil.com`,
		"/%5cevil.com":    "/%5cevil.com",
		"/?u=//evil.com/": "/?u=//evil.com/",
	} {
		got := Location(origin, target)
		if got != want {
			t.Errorf("Location(%q) = %q, want %q", target, got, want)
		}
		if _, ok := browse(strings.TrimPrefix(got, origin+"/")); !ok && !strings.HasPrefix(got, origin+"/") {
			if _, ok := browse(got); !ok {
				t.Errorf("Location(%q) = %q leads to another site", target, got)
			}
		}
	}
}

func FuzzReturnTo(f *testing.F) {
	for i, address := range append(hostile(), own()...) {
		if i%50 == 0 {
			f.Add(address)
		}
	}
	f.Add("/订单?状态=新#详情")
	f.Fuzz(judge)
}
