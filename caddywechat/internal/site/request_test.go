package site_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/site"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// newSite makes a site, and returns what it logs.
func newSite(c site.Config) (*site.Site, *observer.ObservedLogs) {
	core, logs := observer.New(zap.DebugLevel)
	c.Prefix, c.Platform, c.Logger = sitetest.Prefix, sitetest.Platform, zap.New(core)
	return site.New(c), logs
}

// request returns one with header lines, of a browser at an origin.
func request(method, url string, headers ...string) *visitor.Request {
	r := httptest.NewRequest(method, url, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	in := &visitor.Request{Request: r, Server: new(sitetest.Server)}
	in.Origin = visitor.NewOrigin(r.URL.Scheme, r.Host)
	return in
}

// proto and forHost are headers of a proxy.
func proto(scheme string) []string { return []string{"X-Forwarded-Proto", scheme} }

func forHost(host string) []string { return []string{"X-Forwarded-Host", host} }

func TestOrigin_OnlyATrustedProxyIsBelieved(t *testing.T) {
	for name, tt := range map[string]struct {
		url     string
		trusts  bool
		headers []string
		want    string
		warns   bool
	}{
		"plain":                   {"http://h5.example.com/", false, nil, "http://h5.example.com", false},
		"TLS":                     {"https://h5.example.com/", false, nil, "https://h5.example.com", false},
		"a proxy that is not":     {"http://a.example/", false, proto("https"), "http://a.example", true},
		"a trusted one":           {"http://a.example/", true, proto("https"), "https://a.example", false},
		"of a WebSocket":          {"http://a.example/", true, proto("WSS"), "https://a.example", false},
		"down to http":            {"https://a.example/", true, proto("ws"), "http://a.example", false},
		"an unknown scheme":       {"http://a.example/", true, proto("x"), "http://a.example", false},
		"the nearest proxy's":     {"http://a.example/", true, proto("http, https"), "https://a.example", false},
		"its host":                {"http://a.example/", true, forHost("b.example"), "http://b.example", false},
		"the host of another":     {"http://a.example/", false, forHost("b.example"), "http://a.example", false},
		"https to an https site":  {"https://a.example/", false, proto("https"), "https://a.example", false},
		"http by one that is not": {"http://a.example/", false, proto("http"), "http://a.example", false},
	} {
		s, logs := newSite(site.Config{})
		r := request("GET", tt.url, tt.headers...)
		for range 2 {
			if got := s.Origin(r.Request, &sitetest.Server{Trusts: tt.trusts}); got.String() != tt.want {
				t.Errorf("%s: %s, want %s", name, got, tt.want)
			}
		}
		if n := logs.Len(); n > 1 || (n == 1) != tt.warns {
			t.Errorf("%s: %d lines", name, n)
		}
	}
	public := visitor.Origin{Scheme: "https", Host: "public.example"}
	s, logs := newSite(site.Config{Public: &public})
	r := request("GET", "http://a.example/", "X-Forwarded-Proto", "https")
	if got := s.Origin(r.Request, r.Server); got != public || !s.IsOtherHost(r) || logs.Len() != 0 {
		t.Errorf("got %s, another host %t, %v", got, s.IsOtherHost(r), logs.All())
	}
	if s.IsOtherHost(request("GET", "http://public.example:8080/")) {
		t.Error("another port is another host")
	}
	if s, _ := newSite(site.Config{}); s.IsOtherHost(r) {
		t.Error("without public_url a host is another one")
	}
}

func TestCheckScheme_TellsOfAProxyThatIsSilent(t *testing.T) {
	for name, tt := range map[string]struct {
		url, from string
		headers   []string
		want      bool
	}{
		"by a proxy that names itself": {"http://a.example/", "192.0.2.1:1", []string{"Via", "1.1 x"}, true},
		"from this machine":            {"http://a.example/", "127.0.0.1:1", nil, true},
		"from this network":            {"http://a.example/", "[::ffff:10.0.0.1]:1", nil, true},
		"by a socket":                  {"http://a.example/", "@", nil, true},
		"from a visitor":               {"http://a.example/", "192.0.2.1:1", nil, false},
		"by https":                     {"https://a.example/", "127.0.0.1:1", nil, false},
		"to a name of this network":    {"http://localhost/", "127.0.0.1:1", nil, false},
		"by one that says it":          {"http://a.example/", "127.0.0.1:1", proto("http"), false},
	} {
		s, logs := newSite(site.Config{})
		for range 2 {
			r := request("GET", tt.url, tt.headers...)
			r.RemoteAddr = tt.from
			s.CheckScheme(r)
		}
		if n := logs.Len(); n > 1 || (n == 1) != tt.want {
			t.Errorf("%s: %d lines", name, n)
		}
	}
	s, logs := newSite(site.Config{Public: &visitor.Origin{Scheme: "http", Host: "a.example"}})
	r := request("GET", "http://a.example/", "Via", "x")
	if s.CheckScheme(r); logs.Len() != 0 {
		t.Errorf("with public_url: %v", logs.All())
	}
}

func TestIsCrossSite_AndIsSameSite_BelieveTheBrowser(t *testing.T) {
	for name, tt := range map[string]struct {
		headers       []string
		isCross, same bool
	}{
		"nothing":      {nil, false, false},
		"same origin":  {[]string{"Sec-Fetch-Site", "same-origin"}, false, true},
		"by hand":      {[]string{"Sec-Fetch-Site", "none"}, false, true},
		"another site": {[]string{"Sec-Fetch-Site", "cross-site"}, true, false},
		"a sibling":    {[]string{"Sec-Fetch-Site", "same-site"}, true, false},
		"its word before an Origin": {
			[]string{"Sec-Fetch-Site", "same-origin", "Origin", "https://b.example"}, false, true,
		},
		"an Origin of ours":   {[]string{"Origin", "https://a.example"}, false, true},
		"by another scheme":   {[]string{"Origin", "http://a.example"}, false, true},
		"another's":           {[]string{"Origin", "https://b.example"}, true, false},
		"nobody's":            {[]string{"Origin", "null"}, true, false},
		"a broken one":        {[]string{"Origin", "https://%zz"}, true, false},
		"a page of ours":      {[]string{"Referer", "https://a.example/x"}, false, true},
		"a page of another's": {[]string{"Referer", "https://b.example/x"}, false, false},
	} {
		s, _ := newSite(site.Config{})
		r := request("GET", "https://a.example/", tt.headers...)
		if cross, same := site.IsCrossSite(r), s.IsSameSite(r); cross != tt.isCross || same != tt.same {
			t.Errorf("%s: cross %t, same %t", name, cross, same)
		}
	}
}

func TestPageOf_IsThePageThatAScriptRunsIn(t *testing.T) {
	s, _ := newSite(site.Config{})
	for name, tt := range map[string]struct {
		method  string
		headers []string
		want    string
	}{
		"as the browser says":  {"GET", []string{"Referer", "https://a.example/app?x=1"}, "/app?x=1"},
		"else what is asked":   {"GET", nil, "/data?y=1"},
		"by HEAD, too":         {"HEAD", []string{"Referer", "https://b.example/app"}, "/data?y=1"},
		"but not what changes": {"POST", nil, "/"},
		"unless it is known":   {"POST", []string{"Referer", "http://a.example/app"}, "/app"},
		"none of ours":         {"GET", []string{"Referer", "https://a.example/_wechat/login"}, "/"},
		"a broken one":         {"POST", []string{"Referer", "https://%zz"}, "/"},
	} {
		if got := s.PageOf(request(tt.method, "https://a.example/data?y=1", tt.headers...)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	r := request("GET", "https://a.example/", "Referer", "/x")
	r.Origin = visitor.Origin{}
	if page, ok := s.Referer(r); ok {
		t.Errorf("nobody's page is %s", page)
	}
}

func TestClientNetwork_IsASubscribers(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "": "invalid Prefix",
	} {
		s, _ := newSite(site.Config{})
		r := request("GET", "https://a.example/")
		parsed, _ := netip.ParseAddr(address)
		r.Server = &sitetest.Server{Address: parsed}
		if got := s.ClientNetwork(r).String(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestClientNetwork_TellsOfAProxyThatIsNotTrusted(t *testing.T) {
	for name, tt := range map[string]struct {
		address string
		trusts  bool
		header  string
		want    bool
	}{
		"near":             {"10.0.0.1", false, "X-Forwarded-For", true},
		"here":             {"127.0.0.1", false, "X-Real-Ip", true},
		"on the link":      {"fe80::1", false, "Forwarded", true},
		"far":              {"192.0.2.1", false, "X-Forwarded-For", false},
		"trusted":          {"10.0.0.1", true, "X-Forwarded-For", false},
		"no proxy at all ": {"10.0.0.1", false, "X-Other", false},
	} {
		s, logs := newSite(site.Config{})
		for range 2 {
			r := request("GET", "https://a.example/", tt.header, "198.51.100.1")
			r.Server = &sitetest.Server{Address: netip.MustParseAddr(tt.address), Trusts: tt.trusts}
			s.ClientNetwork(r)
		}
		if n := logs.Len(); n > 1 || (n == 1) != tt.want {
			t.Errorf("%s: %d lines", name, n)
		}
	}
}

func TestSite_SharesSessionsBelowItsDomain(t *testing.T) {
	shared, _ := newSite(site.Config{Domain: "example.com"})
	own, _ := newSite(site.Config{})
	for host, want := range map[string]bool{
		"example.com": true, "h5.example.com": true, "example.net": false, "badexample.com": false,
	} {
		o := visitor.Origin{Scheme: "https", Host: host}
		if got := shared.InDomain(o); got != want || !own.InDomain(o) {
			t.Errorf("%s: %t, and without a domain %t", host, got, own.InDomain(o))
		}
		if shared.Host(o) != "example.com" || own.Host(o) != host {
			t.Errorf("%s: %s and %s", host, shared.Host(o), own.Host(o))
		}
		if got := own.Scope(o); got != host+"|"+sitetest.Platform {
			t.Errorf("%s is sealed for %s", host, got)
		}
	}
	if shared.Domain() != "example.com" || shared.Prefix() != sitetest.Prefix ||
		shared.Platform() != sitetest.Platform {
		t.Error("the site does not say what it was told")
	}
}
