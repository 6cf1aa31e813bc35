package weixin

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const (
	appID  = "wx0123456789abcdef"
	secret = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
	code   = "081UcAFa1s1OAz0o7wGa1wb8vG1UcAFX"
	openID = "oABC-def_0123456789abcdefghi"
)

var official = App{appID, Secret(secret)}

const success = `{"access_token":"61_token","expires_in":7200,"refresh_token":"61_refresh",` +
	`"openid":"` + openID + `","scope":"snsapi_base"}`

// exchange asks the server for a token, and checks what no error may hold.
func exchange(t *testing.T, c *Client) (Token, error) {
	t.Helper()
	token, err := c.ExchangeCode(t.Context(), official, code)
	if err != nil {
		if token != (Token{}) {
			t.Errorf("a token %+v beside an error", token)
		}
		for _, text := range []string{
			err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), fmt.Sprintf("%q", err),
		} {
			for _, private := range []string{secret, code, "secret=", "61_token", "61_refresh"} {
				if strings.Contains(text, private) {
					t.Errorf("the error holds %q: %s", private, text)
				}
			}
		}
	}
	return token, err
}

// answering returns a client of a server that answers by f.
func answering(t *testing.T, f http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return &Client{Hosts: HostsAt(s.URL, ""), Transport: s.Client().Transport, Timeout: 5 * time.Second}
}

// saying returns a client of a server that answers with a status, a content type and a body.
func saying(t *testing.T, status int, contentType, body string) *Client {
	t.Helper()
	return answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

func TestExchangeCode_ReadsAnswersOfWeChat(t *testing.T) {
	const plain, jsonType = "text/plain", "application/json; encoding=utf-8"
	alone, snapshot := Token{OpenID: openID}, Token{OpenID: openID, Snapshot: true}
	base := Token{OpenID: openID, Scope: "snsapi_base"}
	for name, tt := range map[string]struct {
		status      int
		contentType string
		body        string
		want        Token
	}{
		"success is text/plain": {200, plain, success, base},
		"success is JSON":       {200, jsonType, success, base},
		"errcode 0":             {200, jsonType, `{"errcode":0,"errmsg":"ok",` + success[1:], base},
		"errcode \"0\"":         {200, jsonType, `{"errcode":"0",` + success[1:], base},
		"errcode null":          {200, jsonType, `{"errcode":null,` + success[1:], base},
		"status 500":            {500, plain, success, base},
		"unionid": {
			200, plain, `{"openid":"` + openID + `","unionid":"oUnion-1_x","scope":"a,b"}`,
			Token{OpenID: openID, UnionID: "oUnion-1_x", Scope: "a,b"},
		},
		"empty unionid":        {200, plain, `{"openid":"` + openID + `","unionid":""}`, alone},
		"null unionid":         {200, plain, `{"openid":"` + openID + `","unionid":null}`, alone},
		"snapshot":             {200, plain, `{"openid":"` + openID + `","is_snapshotuser":1}`, snapshot},
		"snapshot as a string": {200, plain, `{"openid":"` + openID + `","is_snapshotuser":"1"}`, snapshot},
		"no snapshot":          {200, plain, `{"openid":"` + openID + `","is_snapshotuser":0}`, alone},
		"no snapshot, string":  {200, plain, `{"openid":"` + openID + `","is_snapshotuser":""}`, alone},
		"byte order mark":      {200, plain, "\ufeff" + success, base},
		"mark and blanks":      {200, plain, "\ufeff \r\n\t" + success + "\r\n", base},
		"control characters":   {200, plain, `{"nickname":"a` + "\x01\x08\x1f\n\t\x00" + `b",` + success[1:], base},
		"no UTF-8":             {200, plain, `{"nickname":"` + "\xff\xfe" + `",` + success[1:], base},
		"numbers as strings":   {200, plain, strings.Replace(success, "7200", `"7200"`, 1), base},
		"fields nobody knows":  {200, plain, `{"privilege":[{"a":[]}],"quick":true,` + success[1:], base},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := exchange(t, saying(t, tt.status, tt.contentType, tt.body))
			got.access, got.Refresh = "", "" // nobody beyond the package sees it
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestExchangeCode_ReturnsTheErrorThatWeChatNames(t *testing.T) {
	for name, tt := range map[string]struct {
		status  int
		body    string
		code    int
		message string
	}{
		"status 200": {
			200, `{"errcode":40029,"errmsg":"invalid code, rid: 6206378a-793424c0-2e4091cc"}`, 40029,
			"invalid code, rid: 6206378a-793424c0-2e4091cc",
		},
		"as a string":     {200, `{"errcode":"40163","errmsg":"code been used"}`, 40163, "code been used"},
		"busy":            {200, `{"errcode":-1,"errmsg":"system error"}`, -1, "system error"},
		"busy, string":    {200, `{"errcode":"-1"}`, -1, ""},
		"status 500":      {500, `{"errcode":-1,"errmsg":"system error"}`, -1, "system error"},
		"byte order mark": {200, "\ufeff" + `{"errcode":40029}`, 40029, ""},
		"with an openid":  {200, `{"errcode":40029,` + success[1:], 40029, ""},
		"after an openid": {200, success[:len(success)-1] + `,"errcode":40029}`, 40029, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := exchange(t, saying(t, tt.status, "application/json", tt.body))
			apiErr, ok := errors.AsType[*Error](err)
			if !ok || apiErr.Code != tt.code || apiErr.Message != tt.message {
				t.Errorf("got %v, want errcode %d %q", err, tt.code, tt.message)
			}
		})
	}
}

func TestExchangeCode_RefusesAnswersThatAreNoneOfWeChats(t *testing.T) {
	for name, tt := range map[string]struct {
		status      int
		contentType string
		body        string
	}{
		"HTML with 200":             {200, "text/html", "<html><body>maintenance</body></html>"},
		"HTML with 502":             {502, "text/html", "<html>Bad Gateway</html>"},
		"502 with another's JSON":   {502, "application/json", `{"message":"upstream timed out"}`},
		"200 with another's JSON":   {200, "application/json", `{"message":"upstream timed out"}`},
		"nothing":                   {200, "text/plain", ""},
		"500 with nothing":          {500, "text/plain", ""},
		"204":                       {204, "text/plain", ""},
		"blanks":                    {200, "text/plain", " \r\n "},
		"only a byte order mark":    {200, "text/plain", "\ufeff"},
		"null":                      {200, "text/plain", "null"},
		"a string":                  {200, "text/plain", `"ok"`},
		"a list":                    {200, "text/plain", "[]"},
		"a number":                  {200, "text/plain", "40029"},
		"an empty object":           {200, "text/plain", "{}"},
		"two objects":               {200, "text/plain", success + success},
		"half an object":            {200, "text/plain", success[:len(success)/2]},
		"errcode is a word":         {200, "text/plain", `{"errcode":"none",` + success[1:]},
		"errcode is an object":      {200, "text/plain", `{"errcode":{},` + success[1:]},
		"errcode is true":           {200, "text/plain", `{"errcode":true,` + success[1:]},
		"errcode is huge":           {200, "text/plain", `{"errcode":1e400,` + success[1:]},
		"snapshot is a word":        {200, "text/plain", `{"is_snapshotuser":"yes",` + success[1:]},
		"snapshot is true":          {200, "text/plain", `{"is_snapshotuser":true,` + success[1:]},
		"openid is a number":        {200, "text/plain", `{"openid":7}`},
		"openid is null":            {200, "text/plain", `{"openid":null}`},
		"openid is empty":           {200, "text/plain", `{"openid":"","scope":"snsapi_base"}`},
		"openid with a blank":       {200, "text/plain", `{"openid":"o 1"}`},
		"openid with a line break":  {200, "text/plain", `{"openid":"o1\r\nX-Admin: 1"}`},
		"openid with a NUL":         {200, "text/plain", `{"openid":"o1\u0000"}`},
		"openid with a colon":       {200, "text/plain", `{"openid":"wx1:o1"}`},
		"openid with a slash":       {200, "text/plain", `{"openid":"../o1"}`},
		"openid with a placeholder": {200, "text/plain", `{"openid":"{env.PATH}"}`},
		"openid in Chinese":         {200, "text/plain", `{"openid":"张三"}`},
		"openid of 129 characters":  {200, "text/plain", `{"openid":"` + strings.Repeat("o", 129) + `"}`},
		"unionid with a blank":      {200, "text/plain", `{"openid":"` + openID + `","unionid":"o 1"}`},
		"unionid with markup":       {200, "text/plain", `{"openid":"` + openID + `","unionid":"<b>"}`},
		"a redirect":                {302, "text/html", ""},
		"a redirect with JSON":      {302, "application/json", "{}"},
		"too long": {
			200, "text/plain", `{"openid":"` + openID + `","x":"` + strings.Repeat("x", maxAnswer) + `"}`,
		},
		"deep":                     {200, "text/plain", strings.Repeat("[", maxAnswer-1)},
		"echo of the content type": {200, strings.Repeat("text/html;", 1000), "<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := exchange(t, saying(t, tt.status, tt.contentType, tt.body))
			if !errors.Is(err, ErrAnswer) {
				t.Errorf("got %v, want %v", err, ErrAnswer)
			}
			if err != nil && len(err.Error()) > 500 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestClient_ReadsAnAnswerUpToItsBound(t *testing.T) {
	for name, zip := range map[string]bool{"plain": false, "zipped": true} {
		t.Run(name, func(t *testing.T) {
			served := make(chan int64, 1)
			c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				var out io.Writer = w
				if zip {
					w.Header().Set("Content-Encoding", "gzip")
					z := gzip.NewWriter(w)
					defer z.Close()
					out = z
				}
				block := bytes.Repeat([]byte(" "), 64<<10)
				var n int64
				for n < 1<<30 {
					written, err := out.Write(block)
					if n += int64(written); err != nil {
						break
					}
				}
				served <- n
			})
			if zip {
				c.Timeout = 20 * time.Second
			}
			if _, err := exchange(t, c); !errors.Is(err, ErrAnswer) {
				t.Errorf("got %v, want %v", err, ErrAnswer)
			}
			c.Transport.(*http.Transport).CloseIdleConnections()
			if n := <-served; n >= 1<<30 {
				t.Error("all of an endless answer was read")
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, body := range []string{
		success, `{"errcode":40029,"errmsg":"invalid code"}`, `{"errcode":"-1"}`, "\ufeff{}", "null", "[]", `"`,
		"{\"a\":\"\x01\"}", `{"errcode":""}`, `{"errcode":"\"1\""}`, `{"errcode":1.5}`, `{"is_snapshotuser":"1"}`,
		"<html>",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &Client{Hosts: HostsAt("http://api.test", ""), Transport: roundTripper(func(*http.Request) *http.Response {
			return &http.Response{StatusCode: 200, Body: io.NopCloser(bytes.NewReader(body))}
		})}
		token, err := c.ExchangeCode(t.Context(), official, code)
		if err != nil {
			if apiErr, ok := errors.AsType[*Error](err); ok == errors.Is(err, ErrAnswer) || ok && apiErr.Code == 0 {
				t.Errorf("got %v", err)
			}
			return
		}
		if !isID(token.OpenID) || token.UnionID != "" && !isID(token.UnionID) {
			t.Errorf("got %+v", token)
		}
	})
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }
