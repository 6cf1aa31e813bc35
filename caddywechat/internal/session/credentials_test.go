package session

import (
	"net/http"
	"slices"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

func TestTakeTokens_TakesOursAndLeavesOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		authorization, token []string // the headers
		want, left           []string // tokens, and what stays of Authorization
	}{
		"none":             {},
		"bearer":           {authorization: []string{"Bearer wx1.a"}, want: []string{"wx1.a"}},
		"another's":        {authorization: []string{"Bearer eyJ.wx1.a"}, left: []string{"Bearer eyJ.wx1.a"}},
		"beside another's": {[]string{"Basic dTpw", "Bearer wx1.a"}, nil, []string{"wx1.a"}, []string{"Basic dTpw"}},
		"two at once":      {authorization: []string{"Bearer wx1.a, Bearer wx1.b"}, want: []string{"wx1.a", "wx1.b"}},
		"without a space":  {authorization: []string{"Bearer,wx1.a"}, want: []string{"wx1.a"}},
		"behind a tab":     {authorization: []string{"Bearer\twx1.a"}, want: []string{"wx1.a"}},
		"behind a space":   {authorization: []string{"Bearer wx1.a"}, want: []string{"wx1.a"}},
		"without a scheme": {authorization: []string{"wx1."}, want: []string{"wx1."}},
		"own header":       {token: []string{" wx1.a "}, want: []string{"wx1.a"}},
		"not ours there":   {token: []string{"a", "xwx1.a"}},
		"in both":          {[]string{"Bearer wx1.b"}, []string{"wx1.a"}, []string{"wx1.a", "wx1.b"}, nil},
	} {
		h := http.Header{}
		if tt.authorization != nil {
			h["Authorization"] = slices.Clone(tt.authorization)
		}
		if tt.token != nil {
			h[tokenHeader] = tt.token
		}
		if got := TakeTokens(h); !slices.Equal(got, tt.want) {
			t.Errorf("%s: took %q, want %q", name, got, tt.want)
		}
		if left, is := h["Authorization"]; !slices.Equal(left, tt.left) || is != (tt.left != nil) {
			t.Errorf("%s: left %q, want %q", name, left, tt.left)
		}
	}
}

func TestCookies_TakeCookiesTakesOursAndLeavesOthersAsTheyAre(t *testing.T) {
	before := slices.Clone(ownCookies)
	defer func() { ownCookies = before }()
	OwnCookie("wechat_test")
	session := visitor.Cookie{Name: "__Host-wechat_session", Value: "s=="}
	attempt := visitor.Cookie{Name: "wechat_test", Value: "a"}
	type cookies []visitor.Cookie
	for name, tt := range map[string]struct {
		lines []string
		taken []visitor.Cookie
		left  []string
	}{
		"none":       {},
		"others":     {lines: []string{"a=1;b=2;  c", " d"}, left: []string{"a=1;b=2;  c", " d"}},
		"ours alone": {lines: []string{"__Host-wechat_session=s=="}, taken: cookies{session}},
		"in front":   {[]string{"__Host-wechat_session=s==; a=1; b=2"}, cookies{session}, []string{"a=1; b=2"}},
		"between":    {[]string{"a=1; __Host-wechat_session=s==;b=2"}, cookies{session}, []string{"a=1;b=2"}},
		"both": {
			[]string{"wechat_test=a; a=1", "__Host-wechat_session=s=="}, cookies{attempt, session}, []string{"a=1"},
		},
		"without a value": {[]string{"a; wechat_test"}, cookies{{Name: "wechat_test"}}, []string{"a"}},
	} {
		h := http.Header{}
		if tt.lines != nil {
			h["Cookie"] = slices.Clone(tt.lines)
		}
		if got := (Cookies{}).TakeCookies(h, true); !slices.Equal(got, tt.taken) {
			t.Errorf("%s: took %q, want %q", name, got, tt.taken)
		}
		if left, is := h["Cookie"]; !slices.Equal(left, tt.left) || is != (tt.left != nil) {
			t.Errorf("%s: left %q, want %q", name, left, tt.left)
		}
	}
}

func TestCookies_FullNameHasItsPrefix(t *testing.T) {
	for name, want := range map[string]bool{
		"__Host-shop": true, "shop": false, "__Secure-shop": false, "__Host-shop2": false,
		"__Host-wechat_session": false,
	} {
		if (Cookies{Name: "shop"}).HasFullName(name, true) != want {
			t.Errorf("%s: want %v", name, want)
		}
	}
	if !(Cookies{}).HasFullName("wechat_session", false) {
		t.Error("on http no prefix is needed")
	}
	if !(Cookies{Domain: "example.com"}).HasFullName("__Secure-wechat_session", true) {
		t.Error("of a domain")
	}
}
