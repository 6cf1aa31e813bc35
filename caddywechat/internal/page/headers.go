package page

import "net/http"

func setHeaders(header http.Header, name Name, language, policy string) {
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", language)
	header.Add("Vary", "Accept-Language")
	header.Add("Vary", "Cookie")
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", referrerPolicy(name))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", frameOptions(name))
}

// frameOptions is [frameAncestors] for older browsers.
func frameOptions(name Name) string {
	if name == LoginNeeded {
		return "SAMEORIGIN"
	}
	return "DENY"
}

// referrerPolicy keeps the page's address, which may carry a login code, to itself. The page with a form is the
// exception: under no-referrer a browser sends the form with "Origin: null", and whoever has to tell our own form from
// another site's could not.
func referrerPolicy(name Name) string {
	if name == ConfirmLogout {
		return "same-origin"
	}
	return "no-referrer"
}
