// Package visitor tells which client is asking, and whether it is a person who is going to a page. Both are read from
// what the client says of itself: they choose the way to log in and the kind of answer, and grant nothing.
package visitor

import (
	"net/http"
	"strings"
)

// Client is the program that a visitor uses. The zero Client is an ordinary browser on a computer.
type Client struct {
	WeChat bool // WeChat's own browser: phones, desktop WeChat, its developer tools, web-views of mini-programs
	WeCom  bool // WeCom's own browser; never together with WeChat, although its User-Agent names both
	Phone  bool // a phone or tablet, which cannot scan a code on its own screen

	// MiniProgram is the app id of the mini-program in whose web-view the page is, "" elsewhere; and on computers,
	// where WeChat does not say which one it is.
	MiniProgram string
}

// Of reads a User-Agent, whichever case it is written in.
func Of(userAgent string) Client {
	var c Client
	var program string
	for rest := userAgent; rest != ""; rest = rest[1:] {
		switch rest[0] {
		case 'a', 'A':
			c.Phone = c.Phone || begins(rest, "android")
		case 'i', 'I':
			c.Phone = c.Phone || begins(rest, "iphone") || begins(rest, "ipad")
		case 'o', 'O':
			c.Phone = c.Phone || begins(rest, "openharmony")
		case 'm', 'M':
			c.Phone = c.Phone || begins(rest, "mobile")
			c.WeChat = c.WeChat || begins(rest, "micromessenger")
		case 'w', 'W':
			c.WeCom = c.WeCom || begins(rest, "wxwork/")
		case ' ':
			if name := " miniprogram/"; program == "" && begins(rest, name) {
				program = rest[len(name):]
			}
		}
	}
	c.WeChat = c.WeChat && !c.WeCom
	if c.WeChat {
		c.MiniProgram = appID(program)
	}
	return c
}

// begins reports whether s begins with a word, which is in lower case.
func begins(s, word string) bool {
	return len(s) >= len(word) && strings.EqualFold(s[:len(word)], word)
}

// appID returns the app id that text begins with, if that has the shape of WeChat's.
func appID(text string) string {
	id, _, _ := strings.Cut(strings.ToLower(text), " ")
	if len(id) != len("wx0123456789abcdef") || !strings.HasPrefix(id, "wx") ||
		strings.Trim(id[2:], "0123456789abcdef") != "" {
		return ""
	}
	return id
}

// IsNavigation reports whether r is a person's browser going to a page, which a redirect may lead elsewhere: not a
// fetch, an image, a WebSocket or a prefetch.
func IsNavigation(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	h := r.Header
	if h.Get("Upgrade") != "" || isPrefetch(h) {
		return false
	}
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	if mode != "" || dest != "" {
		return (mode == "" || mode == "navigate") && (dest == "" || dest == "document")
	}
	return WantsPage(r)
}

// IsFormOrFrame reports whether r is a person's browser going to a page in a way that a redirect to a login would
// break: by a form that was posted, whose fields would be lost, or in a frame, where no login opens.
func IsFormOrFrame(r *http.Request) bool {
	h := r.Header
	if h.Get("Upgrade") != "" || isPrefetch(h) || isScript(h) {
		return false
	}
	mode, dest := h.Get("Sec-Fetch-Mode"), h.Get("Sec-Fetch-Dest")
	if mode == "" && dest == "" {
		return r.Method == http.MethodPost && WantsPage(r)
	}
	if mode != "" && mode != "navigate" {
		return false
	}
	switch dest {
	case "iframe", "frame":
		return r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost
	case "document", "":
		return r.Method == http.MethodPost
	default:
		return false
	}
}

// isPrefetch reports whether a browser asks for a page that nobody has gone to yet. Older ones have other words for it.
func isPrefetch(h http.Header) bool {
	return strings.HasPrefix(h.Get("Sec-Purpose"), "prefetch") || h.Get("Purpose") == "prefetch" ||
		h.Get("X-Moz") == "prefetch"
}

func isScript(h http.Header) bool {
	return strings.EqualFold(h.Get("X-Requested-With"), "XMLHttpRequest")
}

// WantsPage reports whether r asks for a page to show to a person, rather than for data. WebViews on Android send their
// app's name as X-Requested-With with every navigation, so only XMLHttpRequest there says that a script is asking.
func WantsPage(r *http.Request) bool {
	if isScript(r.Header) {
		return false
	}
	for _, accept := range r.Header["Accept"] {
		if containsAny(strings.ToLower(accept), "text/html", "application/xhtml+xml") {
			return true
		}
	}
	return false
}

func containsAny(s string, words ...string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
