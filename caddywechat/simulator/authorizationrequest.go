package simulator

import (
	"net/url"
	"strings"
)

// authorizationRequest is what an app asks of a person, read from the query of an authorize URL or of a QR login's.
type authorizationRequest struct {
	raw          string   // the query as it came
	names        []string // of the parameters, in the order written
	appID        string
	redirectURI  string // decoded once
	responseType string
	scope        string
	state        string
	snapshot     bool // forceSnapShot=true
	agentID      string
	loginType    string

	account  account
	weCom    *WeComApp // nil: it is no login in WeCom
	redirect *url.URL
}

func (req authorizationRequest) grant(person Person, snapshot bool) grant {
	return grant{
		account: req.account, person: person, scope: req.scope, snapshot: snapshot,
		weCom: req.weCom, redirect: req.redirect,
	}
}

// parseAuthorizationRequest reads the raw query, since url.Values has no order. A value that can't be decoded is kept
// as it is and fails the check of that value.
func parseAuthorizationRequest(rawQuery string) authorizationRequest {
	req := authorizationRequest{raw: rawQuery}
	for part := range strings.SplitSeq(rawQuery, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(value); err == nil {
			value = decoded
		}
		req.names = append(req.names, name)
		switch name {
		case "appid":
			req.appID = value
		case "redirect_uri":
			req.redirectURI = value
		case "response_type":
			req.responseType = value
		case "scope":
			req.scope = value
		case "state":
			req.state = value
		case "forceSnapShot":
			req.snapshot = value == "true"
		case "agentid":
			req.agentID = value
		case "login_type":
			req.loginType = value
		}
	}
	return req
}
