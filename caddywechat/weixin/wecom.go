package weixin

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// WeComAuthorization is a page of WeCom's that comes back with a code.
type WeComAuthorization struct {
	CorpID, AgentID, RedirectURI, State string
	Scope                               string // inside WeCom only
}

// WeComAuthorizeURL returns the address of the page for visitors inside WeCom
// (https://developer.work.weixin.qq.com/document/path/91022).
func (h Hosts) WeComAuthorizeURL(a WeComAuthorization) string {
	q := query{}.
		with("appid", a.CorpID).
		with("redirect_uri", a.RedirectURI).
		with("response_type", "code").
		with("scope", a.Scope).
		with("state", a.State).
		with("agentid", a.AgentID)
	return h.Open + "/connect/oauth2/authorize?" + string(q) + "#wechat_redirect"
}

// WeComLoginURL returns the address of the page with a QR code, for members in other browsers
// (https://developer.work.weixin.qq.com/document/path/98152).
func (h Hosts) WeComLoginURL(a WeComAuthorization) string {
	q := query{}.
		with("login_type", "CorpApp").
		with("appid", a.CorpID).
		with("agentid", a.AgentID).
		with("redirect_uri", a.RedirectURI).
		with("state", a.State)
	return h.WeComLogin + "/wwlogin/sso/login?" + string(q)
}

// WeComUser is whom a code of WeCom stands for: a member, or somebody else.
type WeComUser struct {
	UserID         string // a member's; somebody of a company up- or downstream may have CorpId/userid
	OpenID         string // somebody else's
	ExternalUserID string // somebody else's whom the company knows
	Ticket         string // for [Client.WeComAvatar], "" where a member did not agree to that; a secret
}

// WeComUser gives a code to WeCom for whom it stands for. A code works once. Where WeCom refuses the server token, it
// has not looked at the code, which is sent once more then (https://developer.work.weixin.qq.com/document/path/96442).
func (c *Client) WeComUser(ctx context.Context, token *ServerToken, code string) (user WeComUser, err error) {
	err = token.Do(ctx, func(access string) error {
		var answer weComUserAnswer
		q := query{}.
			with("access_token", access).
			with("code", code)
		if err := c.getFromWeCom(ctx, "/cgi-bin/auth/getuserinfo", q, &answer); err != nil {
			return withoutSecrets(err, access, code)
		}
		user, err = answer.user()
		return err
	})
	return user, err
}

// weComUserAnswer names the fields of the former API, too. They differ in case, which encoding/json would not look at
// if there were one of each only.
type weComUserAnswer struct {
	UserID         string `json:"userid"`
	OpenID         string `json:"openid"`
	ExternalUserID string `json:"external_userid"`
	Ticket         string `json:"user_ticket"`

	FormerUserID string `json:"UserId"`
	FormerOpenID string `json:"OpenId"`
}

func (a weComUserAnswer) user() (WeComUser, error) {
	u := WeComUser{UserID: a.UserID, OpenID: a.OpenID, ExternalUserID: a.ExternalUserID, Ticket: a.Ticket}
	if u.UserID == "" {
		u.UserID = a.FormerUserID
	}
	if u.OpenID == "" {
		u.OpenID = a.FormerOpenID
	}
	switch {
	case u.UserID != "" && isUserID(u.UserID):
		return WeComUser{UserID: u.UserID, Ticket: u.Ticket}, nil
	case u.UserID == "" && isID(u.OpenID) && (u.ExternalUserID == "" || isID(u.ExternalUserID)):
		return WeComUser{OpenID: u.OpenID, ExternalUserID: u.ExternalUserID}, nil
	case u.UserID == "" && u.OpenID == "" && isID(u.ExternalUserID):
		return WeComUser{ExternalUserID: u.ExternalUserID}, nil
	}
	return WeComUser{}, fmt.Errorf("%w: a code of nobody", ErrUnreadable)
}

// isUserID reports whether s can be a member's userid, perhaps with another company's id in front.
func isUserID(s string) bool {
	if corp, rest, found := strings.Cut(s, "/"); found {
		if !isID(corp) {
			return false
		}
		s = rest
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.@", c) >= 0:
		default:
			return false
		}
	}
	return 0 < len(s) && len(s) <= 64
}

// isSameUser reports whether two userids are the same but for a company's id in front of one, and for upper and lower
// case, which WeCom does not tell apart.
func isSameUser(a, b string) bool {
	if strings.Contains(a, "/") != strings.Contains(b, "/") {
		a, b = a[strings.IndexByte(a, '/')+1:], b[strings.IndexByte(b, '/')+1:]
	}
	return strings.EqualFold(a, b)
}

// checkUser says what is wrong with the userid in a member's profile.
func checkUser(userID, asked string) error {
	switch {
	case userID == "":
		return fmt.Errorf("%w: a profile without a userid", ErrUnreadable)
	case !isSameUser(userID, asked):
		return fmt.Errorf("%w: a profile of somebody else", ErrUnreadable)
	}
	return nil
}

// WeComMember is what WeCom tells of a member.
type WeComMember struct {
	Name        string   // any text
	Avatar      string   // an URL; "" with apps that were made after June 2022
	Departments []string // ids
}

// WeComMember asks for a member. Apps may read those in their visible range
// (https://developer.work.weixin.qq.com/document/path/90196).
func (c *Client) WeComMember(ctx context.Context, token *ServerToken, userID string) (member WeComMember, err error) {
	err = token.Do(ctx, func(access string) error {
		var answer struct {
			UserID      string   `json:"userid"`
			Name        string   `json:"name"`
			Avatar      string   `json:"avatar"`
			Departments []number `json:"department"`
		}
		q := query{}.
			with("access_token", access).
			with("userid", userID)
		if err := c.getFromWeCom(ctx, "/cgi-bin/user/get", q, &answer); err != nil {
			return withoutSecrets(err, access)
		}
		if err := checkUser(answer.UserID, userID); err != nil {
			return err
		}
		member = WeComMember{Name: answer.Name, Avatar: answer.Avatar}
		for _, id := range answer.Departments {
			member.Departments = append(member.Departments, strconv.FormatInt(int64(id), 10))
		}
		return nil
	})
	return member, err
}

// WeComAvatar asks for the picture of a member who agreed, "" where they or the company did not.
// (https://developer.work.weixin.qq.com/document/path/96443).
func (c *Client) WeComAvatar(ctx context.Context, token *ServerToken, user WeComUser) (avatar string, err error) {
	err = token.Do(ctx, func(access string) error {
		body := struct {
			Ticket string `json:"user_ticket"`
		}{user.Ticket}
		var answer struct {
			UserID string `json:"userid"`
			Avatar string `json:"avatar"`
		}
		asking := query{}.with("access_token", access)
		if err := c.postToWeCom(ctx, "/cgi-bin/auth/getuserdetail", asking, body, &answer); err != nil {
			return withoutSecrets(err, access, user.Ticket)
		}
		if err := checkUser(answer.UserID, user.UserID); err != nil {
			return err
		}
		avatar = answer.Avatar
		return nil
	})
	return avatar, err
}

// HidesMember reports whether WeCom does not let the app read a member: they are outside its visible range, of another
// company, or the app may not read anybody.
func (e *Error) HidesMember() bool {
	switch e.Code {
	case 48002, 60011, 60111:
		return e.WeCom
	}
	return false
}
