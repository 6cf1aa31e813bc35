package caddywechat

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// response is a response whose body has been read.
type response struct {
	*http.Response
	body string
}

// location returns where the response redirects to, "" for nowhere.
func (a response) location() string { return a.Header.Get("Location") }

func (a response) json(t *testing.T) map[string]string {
	t.Helper()
	var m map[string]string
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
	return m
}

// wantStatus fails the test unless the response has that status.
func (a response) wantStatus(t *testing.T, status int) response {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %.300s", a.Request.Method, a.Request.URL, a.StatusCode, status, a.body)
	}
	return a
}

// wantJSON fails the test unless the response is a JSON error with that code.
func (a response) wantJSON(t *testing.T, status int, word string) map[string]string {
	t.Helper()
	a.wantStatus(t, status)
	m := a.json(t)
	if m["error"] != word {
		t.Fatalf("error %q, want %q", m["error"], word)
	}
	return m
}

func (a response) wantRedirect(t *testing.T, to string) {
	t.Helper()
	if got := a.location(); a.StatusCode != http.StatusFound || got != to {
		t.Fatalf("%s: status %d to %q, want 302 to %q", a.Request.URL, a.StatusCode, got, to)
	}
}

// setCookieLine returns the Set-Cookie line of the cookie with that name, "" for none.
func (a response) setCookieLine(name string) string {
	for _, line := range a.Header["Set-Cookie"] {
		if strings.HasPrefix(line, name+"=") {
			return line
		}
	}
	return ""
}

// headerSize returns how many bytes of the header are ours.
func headerSize(a response) int {
	size := 0
	for name, values := range a.Header {
		if name == "Date" || name == "Content-Length" {
			continue
		}
		for _, value := range values {
			size += len(name + ": " + value + "\r\n")
		}
	}
	return size
}

// wantSmallHeader fails the test unless the header fits into a proxy's buffer.
func (a response) wantSmallHeader(t *testing.T) response {
	t.Helper()
	if got := headerSize(a); got >= 4000 {
		t.Errorf("%.80s: the header has %d bytes", a.Request.URL, got)
	}
	return a
}

var headingElement = regexp.MustCompile(`<h1>(.*?)</h1>`)

func heading(a response) string {
	if a.body == "app "+person {
		return "app"
	}
	if match := headingElement.FindStringSubmatch(a.body); match != nil {
		return html.UnescapeString(match[1])
	}
	return fmt.Sprintf("%.80q", a.body)
}

// retryLink returns the target of a page's button to log in.
func retryLink(t *testing.T, a response) string {
	t.Helper()
	_, rest, ok := strings.Cut(a.body, `href="/_wechat/login?`)
	address, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("no button: %s", a.body)
	}
	return "/_wechat/login?" + strings.ReplaceAll(address, "&amp;", "&")
}

var buttonLink = regexp.MustCompile(`href="(http[^"]*/connect/oauth2/authorize[^"]*)"`)

// consentPage returns the target of the consent page's only button.
func consentPage(t *testing.T, a response) string {
	t.Helper()
	a.wantStatus(t, http.StatusOK)
	match := buttonLink.FindStringSubmatch(a.body)
	if match == nil {
		t.Fatalf("no button to WeChat: %s", a.body)
	}
	return strings.ReplaceAll(match[1], "&amp;", "&")
}
