package identity

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// forgeries are spellings that some server takes for a header of the gate's.
var forgeries = []string{
	"X-Wechat-Openid", "x-wechat-openid", "X-WECHAT-OPENID",
	"X_Wechat_Openid", "x_wechat-openid", "X_WECHAT_OPENID", "x-wechat_openid",
	"X.Wechat.Openid", "X.Wechat_Openid", "x.wechat-user", "x~wechat~user", "X!Wechat!User", "X|Wechat|User",
	"X*Wechat*User", "X+Wechat+User", "X`Wechat`User", "X^Wechat^User",
	"X#Wechat$User", "X%Wechat&User", "X'Wechat'User",
	"X-Wechat-", "X-Wechat-Anything-At-All", "X-Wechat-Assertion", "X-Wechat-Token", "X-Wechat-Login-Url",
	"X-Wecom-Userid", "x_wecom_userid", "X.Wecom.External.Userid", "X-WECOM-DEPARTMENTS",
	"X-WX-OPENID", "x-wx-unionid", "X_WX_APPID", "x.wx.source", "X-WX-ENV",
	"x_wx_from_openid", "X-Wx-From-Appid", "X-WX-FROM-UNIONID", "X.WX.CALL.ID",
	"Remote-User", "Remote_User", "remote.user", "REMOTE_USER", "remote-name", "Remote_Name",
}

// others are names that look like the gate's and are not.
var others = []string{
	"X-Wechatty", "X-Wechat", "XWechat-Openid", "X-Wechatopenid", "X--Wechat-Openid", "Y-X-Wechat-Openid",
	"X-We-Chat-User",
	"X-Wecoms", "X-Wecom", "X-Wxy", "X-Wx", "Wx-Openid", "X-Wx-", "X-Wx-Openids", "X-Wx-Open-Id", "X-Wx-Env-2",
	// Of old mini-program SDKs.
	"X-WX-Code", "X-WX-Encrypted-Data", "X-WX-IV", "X-WX-Id", "X-WX-Skey", "X-WX-Session-Magic-Id",
	"Remote-User-Agent", "Remote-Username", "Remote", "RemoteUser", "X-Remote-User", "Remote--User",
	"Authorization", "Cookie", "Accept", "X-Requested-With", "X-Forwarded-For",
}

func TestReserved_HasEverySpellingOfAName(t *testing.T) {
	r := NewReserved()
	for _, name := range forgeries {
		if !r.Has(name) {
			t.Errorf("%s is not reserved", name)
		}
	}
}

func TestReserved_HasNoSimilarNames(t *testing.T) {
	r := NewReserved()
	for _, name := range append(others, "") {
		if r.Has(name) {
			t.Errorf("%q is reserved", name)
		}
	}
}

func TestReserved_HasConfiguredNamesInEverySpelling(t *testing.T) {
	r := NewReserved("Foo_Bar", "X-Employee.No")
	for _, name := range []string{
		"Foo_Bar", "foo-bar", "FOO.BAR", "Foo-Bar", "x-employee-no", "X_Employee_No", "x.employee.no",
	} {
		if !r.Has(name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	for _, name := range []string{"Foobar", "Foo-Bar-Baz", "X-Employee", "Foo"} {
		if r.Has(name) {
			t.Errorf("%s is reserved", name)
		}
	}
	for _, configured := range []string{"_User", "-User", ".User", "~User"} {
		for _, name := range []string{"_User", "-User", ".User", "!user", "+USER"} {
			if !NewReserved(configured).Has(name) {
				t.Errorf("%s is not reserved beside %s", name, configured)
			}
		}
	}
	if NewReserved().Has("Foo-Bar") {
		t.Error("one handler's names are reserved for another")
	}
}

func TestReserved_HasANewPreset(t *testing.T) {
	presets["theirs"] = preset{prefix: "x-their-own-", headers: []Header{{OpenID, "X-Theirs"}}}
	before := everywhere
	everywhere = reservedEverywhere()
	defer func() { delete(presets, "theirs"); everywhere = before }()
	for _, name := range []string{"X-Theirs", "x_theirs"} {
		if before.Has(name) || !NewReserved().Has(name) {
			t.Errorf("%s: reserved before %v, then %v", name, before.Has(name), NewReserved().Has(name))
		}
	}
	chosen, err := NewHeaders([]string{"theirs"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	name := "X_Their_Own_Thing"
	if always, where := NewReserved().Has(name), chosen.Reserved().Has(name); always || !where {
		t.Errorf("%s: reserved %v, where the preset is chosen %v", name, always, where)
	}
}

func TestReserved_HasAllNamesOfThePresetWxcloudIfChosen(t *testing.T) {
	for _, choice := range [][]string{nil, {"remote_user"}, {"none"}, {"wxcloud"}, {"default", "wxcloud"}} {
		headers, err := NewHeaders(choice, nil)
		if err != nil {
			t.Fatal(err)
		}
		r, want := headers.Reserved(), slices.Contains(choice, "wxcloud")
		for _, name := range []string{"X-WX-Code", "X_WX_Skey", "x.wx.iv"} {
			if got := r.Has(name); got != want {
				t.Errorf("headers %v: %s reserved: %v", choice, name, got)
			}
		}
		if !r.Has("X-WX-OPENID") {
			t.Errorf("headers %v: X-WX-OPENID can be forged", choice)
		}
	}
}

func TestStrip_RemovesForgedHeadersAndNothingElse(t *testing.T) {
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, name := range forgeries {
		// Straight into the map, since net/http keeps some spellings apart and joins others.
		req.Header[name] = []string{"victim", "victim", "victim"}
		req.Header[http.CanonicalHeaderKey(name)] = []string{"victim"}
	}
	want := http.Header{}
	for _, name := range others {
		req.Header[name] = []string{"kept"}
		want[name] = []string{"kept"}
	}
	NewReserved().Strip(req)
	if !maps.EqualFunc(req.Header, want, slices.Equal) {
		t.Errorf("left %v, want %v", req.Header, want)
	}
}

func TestStrip_LetsConnectionNameNoHeaderOfTheGates(t *testing.T) {
	for name, tt := range map[string]struct{ lines, want []string }{
		"alone":           {[]string{"X-Wechat-Openid"}, nil},
		"other case":      {[]string{"x-wechat-openid, X-WECHAT-USER"}, nil},
		"other spelling":  {[]string{"x_wechat_openid, remote.user"}, nil},
		"beside close":    {[]string{"close, X-Wechat-Openid"}, []string{"close"}},
		"spaces and tabs": {[]string{"  close ,\t X-Wechat-Openid \t,keep-alive"}, []string{"close", "keep-alive"}},
		"empty options":   {[]string{",, ,X-Wechat-Openid,,"}, nil},
		"several lines": {
			[]string{"X-Wechat-Openid", "keep-alive", "remote-user, x-wx-openid", "X-Hop"},
			[]string{"keep-alive", "X-Hop"},
		},
		"upgrade stays":       {[]string{"Upgrade"}, []string{"Upgrade"}},
		"upgrade beside":      {[]string{"x-wecom-userid, Upgrade"}, []string{"Upgrade"}},
		"keep-alive, upgrade": {[]string{"keep-alive, Upgrade"}, []string{"keep-alive", "Upgrade"}},
		"similar names":       {[]string{"X-Wechatty, Remote-User-Agent"}, []string{"X-Wechatty", "Remote-User-Agent"}},
	} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodGet, "/", nil)
			req.Header["Connection"] = tt.lines
			NewReserved().Strip(req)
			var got []string
			for _, line := range req.Header["Connection"] {
				for option := range strings.SplitSeq(line, ",") {
					got = append(got, strings.TrimSpace(option))
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("left %q, want %q", got, tt.want)
			}
			if line, ok := req.Header["Connection"]; ok && len(line) == 0 {
				t.Error("left a header without a value")
			}
		})
	}
}

// What is counted is the work for every request of every visitor.
func TestStrip_AllocatesNothingForAnOrdinaryRequest(t *testing.T) {
	for name, connection := range map[string]string{"HTTP/2": "", "HTTP/1.1": "keep-alive"} {
		t.Run(name, func(t *testing.T) {
			req := httptest.NewRequest(http.MethodGet, "/", nil)
			for _, name := range []string{
				"User-Agent", "Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Referer", "Sec-Fetch-Mode",
				"Sec-Fetch-Dest", "Sec-Fetch-Site", "X-Requested-With", "X-Forwarded-For", "Upgrade-Insecure-Requests",
			} {
				req.Header.Set(name, "some value")
			}
			if connection != "" {
				req.Header.Set("Connection", connection)
			}
			r := NewReserved("Foo-Bar")
			if n := testing.AllocsPerRun(100, func() { r.Strip(req) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// upstream is what a handler behind Strip saw of a request.
type upstream struct {
	body    string
	trailer http.Header
}

// trailerServer starts a server that strips a request, as Caddy hands it on, reads it by read, and tells what it saw.
func trailerServer(t *testing.T, read func(*http.Request) string) (*httptest.Server, <-chan upstream) {
	t.Helper()
	saw := make(chan upstream, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, nil)) // Caddy works on a copy, too
		NewReserved().Strip(r)
		body := read(r)
		saw <- upstream{body, r.Trailer.Clone()}
	}))
	s.EnableHTTP2 = true
	return s, saw
}

func readAll(r *http.Request) string {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestStrip_RemovesForgedTrailers(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) {
			s, saw := trailerServer(t, readAll)
			if protocol == "HTTP/2.0" {
				s.StartTLS()
			} else {
				s.Start()
			}
			defer s.Close()

			const body = "chunked"
			req, err := http.NewRequest(http.MethodPost, s.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Trailer = http.Header{
				"X-Wechat-Openid": nil, "X_wechat_openid": nil, "Remote_user": nil, "X-Wx-Openid": nil,
				"X-Checksum": nil, "X-Wechatty": nil,
			}
			// The values come late: net/http takes them when the body is at its end.
			req.Body = io.NopCloser(io.MultiReader(strings.NewReader(body), atEOF(func() {
				for name := range req.Trailer {
					req.Trailer[name] = []string{"late"}
				}
			})))
			res, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.Proto != protocol {
				t.Fatalf("went over %s", res.Proto)
			}
			got := <-saw
			if got.body != body {
				t.Errorf("body = %q, want %q", got.body, body)
			}
			want := http.Header{"X-Checksum": {"late"}, "X-Wechatty": {"late"}}
			if !maps.EqualFunc(got.trailer, want, slices.Equal) {
				t.Errorf("trailers = %v, want %v", got.trailer, want)
			}
		})
	}
}

// atEOF is an empty body that calls the function when it is read.
type atEOF func()

func (f atEOF) Read([]byte) (int, error) { f(); return 0, io.EOF }

func TestStrip_RemovesUnannouncedTrailers(t *testing.T) {
	for name, announced := range map[string]string{
		"nothing announced":   "",
		"another announced":   "Trailer: X-Checksum\r\n",
		"announced otherwise": "Trailer: X-Wechat-User\r\nTrailer: x-checksum\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, saw := trailerServer(t, readAll)
			s.Start()
			defer s.Close()
			send(t, s.Listener.Addr().String(), announced,
				"X-Wechat-Openid: victim\r\nx_wechat_user: victim\r\nX-Checksum: 7\r\n")
			for name := range (<-saw).trailer {
				if NewReserved().Has(name) {
					t.Errorf("%s arrived", name)
				}
			}
		})
	}
}

// net/http sets trailers that nobody announced on its own request only, so a copy such as Caddy's never has them. Strip
// promises it for any request.
func TestStrip_RemovesUnannouncedTrailersOfTheServersOwnRequest(t *testing.T) {
	saw := make(chan http.Header, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		NewReserved().Strip(r)
		io.Copy(io.Discard, r.Body)
		saw <- r.Trailer.Clone()
	}))
	defer s.Close()
	send(t, s.Listener.Addr().String(), "", "X-Wechat-Openid: victim\r\n")
	if got := <-saw; len(got) != 0 {
		t.Errorf("trailers = %v", got)
	}
}

// Closing a body reads what is left of it, with the trailers.
func TestStrip_RemovesTrailersIfTheBodyIsClosedEarly(t *testing.T) {
	s, saw := trailerServer(t, func(r *http.Request) string {
		r.Body.Close()
		return ""
	})
	s.Start()
	defer s.Close()
	send(t, s.Listener.Addr().String(), "Trailer: X-Wechat-Openid\r\n", "X-Wechat-Openid: victim\r\n")
	if got := <-saw; len(got.trailer) != 0 {
		t.Errorf("trailers = %v", got.trailer)
	}
}

// send posts a chunked body with trailers that net/http's client would not send, and waits for the answer.
func send(t *testing.T, addr, headers, trailers string) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: h5.example.com\r\nTransfer-Encoding: chunked\r\n%s\r\n"+
		"1\r\nx\r\n0\r\n%s\r\n", headers, trailers)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("answer %s", res.Status)
	}
}

func TestStrip_KeepsTheBodyWithoutTrailers(t *testing.T) {
	req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	body := req.Body
	NewReserved().Strip(req)
	if req.Body != body {
		t.Error("the body was wrapped for nothing")
	}
}

func FuzzReserved_HasFoldedNames(f *testing.F) {
	for _, name := range append(forgeries, others...) {
		f.Add(name)
	}
	r := NewReserved("Foo-Bar", "_Under")
	f.Fuzz(func(t *testing.T, name string) {
		// What CGI makes of a name, with the separator of the contract.
		folded := strings.Map(func(c rune) rune {
			switch {
			case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
				return c
			case 'A' <= c && c <= 'Z':
				return c + 'a' - 'A'
			}
			return '-'
		}, name)
		want := strings.HasPrefix(folded, "x-wechat-") || strings.HasPrefix(folded, "x-wecom-") ||
			slices.Contains([]string{"remote-user", "remote-name", "foo-bar", "-under"}, folded) ||
			slices.Contains(cloudNames, folded)
		for i := range len(name) {
			if name[i] >= 0x80 {
				t.Skip("no header name holds such a byte")
			}
		}
		if got := r.Has(name); got != want {
			t.Errorf("Has(%q) = %v, want %v", name, got, want)
		}
	})
}
