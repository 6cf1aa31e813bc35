package site

import (
	"net/url"

	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
)

// IsCrossSite reports whether a page of another site caused the request. Browsers too old for Sec-Fetch-Site say so by
// Origin only, and only with a POST.
func IsCrossSite(r *visitor.Request) bool {
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" {
		return from != "same-origin" && from != "none"
	}
	text := r.Header.Get("Origin")
	if text == "" {
		return false
	}
	u, err := url.Parse(text)
	if err != nil {
		return true
	}
	// The scheme is left out: behind a balancer that is not trusted we do not know it.
	from := visitor.Origin{Scheme: u.Scheme, Host: visitor.CanonicalHost(u.Scheme, u.Host)}
	return from.Hostname() != r.Origin.Hostname()
}

// IsSameSite reports whether the browser says that a navigation began at this site or by hand. Over http it tells by
// Referer at most; where it says nothing, the answer is no.
func (s *Site) IsSameSite(r *visitor.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Origin") != "" {
		return !IsCrossSite(r)
	}
	_, ok := s.Referer(r)
	return ok
}

// Referer returns the page of this site that a request came from, if the browser names one. The scheme is left out:
// behind a balancer that is not trusted we do not know it.
func (s *Site) Referer(r *visitor.Request) (page string, ok bool) {
	u, err := url.Parse(r.Referer())
	if err != nil || r.Origin.Host == "" || visitor.CanonicalHost(u.Scheme, u.Host) != r.Origin.Host {
		return "", false
	}
	return s.ReturnTo(u.RequestURI()), true
}

// PageOf returns the page that a script's request belongs to, which a login is to return to: the page that it was sent
// from or, where the browser does not say, what it asked for.
func (s *Site) PageOf(r *visitor.Request) string {
	if page, ok := s.Referer(r); ok {
		return page
	}
	if r.Method == "GET" || r.Method == "HEAD" {
		return s.ReturnTo(r.Target())
	}
	return "/"
}
